"""The customers' pages and the health answers."""

from django.urls.resolvers import URLPattern

urlpatterns: list[URLPattern] = []
