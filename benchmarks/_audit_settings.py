"""The product's settings, but passwords that are quickly checked: argon2's third of a second would hide the audit."""

from portal.settings.base import *  # noqa: F403  # settings modules are the one place where a star import is the idiom

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGGING = {"version": 1, "disable_existing_loggers": True}
