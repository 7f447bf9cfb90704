"""What every page knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

THEME_COOKIE = "theme"
THEMES = ("light", "dark")
SECTIONS = {
    "dashboard": "dashboard",
    "deposit": "deposit",
    "deposit_network": "deposit",
    "withdraw": "withdraw",
    "withdraw_review": "withdraw",
    "withdrawal": "withdraw",
    "withdrawal_confirm": "withdraw",
    "history": "history",
    "settings": "settings",
    "security": "security",
    "security_phrase": "security",
    "freeze": "security",
    "sign_ins": "security",
    "addresses": "security",
    "address_add": "security",
    "address_confirm": "security",
    "address_choice": "security",
    "settings_lock": "security",
    "settings_unlock_confirm": "security",
}


def site(request: HttpRequest) -> dict[str, Any]:
    """The site's name, the reader's colours and place, and in the demo where its mail and its faucet are."""
    demo = getattr(settings, "DEMO", False)
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "site_name": settings.SITE_NAME,
        "theme": theme if theme in THEMES else "",
        "section": section_of(request),
        "demo": demo,
        "demo_mail_url": getattr(settings, "DEMO_MAIL_URL", "") if demo else "",
        "demo_faucet_url": getattr(settings, "DEMO_FAUCET_URL", "") if demo else "",
    }


def section_of(request: HttpRequest) -> str:
    """Which entry of the navigation the page belongs to; "" for none."""
    match = request.resolver_match
    name = (match and match.url_name) or ""
    if name.startswith("mfa_"):
        return "security"
    return "settings" if name.startswith("account_") else SECTIONS.get(name, "")
