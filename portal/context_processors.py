"""What every page knows."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """The site's name, and in the demo where its mail and its faucet are."""
    demo = getattr(settings, "DEMO", False)
    return {
        "site_name": settings.SITE_NAME,
        "demo": demo,
        "demo_mail_url": getattr(settings, "DEMO_MAIL_URL", "") if demo else "",
        "demo_faucet_url": getattr(settings, "DEMO_FAUCET_URL", "") if demo else "",
    }
