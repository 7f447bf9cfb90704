"""A development machine and the demo of `make run`: local chains, local mail, no TLS."""

from .base import *  # noqa: F403  # settings modules are the one place where a star import is the idiom
from .base import env

DEBUG = env.bool("DEBUG", default=False)
SECURE_SSL_REDIRECT = False
SESSION_COOKIE_SECURE = False
CSRF_COOKIE_SECURE = False
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
DEMO = True
DEMO_MAIL_URL = env("DEMO_MAIL_URL", default="")
DEMO_FAUCET_URL = env("DEMO_FAUCET_URL", default="")
FAILPOINTS = env("FAULTS", default="")
FAILPOINTS_ALLOWED = True
