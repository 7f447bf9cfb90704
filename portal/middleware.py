"""Content security: strict for customers, as wide as the two admin products need for staff."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

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
