"""The public pages. Each text is kept in both languages; the reader's language chooses."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.blocks import CharBlock, ChoiceBlock, StructBlock, TextBlock
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page

from treasury.chains import registry

FEATURES = ["h2", "h3", "bold", "italic", "ol", "ul", "link", "hr"]


class PointBlock(StructBlock):
    """One reason on the home page."""

    icon = ChoiceBlock(
        choices=[
            ("eye", _("Eye")),
            ("lock", _("Lock")),
            ("people", _("People")),
            ("ledger", _("Ledger")),
            ("staff", _("Shield")),
            ("network", _("Network")),
        ]
    )
    title = CharBlock(max_length=80)
    text = TextBlock(max_length=400)

    class Meta:
        label = _("Point")


class Bilingual:
    """Reads `<name>_ru` or `<name>_en`, as the reader's language says; the other one where that is empty."""

    def said(self, name: str) -> Any:
        language = (get_language() or settings.LANGUAGE_CODE).split("-")[0]
        first, second = ("en", "ru") if language == "en" else ("ru", "en")
        return getattr(self, f"{name}_{first}") or getattr(self, f"{name}_{second}")

    @property
    def heading(self) -> str:
        return str(self.said("heading"))

    @property
    def summary(self) -> str:
        return str(self.said("summary"))


def both(*names: str) -> list[MultiFieldPanel]:
    """Editing panels: Russian, then English."""
    return [
        MultiFieldPanel([FieldPanel(f"{name}_ru") for name in names], heading=_("Russian")),
        MultiFieldPanel([FieldPanel(f"{name}_en") for name in names], heading=_("English")),
    ]


class HomePage(Bilingual, Page):
    heading_ru = models.CharField(_("heading, Russian"), max_length=120)
    heading_en = models.CharField(_("heading, English"), max_length=120)
    summary_ru = models.TextField(_("introduction, Russian"), max_length=500)
    summary_en = models.TextField(_("introduction, English"), max_length=500)
    points_ru = StreamField([("point", PointBlock())], blank=True, verbose_name=_("points, Russian"))
    points_en = StreamField([("point", PointBlock())], blank=True, verbose_name=_("points, English"))

    template = "cms/home.html"
    max_count = 1
    parent_page_types: ClassVar[list[str]] = ["wagtailcore.Page"]
    subpage_types: ClassVar[list[str]] = ["cms.HelpIndexPage"]
    content_panels = [*Page.content_panels, *both("heading", "summary", "points")]

    class Meta:
        verbose_name = _("home page")

    @property
    def points(self) -> Any:
        return self.said("points")

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        return context | {"networks": list(registry.networks().values())}


class HelpIndexPage(Bilingual, Page):
    heading_ru = models.CharField(_("heading, Russian"), max_length=120)
    heading_en = models.CharField(_("heading, English"), max_length=120)
    summary_ru = models.TextField(_("introduction, Russian"), max_length=500, blank=True)
    summary_en = models.TextField(_("introduction, English"), max_length=500, blank=True)

    template = "cms/help_index.html"
    max_count = 1
    parent_page_types: ClassVar[list[str]] = ["cms.HomePage"]
    subpage_types: ClassVar[list[str]] = ["cms.HelpPage"]
    content_panels = [*Page.content_panels, *both("heading", "summary")]

    class Meta:
        verbose_name = _("help centre")

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        return context | {"pages": HelpPage.objects.child_of(self).live().order_by("path")}


class HelpPage(Bilingual, Page):
    heading_ru = models.CharField(_("heading, Russian"), max_length=120)
    heading_en = models.CharField(_("heading, English"), max_length=120)
    summary_ru = models.TextField(_("summary, Russian"), max_length=300, blank=True)
    summary_en = models.TextField(_("summary, English"), max_length=300, blank=True)
    body_ru = RichTextField(_("text, Russian"), features=FEATURES)
    body_en = RichTextField(_("text, English"), features=FEATURES)
    shows_networks = models.BooleanField(
        _("shows the networks"),
        default=False,
        help_text=_("Adds a table of networks, fees and limits as they are now."),
    )

    template = "cms/help_page.html"
    parent_page_types: ClassVar[list[str]] = ["cms.HelpIndexPage"]
    subpage_types: ClassVar[list[str]] = []
    content_panels = [*Page.content_panels, *both("heading", "summary", "body"), FieldPanel("shows_networks")]

    class Meta:
        verbose_name = _("help page")

    @property
    def body(self) -> str:
        return str(self.said("body"))

    def get_context(self, request: HttpRequest, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(request, *args, **kwargs)
        networks = list(registry.networks().values()) if self.shows_networks else []
        others = HelpPage.objects.sibling_of(self, inclusive=False).live().order_by("path")
        return context | {"networks": networks, "others": others}
