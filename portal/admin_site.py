"""The staff site: Unfold's, entered by the portal's own sign-in, showing only pages that were made for it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.admin import ModelAdmin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.db.models.base import ModelBase
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from unfold.admin import ModelAdmin as UnfoldModelAdmin
from unfold.sites import UnfoldAdminSite

LONGEST_SEARCH = 200


class ExchequerAdminSite(UnfoldAdminSite):
    site_header = "Exchequer"
    site_title = "Exchequer"
    index_title = gettext_lazy("Overview")

    def register(
        self,
        model_or_iterable: ModelBase | Iterable[ModelBase],
        admin_class: type[ModelAdmin[Model]] | None = None,
        **options: Any,
    ) -> None:
        """Third-party packages register editors for their tables here; those are left out.

        Groups, e-mail addresses, documents and tags have their pages elsewhere (roles come from code, content is
        Wagtail's), and an editor that nobody reviewed is a way around the roles.
        """
        if admin_class is not None and issubclass(admin_class, UnfoldModelAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def has_permission(self, request: HttpRequest) -> bool:
        """Staff, and verified by a second factor in this session: what django-otp's OTPAdminSite asks for."""
        user = request.user
        return bool(user.is_active and getattr(user, "is_staff", False) and user.is_verified())

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one sign-in, the portal's, with its second factors, throttles and history."""
        target = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
            target = reverse("admin:index", current_app=self.name)
        if not request.user.is_authenticated:
            return redirect_to_login(target, reverse(settings.LOGIN_URL))
        if self.has_permission(request):
            return HttpResponseRedirect(target)
        if request.user.is_active and request.user.is_staff:
            return HttpResponseRedirect(reverse("security"))
        raise PermissionDenied(_("This account is not a staff account."))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().index(request, extra_context) if _reads(request) else _only_shows()

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return super().app_index(request, app_label, extra_context) if _reads(request) else _only_shows()

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("account_change_password"))

    def password_change_done(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return HttpResponseRedirect(reverse("account_change_password"))

    def search(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse | HttpResponse:
        """Unfold's command search, for one page of results and terms of a sensible length."""
        if not _reads(request):
            return _only_shows()
        asked = request.GET.copy()
        asked["s"] = asked.get("s", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
        asked.pop("page", None)
        request.GET = asked  # type: ignore[assignment]  # a QueryDict still
        return super().search(request, extra_context)


def _reads(request: HttpRequest) -> bool:
    return request.method in {"GET", "HEAD"}


def _only_shows() -> HttpResponse:
    """The answer of a page that only shows."""
    return HttpResponseNotAllowed(["GET", "HEAD"])


def environment(request: HttpRequest) -> list[Any]:
    """The badge that tells a demo from the real thing, whatever the hour."""
    return [_("Demo"), "warning"] if getattr(settings, "DEMO", False) else [_("Production"), "danger"]


def environment_prefix(request: HttpRequest) -> str:
    return "[demo]" if getattr(settings, "DEMO", False) else ""
