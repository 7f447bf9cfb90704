"""Language, colours, and the page of settings."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.models import UserProfile
from accounts.profiles import choose_language
from payouts.totals import fill_totals
from portal.context_processors import THEME_COOKIE, THEMES
from portal.people import customer_of

YEAR_SECONDS = 365 * 24 * 3600


@login_required
@require_safe
def settings_page(request: HttpRequest) -> HttpResponse:
    customer = customer_of(request)
    profile = UserProfile.objects.filter(user=customer.pk).first() or UserProfile(user=customer)
    (totals,) = fill_totals([profile])
    return render(request, "portal/settings.html", {"languages": settings.LANGUAGES, "profile": totals})


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Speak the chosen language from now on, in the mails too. Visitors without an account have it in a cookie."""
    response = back(request)
    chosen = request.POST.get("language", "")
    if chosen not in dict(settings.LANGUAGES):
        return response
    if request.user.is_authenticated:
        choose_language(user_id=request.user.pk, language=chosen)
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, chosen, **lasting())
    with translation.override(chosen):
        if request.POST.get("from") == "settings":
            messages.success(request, _("From now on we write in English."))
    return response


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Light, dark, or what the device says."""
    response = back(request)
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(THEME_COOKIE, chosen, **lasting())
    else:
        response.delete_cookie(THEME_COOKIE)
    return response


def back(request: HttpRequest) -> HttpResponseRedirect:
    """To the page the form was on; never to another site."""
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return redirect(target if safe else "/")


def lasting() -> dict[str, Any]:
    return {"max_age": YEAR_SECONDS, "samesite": "Lax", "secure": settings.SESSION_COOKIE_SECURE}
