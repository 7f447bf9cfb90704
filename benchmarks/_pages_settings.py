"""The product's settings with one view more: a bare one, to measure the others by."""

from portal.settings.base import *  # noqa: F403  # settings modules are the one place where a star import is the idiom

ROOT_URLCONF = "benchmarks._pages_urls"
LOGGING = {"version": 1, "disable_existing_loggers": True}
