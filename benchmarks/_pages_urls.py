"""The product's addresses and a bare view beside them, behind the same middleware."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from portal.urls import urlpatterns as product


def bare(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<!doctype html><title>bare</title><p>Hello")


urlpatterns = [path("bare/", bare), *product]
