"""Schema changes: connects as the role that owns the schema. Used by `manage.py migrate` and nothing that serves."""

from .base import *  # noqa: F403  # see dev.py
from .base import database

DATABASES = {"default": database("MIGRATION_DATABASE_URL")}
