"""The product's settings, silent: lines on a console cost more than what is measured."""

from portal.settings.base import *  # noqa: F403  # settings modules are the one place where a star import is the idiom

LOGGING = {"version": 1, "disable_existing_loggers": True}
