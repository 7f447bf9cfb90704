"""The queue's filters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin.options import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.staff.filters import ChoiceFilter, FormFilter, PeriodFilter
from accounts.staff.forms import line
from payouts.admin.states import staff_states
from treasury.admin.display import network_choices
from treasury.money import InvalidAmount, parse_usdt


class StateFilter(ChoiceFilter):
    title = _("state")
    parameter_name = field = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Sequence[tuple[Any, Any]]:
        return staff_states()


class NetworkFilter(ChoiceFilter):
    title = _("network")
    parameter_name = field = "network"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Sequence[tuple[Any, Any]]:
        return network_choices()


class AmountField(forms.CharField):
    """An amount as people write it; micro-USDT in `cleaned_data`."""

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return parse_usdt(text)
        except InvalidAmount as fault:
            raise forms.ValidationError(gettext("Not an amount.")) from fault


class AmountForm(forms.Form):
    least = AmountField(label=_("Amount from, USDT"), required=False, max_length=40, widget=line())
    most = AmountField(label=_("Amount to, USDT"), required=False, max_length=40, widget=line())


class AmountFilter(FormFilter):
    title = _("amount")
    form_class = AmountForm
    parameter_names = ("least", "most")

    def narrow(self, queryset: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        if given["least"] is not None:
            queryset = queryset.filter(amount_micro__gte=given["least"])
        return queryset if given["most"] is None else queryset.filter(amount_micro__lte=given["most"])


class RequestedFilter(PeriodFilter):
    title = _("requested")
    field = "requested_at"


class CustomerForm(forms.Form):
    email = forms.CharField(label=_("Customer's e-mail address"), required=False, max_length=254, widget=line())


class CustomerFilter(FormFilter):
    title = _("customer")
    form_class = CustomerForm
    parameter_names = ("email",)

    def narrow(self, queryset: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        if not given["email"]:
            return queryset
        customer = User.objects.filter(email=given["email"].lower()).values_list("pk", flat=True).first()
        return queryset.none() if customer is None else queryset.filter(customer=customer)


class ClaimFilter(ChoiceFilter):
    title = _("claim")
    parameter_name = "claim"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Sequence[tuple[Any, Any]]:
        return [("me", _("Mine")), ("others", _("Colleagues'")), ("free", _("Free"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        running = queryset.filter(claimed_until__gt=timezone.now())
        if self.value() == "me":
            return running.filter(claimed_by=request.user.pk)
        if self.value() == "others":
            return running.exclude(claimed_by=request.user.pk)
        if self.value() == "free":
            return queryset.exclude(claimed_until__gt=timezone.now())
        return queryset
