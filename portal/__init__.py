"""The Django project and everything that faces people."""

from .celery import app as celery_app  # every process that sends tasks sends them to our broker

__all__ = ["celery_app"]
