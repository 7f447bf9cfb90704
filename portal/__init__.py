"""The Django project and everything that faces people."""
