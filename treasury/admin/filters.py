"""Filters that several of the treasury's lists share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.options import ModelAdmin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.staff.filters import ChoiceFilter
from treasury.admin.display import network_choices


class NetworkFilter(ChoiceFilter):
    title = _("network")
    parameter_name = field = "network"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Sequence[tuple[Any, Any]]:
        return network_choices()


class StateFilter(ChoiceFilter):
    title = _("state")
    parameter_name = field = "state"
