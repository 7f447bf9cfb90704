"""The step-up of a customer's form."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts.second_factor.fields import StepUpFields


class StepUpForm(StepUpFields):
    """`templates/portal/parts/step_up.html` draws it, as `step_up`."""

    def __init__(self, *args: Any, request: HttpRequest, factor_needed: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ask(request, factor_needed=factor_needed)
