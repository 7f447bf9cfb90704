"""How the staff site looks. What it holds is in portal/admin_site.py and the apps' admin packages."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Exchequer",
    "SITE_HEADER": "Exchequer",
    "SITE_SUBHEADER": _("Staff"),
    "SITE_SYMBOL": "account_balance",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("img/icon.svg")}],
    "SHOW_HISTORY": False,  # the activity log is the history; Django's own knows nothing of what dialogs do
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "ENVIRONMENT": "portal.admin_site.environment",
    "ENVIRONMENT_TITLE_PREFIX": "portal.admin_site.environment_prefix",
    "DASHBOARD_CALLBACK": "portal.staff_dashboard.add_figures",
    "STYLES": [lambda request: static("admin_extra.css")],
    "SCRIPTS": [lambda request: static("admin_queue.js"), lambda request: static("js/passkey.js")],
    "ACCOUNT": {
        "navigation": [
            {"title": _("My account"), "link": reverse_lazy("settings")},
            {"title": _("Change password"), "link": reverse_lazy("account_change_password")},
        ]
    },
    "COMMAND": {"search_models": False, "show_history": False, "search_callback": "portal.staff_search.find_anything"},
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": "portal.staff_navigation.navigation",
    },
    "COLORS": {
        # The portal's green; the greys are Unfold's.
        "primary": {
            "50": "oklch(97.5% .02 165)",
            "100": "oklch(94% .045 165)",
            "200": "oklch(89% .08 165)",
            "300": "oklch(82% .12 165)",
            "400": "oklch(73% .13 165)",
            "500": "oklch(63% .13 165)",
            "600": "oklch(50% .105 165)",
            "700": "oklch(43% .09 165)",
            "800": "oklch(37% .075 165)",
            "900": "oklch(32% .06 165)",
            "950": "oklch(23% .045 165)",
        },
    },
}
