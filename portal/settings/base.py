"""What every process shares. Nothing here holds a secret or a default for one."""

import gc
import os
import tomllib
from pathlib import Path
from urllib.parse import unquote

import environ
from django.utils.translation import gettext_lazy as _

from .mail import mail_backend
from .unfold import UNFOLD  # noqa: F401  # a setting

gc.disable()  # a seventh of every start; portal.started switches it on again
env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent.parent

SITE_NAME = "Exchequer"
SITE_URL = env("SITE_URL", default="http://localhost:8000").rstrip("/")
SECRET_KEY = env("SECRET_KEY")
DEBUG = False
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "portal.cms.apps.CmsConfig",
    "payouts.apps.PayoutsConfig",
    "treasury.apps.TreasuryConfig",
    "accounts.apps.AccountsConfig",
    "unfold.apps.BasicAppConfig",  # its default one replaces the admin site, ours included
    "unfold.contrib.filters",
    "unfold.contrib.forms",
    "portal.apps.ExchequerAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "django_otp",
    "wagtail.contrib.redirects",
    "wagtail.contrib.settings",
    "wagtail.sites",
    "wagtail.users",
    "wagtail.snippets",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.search",
    "wagtail.admin",
    "wagtail",
    "modelcluster",
    "taggit",
    "portal.started.apps.StartedConfig",  # the last one
]

MIDDLEWARE = [
    # First, so that no answer goes without: neither a static file nor the refusal of a forged host.
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.middleware.ContentSecurityPolicyByPath",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.middleware.NoNulInAddresses",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "portal.middleware.SecondFactorWall",
    "portal.middleware.ExportWall",
    "portal.middleware.DeviceCookie",
    "wagtail.contrib.redirects.middleware.RedirectMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "django.template.context_processors.i18n",
                "portal.context_processors.site",
            ],
        },
    }
]

# --- database -------------------------------------------------------------------------------------------------------
# One role per kind of process: the app's role may not write the ledger's tables, the signer's may not write orders.


def database(variable: str) -> dict[str, object]:
    """The connection that `variable` names, with the time-outs every process keeps."""
    config: dict[str, object] = dict(env.db_url(variable))
    config["ENGINE"] = "django.db.backends.postgresql"
    config["HOST"] = unquote(str(config["HOST"]))  # a socket folder comes as %2Frun%2Fpostgresql
    config["CONN_MAX_AGE"] = 60
    config["CONN_HEALTH_CHECKS"] = True
    config["ATOMIC_REQUESTS"] = False  # a page that moves money commits inside its operation, not around it
    options = dict(config.get("OPTIONS") or {})  # type: ignore[call-overload]  # env returns a plain dict here
    options.setdefault("application_name", "exchequer")
    options.setdefault("connect_timeout", 5)
    options.setdefault("prepare_threshold", 5)  # for cursors that the server binds: the ledger's
    config["OPTIONS"] = options
    return config


DATABASES = {"default": database("DATABASE_URL")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- cache and broker -----------------------------------------------------------------------------------------------
REDIS_URL = env("REDIS_URL")
REDIS_URL_FOR_PUBSUB = env("REDIS_URL_FOR_PUBSUB", default=REDIS_URL)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "exchequer",
    }
}
SESSION_ENGINE = "portal.sessions"
CELERY_BROKER_URL = env("CELERY_BROKER_URL")

# --- sign-in --------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["portal.backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
PASSWORD_RESET_TIMEOUT = 3600  # the mail says so
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.validators.LetterAndDigitValidator"},
    {"NAME": "accounts.validators.NotOneOfTheLastValidator"},
]
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "signup": "accounts.forms.SignupForm",
    "confirm_login_code": "accounts.forms.DeviceCodeForm",
    "add_email": "accounts.forms.AddEmailForm",
}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_CONFIRM_EMAIL_ON_GET = False
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_CHANGE_EMAIL = True  # one address; a new one takes its place once it is confirmed
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300  # as STEP_UP_MAX_AGE_SECONDS
ACCOUNT_LOGIN_BY_CODE_MAX_ATTEMPTS = 5
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 600
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
# Second factors: allauth.mfa holds them, accounts/second_factor is the one door to them.
MFA_ADAPTER = "accounts.second_factor.adapter.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
# Who has a factor may change the address: nobody signs in before theirs is proven, so none can be set up before.
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_DIGITS = 6
MFA_TOTP_TOLERANCE = 1  # half a minute either way: see accounts/second_factor/codes.py
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_FORMS = {
    "authenticate": "accounts.forms.AuthenticateForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
    "authenticate_webauthn": "accounts.forms.AuthenticatePasskeyForm",
    "reauthenticate_webauthn": "accounts.forms.ReauthenticatePasskeyForm",
    "login_webauthn": "accounts.forms.LoginPasskeyForm",
}
# Fernet keys of the seeds, the newest first; an old one stays until everything is encrypted anew.
SECOND_FACTOR_KEYS: list[str] = env.list("SECOND_FACTOR_KEYS", default=[])
OTP_LOGIN_URL = "account_login"
# Remembered devices: an unknown one asks for a mailed code.
DEVICE_TOKEN_COOKIE_NAME = "exchequer_device"  # noqa: S105  # a name
DEVICE_TOKEN_COOKIE_MAX_AGE_SECONDS = env.int("DEVICE_TOKEN_COOKIE_MAX_AGE_SECONDS", default=180 * 24 * 3600)
# Wrong passwords and codes: counted by browser and by account in accounts/guesses.py, by address here.
GUESSES_LOCKED_SECONDS = 15 * 60
BROWSER_COOKIE_NAME = "exchequer_browser"
ACCOUNT_RATE_LIMITS: dict[str, str] | bool = {"login_failed": "10/m/ip"}
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
LOGOUT_REDIRECT_URL = "/"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"

# --- where sign-ins come from ---------------------------------------------------------------------------------------
# A City, Country or Enterprise database of MaxMind's; without one, the embedded one knows countries.
GEOIP_FILE = env("GEOIP_FILE", default="")

# --- language and time ----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "ru"
LANGUAGES = [("ru", _("Russian")), ("en", _("English"))]
# the second: the admin theme, which ships no Russian
LOCALE_PATHS = [BASE_DIR / "locale", BASE_DIR / "locale" / "unfold"]
USE_I18N = True
USE_THOUSAND_SEPARATOR = False
USE_TZ = True
TIME_ZONE = "UTC"

# --- static files ---------------------------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = env("STATIC_ROOT", default=str(BASE_DIR / "staticfiles"))
MEDIA_URL = "/media/"
MEDIA_ROOT = env("MEDIA_ROOT", default=str(BASE_DIR / "media"))

# --- mail -----------------------------------------------------------------------------------------------------------
EMAIL_TIMEOUT = 10
EMAIL_BACKEND, ANYMAIL = mail_backend(os.environ, timeout_seconds=EMAIL_TIMEOUT)
EMAIL_HOST = env("EMAIL_HOST", default="localhost")
EMAIL_PORT = env.int("EMAIL_PORT", default=25)
EMAIL_HOST_USER = env("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=False)
EMAIL_USE_SSL = env.bool("EMAIL_USE_SSL", default=False)
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Exchequer <no-reply@exchequer.localhost>")

# --- content --------------------------------------------------------------------------------------------------------
WAGTAIL_SITE_NAME = SITE_NAME
WAGTAILADMIN_BASE_URL = SITE_URL
WAGTAIL_GRAVATAR_PROVIDER_URL = None
WAGTAIL_ENABLE_UPDATE_CHECK = False
WAGTAIL_ENABLE_WHATS_NEW_BANNER = False
WAGTAILADMIN_LOGIN_URL = "account_login"
WAGTAIL_FRONTEND_LOGIN_URL = "/account/login/"
WAGTAIL_PASSWORD_MANAGEMENT_ENABLED = False
WAGTAIL_EMAIL_MANAGEMENT_ENABLED = False
WAGTAILSEARCH_BACKENDS = {"default": {"BACKEND": "wagtail.search.backends.database"}}

# --- networks and money policy --------------------------------------------------------------------------------------


def networks_from(path: str) -> dict[str, dict[str, object]]:
    """The networks of the TOML file at `path`; none when the path is empty."""
    if not path:
        return {}
    return tomllib.loads(Path(path).read_text(encoding="utf-8"))


NETWORKS = networks_from(env("NETWORKS_FILE", default=""))
ADDRESS_POOL_PUBLIC_KEY = env("ADDRESS_POOL_PUBLIC_KEY", default="")
ADDRESS_POOL_MINIMUM_FREE = env.int("ADDRESS_POOL_MINIMUM_FREE", default=50)

WITHDRAWAL_CONFIRMATION_SECONDS = 3600
# From this amount on, two different approvers are needed.
WITHDRAWAL_FOUR_EYES_FROM_MICRO = env.int("WITHDRAWAL_FOUR_EYES_FROM_MICRO", default=1_000_000_000)
WITHDRAWAL_CLAIM_SECONDS = 600
# A change of password, e-mail or second factor, and a freeze that is over, stop withdrawals for this long.
WITHDRAWAL_HOLD_SECONDS = env.int("WITHDRAWAL_HOLD_SECONDS", default=24 * 3600)
# A new entry of the address book can be paid to after this long, and so can any address once the customer allows it.
ADDRESS_HOLD_SECONDS = env.int("ADDRESS_HOLD_SECONDS", default=24 * 3600)
ADDRESS_CONFIRMATION_SECONDS = 24 * 3600
ADDRESS_BOOK_LIMIT = 100
# A confirmed request that waits longer for its decision is shown as late.
WITHDRAWAL_REVIEW_SLA_SECONDS = env.int("WITHDRAWAL_REVIEW_SLA_SECONDS", default=4 * 3600)
# From this hour on (UTC) the staff are sent the figures of the day before.
DAILY_DIGEST_HOUR_UTC = env.int("DAILY_DIGEST_HOUR_UTC", default=6)
STEP_UP_MAX_AGE_SECONDS = 300
# A sent payment that is not final after this long raises an alarm / is replaced at the same nonce.
BROADCAST_STUCK_SECONDS = env.int("BROADCAST_STUCK_SECONDS", default=180)

FAILPOINTS = ""  # named failpoints are armed by the development and test settings only
FAILPOINTS_ALLOWED = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
}
