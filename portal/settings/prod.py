"""Production. Every secret must be given; nothing falls back to a default."""

from .base import *  # noqa: F403  # see dev.py
from .base import env

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS")
SITE_URL = env("SITE_URL").rstrip("/")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[SITE_URL])
SECURE_SSL_REDIRECT = True
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SESSION_COOKIE_NAME = "__Host-sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken"
DEVICE_TOKEN_COOKIE_NAME = "__Host-exchequer_device"  # noqa: S105  # a name
BROWSER_COOKIE_NAME = "__Host-exchequer_browser"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
SECOND_FACTOR_KEYS = env.list("SECOND_FACTOR_KEYS")
ADDRESS_POOL_PUBLIC_KEY = env("ADDRESS_POOL_PUBLIC_KEY")
DEMO = False
