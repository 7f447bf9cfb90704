"""The test suite: real PostgreSQL, Valkey, chains and SMTP; the runner puts their addresses into the environment."""

from .dev import *  # noqa: F403  # see dev.py
from .dev import env

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # speed: the tests create many users
FAILPOINTS = env("FAULTS", default="")
DEMO = False
ACCOUNT_RATE_LIMITS = False
GEOIP_FILE = ""  # whatever the developer has
