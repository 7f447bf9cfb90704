"""The lock on the settings: locking, lengthening, and the long way to unlocking early."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import settings_lock
from accounts.activity import origin_of
from accounts.second_factor import StepUpFailed
from accounts.settings_lock import NotLocked, SettingsLockError, UnlockLinkExpired, UnlockLinkInvalid
from portal.forms.addresses import LockForm
from portal.forms.step_up import StepUpForm
from portal.people import customer_of

UNPROCESSABLE = 422


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def lock(request: HttpRequest) -> HttpResponse:
    """GET: how things are. POST: lock the settings, or lengthen the lock."""
    if request.method != "POST":
        return show(request, LockForm(), StepUpForm(request=request, factor_needed=False))
    form, step_up = LockForm(request.POST), StepUpForm(request.POST, request=request, factor_needed=False)
    if not (form.is_valid() & step_up.is_valid()):
        return show(request, form, step_up, status=UNPROCESSABLE)
    try:
        settings_lock.lock_settings(
            user_id=customer_of(request).pk,
            days=form.cleaned_data["days"],
            wait_days=form.cleaned_data["wait_days"],
            step_up=step_up.prove(origin_of(request)),
            origin=origin_of(request),
        )
    except StepUpFailed as error:
        step_up.refuse_step_up(error)
        return show(request, form, step_up, status=UNPROCESSABLE)
    except SettingsLockError as error:
        form.add_error(error.field if error.field in form.fields else None, str(error.message))
        return show(request, form, step_up, status=UNPROCESSABLE)
    messages.success(request, _("Your settings are locked."))
    return redirect("settings_lock")


@login_required
@require_POST
def unlock(request: HttpRequest) -> HttpResponse:
    """Ask for the mail that begins unlocking early."""
    try:
        settings_lock.request_unlock(user_id=customer_of(request).pk, origin=origin_of(request))
    except SettingsLockError as error:
        messages.info(request, str(error.message))
    else:
        messages.info(request, _("We have sent you a mail. Nothing is unlocked before you confirm it there."))
    return redirect("settings_lock")


@login_required
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Take the wish to unlock early back."""
    try:
        settings_lock.keep_locked(user_id=customer_of(request).pk, origin=origin_of(request))
    except NotLocked as error:
        messages.info(request, str(error.message))
    else:
        messages.success(request, _("The lock stays as it was."))
    return redirect("settings_lock")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail. Opening it changes nothing (scanners open links); the button confirms."""
    user_id = customer_of(request).pk
    try:
        if request.method == "POST":
            settings_lock.confirm_unlock(token=token, user_id=user_id, origin=origin_of(request))
            messages.success(request, _("Confirmed. Your settings are unlocked once the waiting time is over."))
            return redirect("settings_lock")
        found = settings_lock.lock_of_link(token=token, user_id=user_id)
    except (UnlockLinkInvalid, UnlockLinkExpired) as error:
        return render(request, "portal/settings_lock_link.html", {"error": error}, status=410)
    return render(request, "portal/settings_lock_confirm.html", {"lock": found})


def show(request: HttpRequest, form: LockForm, step_up: StepUpForm, status: int = 200) -> HttpResponse:
    lock = settings_lock.current_lock(customer_of(request).pk)
    return render(
        request,
        "portal/settings_lock.html",
        {
            "form": form,
            "step_up": step_up,
            "lock": lock,
            "ends_at": settings_lock.ends_at(lock) if lock else None,
        },
        status=status,
    )
