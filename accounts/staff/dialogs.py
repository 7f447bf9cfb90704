"""What staff do, they do in dialogs: opened by GET, carried out by POST, each calling one operation.

A dialog's method runs outside any transaction of the admin's own, so the operation's commit is a commit. An operation
that refuses says why in the dialog, in the reader's words; the page behind is loaded anew only when it has worked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.second_factor import StepUpFailed
from accounts.second_factor.fields import StepUpFields

TEMPLATE = "unfold/helpers/dialog.html"

Operation = Callable[[Any, HttpRequest, Any], str]


class Refused(Exception):
    """The deed was refused; `message` tells the person at the keyboard why."""

    def __init__(self, message: Any) -> None:
        super().__init__(message)
        self.message = message


class DialogForm(BaseDialogForm):
    """A dialog's form. It shows what it is about (`subject_template`) above its fields, and its errors there too."""

    form_before_template = "admin/dialog_subject.html"
    subject_template: ClassVar[str] = ""
    danger: ClassVar[bool] = False

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        return {
            "form": self,
            "problems": self.non_field_errors() if self.is_bound else [],
            "closed_because": self.closed_because(),
            "notice": self.notice(),
            "subject_template": self.subject_template,
            **self.subject(),
        }

    def subject(self) -> dict[str, Any]:
        """What `subject_template` shows."""
        return {}

    def closed_because(self) -> Any:
        """Why there is nothing to decide here any more, or an empty string."""
        return ""

    def notice(self) -> Any:
        """What the person ought to know before they decide, or an empty string."""
        return ""

    def submit_text(self) -> Any:
        """What the button says; empty for the dialog's own title."""
        return ""


class StaffStepUp(StepUpFields):
    """A form of a deed that moves money, changes who may, or takes data out: it asks for a code or a passkey, unless
    that was just given. `templates/admin/step_up.html` draws what is not a field."""

    def ask(self, request: HttpRequest, *, factor_needed: bool = True, each_time: bool = False) -> None:
        super().ask(request, factor_needed=factor_needed, each_time=each_time)
        self.fields["code"].widget = UnfoldAdminTextInputWidget(
            attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}
        )
        self.fields.pop("password")
        if self.is_fresh or not self.has_app:
            self.fields.pop("code")
        self.order_fields([*(name for name in self.fields if name not in ("code", "credential")), "code", "credential"])


class StepUpDialogForm(StaffStepUp, DialogForm):
    """`each_time`: for a deed whose proof is kept as evidence, and belongs to that deed alone."""

    form_after_template = "admin/step_up.html"
    each_time: ClassVar[bool] = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ask(self.request, each_time=self.each_time)

    def get_after_template_context(self, request: HttpRequest, object_id: Any = None) -> dict[str, Any]:
        return {"form": self, "options": None if self.closed_because() else self.passkey_options()}


def dialog(
    *,
    form: type[DialogForm],
    title: Any,
    permission: str,
    description: Any = None,
    icon: str = "",
    variant: ActionVariant = ActionVariant.DEFAULT,
    url_path: str,
    refusals: tuple[type[Exception], ...],
) -> Callable[[Operation], Callable[..., HttpResponse]]:
    """Turn a method `(self, request, form) -> message` into a dialog of a row's page.

    `permission` names the admin's `has_<permission>_permission`. Exceptions of `refusals` (each with a `message`) are
    shown in the dialog. The method's answer is shown to the person once it is done.
    """
    refused: tuple[type[Exception], ...] = (*refusals, Refused)
    options = {"title": title, "description": description, "form_class": form, "form_submit_text": title}

    def decorate(operation: Operation) -> Callable[..., HttpResponse]:
        @wraps(operation)
        def carry_out(self: Any, request: HttpRequest, given: DialogForm, object_id: str) -> HttpResponse:
            try:
                message = operation(self, request, given)
            except refused as refusal:
                if isinstance(refusal, StepUpFailed) and isinstance(given, StepUpFields):
                    given.refuse_step_up(refusal)
                else:
                    given.add_error(None, str(getattr(refusal, "message", refusal)))
                return render(
                    request,
                    TEMPLATE,
                    {"dialog": options, "form": given, "form_submit_text": given.submit_text() or title},
                )
            messages.success(request, message)
            return _leave(request, self, object_id)

        wired = action(
            description=title,
            permissions=[permission],
            url_path=url_path,
            icon=icon or None,
            variant=variant,
            dialog=options,
        )(carry_out)

        @wraps(wired)
        def view(self: Any, request: HttpRequest, object_id: str) -> HttpResponse:
            if not getattr(self, f"has_{permission}_permission")(request, object_id):
                raise PermissionDenied
            if request.method == "GET" and "HX-Request" not in request.headers:
                return HttpResponseRedirect(_page_of(self, object_id))  # opened in a tab of its own: the row's page
            return wired(self, request, object_id=object_id)

        return view

    return decorate


def reason_field(label: Any, *, help_text: Any = "", required: bool = True, limit: int = 500) -> forms.CharField:
    """A few lines of text."""
    return forms.CharField(
        label=label,
        help_text=help_text,
        required=required,
        max_length=limit,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2, "maxlength": limit}),
    )


def text_input(**attrs: Any) -> Any:
    """A one-line input in the site's style."""
    return UnfoldAdminTextInputWidget(attrs=attrs)


def _page_of(admin: Any, object_id: str) -> str:
    options = admin.model._meta  # noqa: SLF001  # Django's documented model API
    return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[object_id])


def _leave(request: HttpRequest, admin: Any, object_id: str) -> HttpResponse:
    """Back to the page that the dialog was opened on, loaded anew."""
    target = _page_of(admin, object_id)
    current = urlsplit(request.headers.get("HX-Current-URL", ""))
    back = f"{current.path}?{current.query}" if current.query else current.path
    if current.path.startswith(reverse("admin:index")) and url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        target = back
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": target})
    return HttpResponseRedirect(target)
