"""Who signed in, or tried to, for support: found by person, address, country and what was odd."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import RadioFilter
from unfold.decorators import display

from accounts.countries import country_code
from accounts.models import LoginHistory, User
from accounts.staff.display import NOTHING, badge, labelled, link_to, moment, mono
from accounts.staff.filters import ChoiceFilter, FormFilter, PeriodFilter
from accounts.staff.forms import ExactForm
from accounts.staff.readonly import ReadOnlyAdmin

COLOURS = {
    "success": "success",
    "wrong_password": "danger",
    "wrong_code": "danger",
    "wrong_passkey": "danger",
    "code_asked": "info",
    "throttled": "danger",
    "closed": "danger",
}
ODD = {
    "any": Q(new_country=True) | Q(impossible_travel=True),
    "new_country": Q(new_country=True),
    "impossible_travel": Q(impossible_travel=True),
}


class ResultFilter(ChoiceFilter):
    title = gettext_lazy("result")
    parameter_name = field = "result"


class OddFilter(RadioFilter):
    title = gettext_lazy("what is odd")
    parameter_name = "odd"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Sequence[tuple[Any, Any]]:
        return [
            ("any", _("Anything odd")),
            ("new_country", _("New country")),
            ("impossible_travel", _("Impossible travel")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        wanted = ODD.get(str(self.value()))
        return queryset if wanted is None else queryset.filter(wanted)


class CountryForm(ExactForm):
    name = "country"
    label = gettext_lazy("Country: its name, or its code (DE)")


class CountryFilter(FormFilter):
    title = gettext_lazy("country")
    form_class = CountryForm
    parameter_names = ("country",)

    def narrow(self, queryset: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        if not given["country"]:
            return queryset
        code = country_code(given["country"])
        return queryset.filter(country=code) if code else queryset.none()


class TimeFilter(PeriodFilter):
    field = "at"


@admin.register(LoginHistory)
class LoginHistoryAdmin(ReadOnlyAdmin):
    list_display = ("when", "who", "result_", "odd", "place_", "address", "program_", "way")
    list_filter = (ResultFilter, OddFilter, CountryFilter, TimeFilter)
    list_select_related = ("user",)
    search_fields = ("user",)
    search_help_text = gettext_lazy("Exact e-mail address, or IP address")
    exact_lookups = ("user",)
    fields = ("when", "who", "result_", "odd", "place_", "coordinates", "address", "program_", "way", "device_id")
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[LoginHistory]:
        return super().get_queryset(request).select_related("user")

    def find(self, request: HttpRequest, queryset: QuerySet[Any], term: str) -> QuerySet[Any]:
        if "@" in term:
            user = User.objects.filter(email=term.lower()).values_list("pk", flat=True).first()
            return queryset.none() if user is None else queryset.filter(user=user)
        try:
            address = ipaddress.ip_address(term)
        except ValueError:
            return queryset.none()
        if getattr(address, "scope_id", None):
            return queryset.none()  # of a network card here, not of anybody who signed in
        return queryset.filter(ip_address=str(address))

    @display(description=gettext_lazy("time"))
    def when(self, row: LoginHistory) -> str:
        return moment(row.at)

    @display(description=gettext_lazy("who"))
    def who(self, row: LoginHistory) -> str:
        if row.user.is_staff:
            return row.user.email
        return link_to(row.user.email, "accounts_customer_change", row.user_id)

    @labelled(description=gettext_lazy("result"), colours=COLOURS)
    def result_(self, row: LoginHistory) -> tuple[str, str]:
        return row.result, row.get_result_display()

    @display(description=gettext_lazy("what is odd"))
    def odd(self, row: LoginHistory) -> str:
        return odd_labels(row) or NOTHING

    @display(description=gettext_lazy("place"))
    def place_(self, row: LoginHistory) -> str:
        return row.place or NOTHING

    @display(description=gettext_lazy("coordinates"))
    def coordinates(self, row: LoginHistory) -> str:
        return NOTHING if row.latitude is None else f"{row.latitude:.3f}, {row.longitude:.3f}"

    @display(description=gettext_lazy("IP address"))
    def address(self, row: LoginHistory) -> str:
        return mono(row.ip_address)

    @display(description=gettext_lazy("browser"))
    def program_(self, row: LoginHistory) -> str:
        return row.program or NOTHING

    @display(description=gettext_lazy("way in"))
    def way(self, row: LoginHistory) -> str:
        return row.method_words or NOTHING


def odd_labels(row: LoginHistory) -> str:
    """What is odd about a sign-in, as labels; empty for nothing."""
    return format_html_join(" ", "{}", ((badge(flag, "warning"),) for flag in row.flags))


def sign_in_line(row: LoginHistory) -> str:
    """A sign-in in one line of another page."""
    parts = [
        moment(row.at),
        badge(row.get_result_display(), COLOURS[row.result]),
        row.place or _("place unknown"),
        mono(row.ip_address),
        row.program or _("browser unknown"),
    ]
    return format_html("{} {}", format_html_join(" · ", "{}", ((part,) for part in parts)), odd_labels(row))
