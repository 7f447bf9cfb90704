"""Around every page: content security, the walls before the staff's pages and exports, the device's cookie."""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

from accounts import activity, browsers, devices
from accounts.models import User
from accounts.second_factor.in_session import proof_in

Directives = dict[str, str]

PORTAL: Directives = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "manifest-src": "'self'",
}
# Unfold's Alpine.js evaluates expressions and sets styles; Wagtail's editor ships inline scripts.
ADMIN: Directives = PORTAL | {
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "frame-src": "'self'",  # the mail gallery shows mails in sandboxed frames, under a policy of their own
}
CMS: Directives = ADMIN | {
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "frame-src": "'self'",
    "frame-ancestors": "'self'",
}


class ContentSecurityPolicyByPath:
    """Sets the policy that the request's path calls for, on every response that has none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy_for(request.path))
        return response


def policy_for(path: str) -> str:
    """The policy header of the part of the site that `path` lies in."""
    directives = ADMIN if path.startswith("/admin/") else CMS if path.startswith("/cms/") else PORTAL
    return "; ".join(f"{name} {sources}" for name, sources in directives.items())


class NoNulInAddresses:
    """No address of ours holds a NUL, and PostgreSQL takes none: such a request is refused before anything looks."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if "\0" in request.path:
            raise BadRequest
        return self.get_response(request)


STAFF_PATHS = ("/admin/", "/cms/")
OPEN_PATHS = ("/admin/login/", "/admin/logout/", "/admin/jsi18n/", "/cms/login/", "/cms/logout/")


class SecondFactorWall:
    """Nobody sees a staff page, Unfold's or Wagtail's, unless this session was verified by a second factor.

    Staff and editors without one are led to set one up; who came in with a recovery code, too. Whether somebody is
    staff at all, the two sites decide by themselves.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path.startswith(STAFF_PATHS) and not request.path.startswith(OPEN_PATHS):
            user = request.user
            if user.is_authenticated and not user.is_verified() and _works_here(user):
                return redirect("security")
        return self.get_response(request)


def _works_here(user: Any) -> bool:
    """The staff, and who edits the content without being one of them."""
    return bool(user.is_staff or user.has_perm("wagtailadmin.access_admin"))


class ExportWall:
    """A list of Wagtail's leaves the house as a file only within minutes of a proof, and is in the audit then.

    Wagtail makes files of its reports and lists itself, wherever `?export=` is added to their address.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not (request.path.startswith("/cms/") and "export" in request.GET):
            return self.get_response(request)
        user = request.user
        if isinstance(user, User) and proof_in(request, user) is None:
            return redirect(f"{reverse('account_reauthenticate')}?{urlencode({'next': request.get_full_path()})}")
        response = self.get_response(request)
        if isinstance(user, User) and response.has_header("Content-Disposition"):
            facts = {"page": request.path[:200], "query": request.META.get("QUERY_STRING", "")[:200]}
            activity.record(actor=user, action="content.exported", facts=facts, request=request)
        return response


class DeviceCookie:
    """Hands a remembered device its token, once the sign-in that made it is answered, and names unknown browsers."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        devices.set_cookie(request, response)
        browsers.set_cookie(request, response)
        return response
