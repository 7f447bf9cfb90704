"""Filters of the staff's lists: each becomes a condition that an index can serve."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.options import ModelAdmin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RadioFilter
from unfold.widgets import INPUT_CLASSES

KEY_SLACK = 10_000
"""Keys are given at the start of a transaction, times too; neighbours may be swapped by at most so many rows."""


class ChoiceFilter(RadioFilter):
    """One value of an indexed column. Subclasses name the column and may list the choices themselves."""

    field: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Sequence[tuple[Any, Any]]:
        return list(model_admin.model._meta.get_field(self.field).flatchoices)  # noqa: SLF001  # documented model API

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        known = {str(value) for value, _label in self.lookup_choices}
        return queryset.filter(**{self.field: self.value()}) if self.value() in known else queryset


class FormFilter(admin.SimpleListFilter):
    """A filter with its own small form. Wrong values filter nothing and are shown with their error."""

    template = "admin/filter_form.html"
    form_class: ClassVar[type[forms.Form]]
    parameter_names: ClassVar[tuple[str, ...]]

    def __init__(
        self, request: HttpRequest, params: dict[str, list[str]], model: type[Model], model_admin: ModelAdmin
    ) -> None:
        self.parameter_name = self.parameter_names[0]
        super().__init__(request, params, model, model_admin)
        for name in self.parameter_names:
            if name in params:
                self.used_parameters[name] = params.pop(name)[-1]
        self.form = self.form_class(data=self.used_parameters or None)

    def expected_parameters(self) -> list[str | None]:
        return list(self.parameter_names)

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Sequence[tuple[Any, str]]:
        return ()

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {"form": self.form}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.used_parameters or not self.form.is_valid():
            return queryset
        return self.narrow(queryset, self.form.cleaned_data)

    def narrow(self, queryset: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        raise NotImplementedError("a subclass says what its form means")


def day_input() -> forms.DateInput:
    """The browser's own day picker, in the site's style."""
    return forms.DateInput(attrs={"type": "date", "class": " ".join(INPUT_CLASSES)}, format="%Y-%m-%d")


class PeriodForm(forms.Form):
    since = forms.DateField(label=_("From"), required=False, widget=day_input())
    until = forms.DateField(label=_("To"), required=False, widget=day_input())


class PeriodFilter(FormFilter):
    """From a day to a day (UTC, both included) of an indexed time that grows with the key.

    The days become bounds of the key, so the list still reads only the rows it shows.
    """

    title = _("period")
    form_class = PeriodForm
    parameter_names = ("since", "until")
    field: ClassVar[str]

    def narrow(self, queryset: QuerySet[Any], given: dict[str, Any]) -> QuerySet[Any]:
        return within_days(queryset, self.field, given["since"], given["until"])


def within_days(queryset: QuerySet[Any], field: str, since: dt.date | None, until: dt.date | None) -> QuerySet[Any]:
    """Rows of these days (UTC, both included), by an indexed time that grows with the key."""
    model = queryset.model
    if since:
        start = _midnight(since)
        first = model.objects.filter(**{f"{field}__gte": start}).order_by(field)
        key = first.values_list("pk", flat=True).first()
        if key is None:
            return queryset.none()
        queryset = queryset.filter(**{f"{field}__gte": start}, pk__gte=key - KEY_SLACK)
    if until and until < dt.date.max:  # no day comes after that one
        end = _midnight(until + dt.timedelta(days=1))
        last = model.objects.filter(**{f"{field}__lt": end}).order_by(f"-{field}")
        key = last.values_list("pk", flat=True).first()
        if key is None:
            return queryset.none()
        queryset = queryset.filter(**{f"{field}__lt": end}, pk__lte=key + KEY_SLACK)
    return queryset


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min), dt.UTC)
