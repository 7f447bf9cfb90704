"""Every mail there is, in each language, as HTML in light and in dark, and as text: from samples, never from rows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin

from accounts.mail import Audience, Registration, all_registered, registered, render_sample
from accounts.mail_looks import LOOKS, in_look

# A mail's own styles, and nothing else: no script, no picture, no form, no other frame; an origin of its own.
FRAME_POLICY = "; ".join(  # noqa: FLY002  # one directive a line
    [
        "default-src 'none'",
        "style-src 'unsafe-inline'",
        "frame-ancestors 'self'",
        "form-action 'none'",
        "base-uri 'none'",
        "sandbox",
    ]
)
AUDIENCES = {
    Audience.CUSTOMER: gettext_lazy("To customers"),
    Audience.VISITOR: gettext_lazy("To addresses that are not proven"),
    Audience.STAFF: gettext_lazy("To the staff"),
}


class MailGallery:
    """The gallery's pages, for the admin of outgoing mails to put among its own."""

    def __init__(self, admin: Any) -> None:
        self.admin = admin

    def urls(self) -> list[URLPattern]:
        """Before those of the rows: "gallery" is no row's key."""
        wrap = self.admin.admin_site.admin_view
        name = "accounts_outgoingmail_gallery"
        return [
            path("gallery/", wrap(self.index), name=name),
            path("gallery/<slug:template>/<str:language>/", wrap(self.mail), name=f"{name}_mail"),
            path(
                "gallery/<slug:template>/<str:language>/<str:look>/",
                xframe_options_sameorigin(wrap(self.frame)),
                name=f"{name}_frame",
            ),
        ]

    def index(self, request: HttpRequest) -> HttpResponse:
        """All of them, by whom they are for, with their subjects."""
        refused = self._refused(request)
        if refused:
            return refused
        groups = [
            (words, [_line(mail) for mail in all_registered() if mail.audience is audience])
            for audience, words in AUDIENCES.items()
        ]
        return self._page(request, "gallery.html", title=_("Mail gallery"), groups=groups)

    def mail(self, request: HttpRequest, template: str, language: str) -> HttpResponse:
        """One mail in one language: both looks beside each other, and the text below."""
        refused = self._refused(request)
        if refused:
            return refused
        found = _found(template, language)
        message = render_sample(found, language=language)
        return self._page(
            request,
            "gallery_mail.html",
            title=message.subject,
            mail=found,
            mail_language=language,
            languages=settings.LANGUAGES,
            subject=message.subject,
            text=message.body,
            looks=[(look, words, _frame_url(template, language, look)) for look, words in LOOKS.items()],
        )

    def frame(self, request: HttpRequest, template: str, language: str, look: str) -> HttpResponse:
        """The HTML part alone, as it would be sent, with one colour scheme forced."""
        refused = self._refused(request)
        if refused:
            return refused
        if look not in LOOKS:
            raise Http404
        message = render_sample(_found(template, language), language=language)
        html = in_look(str(message.alternatives[0][0]), look)
        return HttpResponse(html, headers={"Content-Security-Policy": FRAME_POLICY, "Content-Language": language})

    def _refused(self, request: HttpRequest) -> HttpResponse | None:
        if not self.admin.has_view_permission(request):
            raise PermissionDenied
        return None if request.method in {"GET", "HEAD"} else HttpResponseNotAllowed(["GET", "HEAD"])

    def _page(self, request: HttpRequest, name: str, **context: Any) -> HttpResponse:
        shared = self.admin.admin_site.each_context(request)
        template = f"admin/accounts/outgoingmail/{name}"
        return TemplateResponse(request, template, {**shared, "opts": self.admin.opts, **context})


def _found(template: str, language: str) -> Registration:
    try:
        found = registered(template)
    except KeyError as unknown:
        raise Http404 from unknown
    if language not in dict(settings.LANGUAGES):
        raise Http404
    return found


def _frame_url(template: str, language: str, look: str) -> str:
    return reverse("admin:accounts_outgoingmail_gallery_frame", args=[template, language, look])


def _line(mail: Registration) -> dict[str, Any]:
    """A mail in the list: its name, and its subject in the language of the page."""
    own = get_language() or settings.LANGUAGE_CODE
    return {
        "template": mail.template,
        "subject": render_sample(mail, language=own).subject,
        "works_once": mail.works_once,
        "links": [
            (name, reverse("admin:accounts_outgoingmail_gallery_mail", args=[mail.template, code]))
            for code, name in settings.LANGUAGES
        ],
    }
