"""What Wagtail brings and the house does elsewhere."""

from __future__ import annotations

from typing import Never

from django.http import Http404, HttpRequest


def closed(request: HttpRequest, *_args: object, **_kwargs: object) -> Never:
    """As if the page did not exist."""
    raise Http404
