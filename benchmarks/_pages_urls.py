"""The product's addresses and a bare view beside them, behind the same middleware."""

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.urls import path

from portal.urls import urlpatterns as product


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<!doctype html><title>bare</title><p>Hello")


@login_required
def bare_signed_in(request: HttpRequest) -> HttpResponse:
    """What no page for somebody can do without: the session and its user, read from the database."""
    return HttpResponse(f"<!doctype html><title>bare</title><p>Hello {request.user.pk}")


urlpatterns = [path("bare/", bare), path("bare-signed-in/", bare_signed_in), *product]
