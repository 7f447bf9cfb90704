"""The list of static files, made once per process: each new test client is a new handler, whose WhiteNoise would look
for all of them again, which takes longer than most pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from whitenoise.middleware import WhiteNoiseMiddleware

_look_for_all: Callable[[WhiteNoiseMiddleware], None] = WhiteNoiseMiddleware.add_files_from_finders
_found: dict[str, dict[str, Any]] = {}


def _remember_all(self: WhiteNoiseMiddleware) -> None:
    """As WhiteNoise does it, for the first middleware of its kind."""
    kind = repr((
        self.static_prefix, self.max_age, self.charset, self.allow_all_origins, self.add_headers_function,
        settings.STATICFILES_FINDERS, settings.STATICFILES_DIRS,
    ))  # fmt: skip
    if kind not in _found:
        before, self.files = self.files, {}
        _look_for_all(self)
        _found[kind], self.files = self.files, before
    self.files |= _found[kind]


WhiteNoiseMiddleware.add_files_from_finders = _remember_all
