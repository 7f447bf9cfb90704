"""The page of the phrase by which customers tell our mails from forged ones."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.activity import origin_of
from accounts.phrases import PhraseRefused, set_phrase
from accounts.profiles import ensure_profile
from accounts.second_factor import StepUpFailed
from accounts.settings_lock import SettingsLocked
from portal.forms.phrase import PhraseForm
from portal.forms.step_up import StepUpForm
from portal.people import customer_of

UNPROCESSABLE = 422


@login_required
@never_cache
@sensitive_post_parameters("phrase", "password")
@require_http_methods(["GET", "HEAD", "POST"])
def phrase(request: HttpRequest) -> HttpResponse:
    """GET: the phrase as it is, to be changed. POST: the new one, or none (`remove`)."""
    if request.method != "POST":
        form = PhraseForm(initial={"phrase": current(request)})
        return show(request, form, StepUpForm(request=request, factor_needed=False))
    form, step_up = PhraseForm(request.POST), StepUpForm(request.POST, request=request, factor_needed=False)
    if not form.is_valid() or not step_up.is_valid():
        return show(request, form, step_up, status=UNPROCESSABLE)
    removing = "remove" in request.POST
    wanted = "" if removing else form.cleaned_data["phrase"]
    if not removing and not wanted.strip():
        form.add_error("phrase", _("Enter a phrase."))
        return show(request, form, step_up, status=UNPROCESSABLE)
    try:
        set_phrase(
            user_id=customer_of(request).pk,
            phrase=wanted,
            step_up=step_up.prove(origin_of(request)),
            origin=origin_of(request),
        )
    except (PhraseRefused, SettingsLocked) as error:
        form.add_error("phrase", str(error.message))
        return show(request, form, step_up, status=UNPROCESSABLE)
    except StepUpFailed as error:
        step_up.refuse_step_up(error)
        return show(request, form, step_up, status=UNPROCESSABLE)
    messages.success(
        request,
        _("The phrase is removed from our mails.") if removing else _("From now on our mails show your phrase."),
    )
    return redirect("security_phrase")


def current(request: HttpRequest) -> str:
    return ensure_profile(customer_of(request)).anti_phishing_phrase


def show(request: HttpRequest, form: PhraseForm, step_up: StepUpForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "step_up": step_up, "has_phrase": bool(current(request))}
    return render(request, "portal/phrase.html", context, status=status)
