"""Wagtail's REST API is not served here, so no process builds it.

Four of Wagtail 8's applications import the API and add their routes when Django starts, whether it is served or not:
five hundred modules, and 0.6 of the 1.7 seconds that every web process, worker and command took to start. What they
import is stood in for by modules that take the routes and drop them. To serve the API, leave this out.
"""

import sys
from types import ModuleType

# What each `ready` of wagtail 8.0 imports, by module.
STOOD_IN_FOR = {
    "wagtail.api.v3.api": "api",
    "wagtail.contrib.redirects.api.v3": "router",
    "wagtail.documents.api.v3.registry": "register_content_types",
    "wagtail.documents.api.v3.router": "router",
    "wagtail.images.api.v3.registry": "register_content_types",
    "wagtail.images.api.v3.router": "router",
    "wagtail.snippets.api.v3": "register_content_types",
    "wagtail.snippets.api.v3.router": "router",
}


class _Dropped:
    """Takes what is registered, and does nothing with it."""

    def __call__(self) -> None:
        pass

    def add_router(self, prefix: str, router: object) -> None:
        pass


def install() -> None:
    """To be called before the applications get ready."""
    for name, attribute in STOOD_IN_FOR.items():
        if name not in sys.modules:
            module = ModuleType(name, "Stands in for Wagtail's API: see portal/cms/without_api.py.")
            module.__path__ = []  # or what is below it could not be imported
            setattr(module, attribute, _Dropped())
            sys.modules[name] = module
