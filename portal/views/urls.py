"""The customers' pages and the health answers."""

from django.urls import path

from portal.views import health

urlpatterns = [
    path("livez", health.livez, name="livez"),
    path("readyz", health.readyz, name="readyz"),
]
