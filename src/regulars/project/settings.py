"""Settings of the installation. What differs between installations comes from the environment."""

from pathlib import Path

import psycopg.conninfo
from csp.constants import NONE, SELF

from regulars.console.assets import FOLDER, is_hashed
from regulars.runtime import environment, logs, postgres
from regulars.runtime.home import home_from_environment

HOME = home_from_environment()
SECRET_KEY = environment.SECRET_KEY.value or HOME.secret_key()
SECRET_KEY_FALLBACKS = environment.FORMER_SECRET_KEYS.value
DEBUG = False

ALLOWED_HOSTS = environment.HOSTS.value
# What links in mails to the shop's customers begin with.
_FIRST_HOST = next(iter(ALLOWED_HOSTS), "localhost")
PUBLIC_URL = environment.PUBLIC_URL.value or (
    f"https://{_FIRST_HOST}" if environment.TLS.value else f"http://{_FIRST_HOST}:8000"
)
# Behind TLS the cookies are marked secure; on a plain local address browsers would refuse them.
REGULARS_TLS = environment.TLS.value
CSRF_FAILURE_VIEW = "regulars.console.errors.csrf_failure"
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS] if REGULARS_TLS else []
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if REGULARS_TLS else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = REGULARS_TLS
# Load balancers and Prometheus ask the machine itself, in plain HTTP.
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if REGULARS_TLS else 0

ROOMS = [
    "regulars.outbox",
    "regulars.staff",
    "regulars.shop",
    "regulars.intake",
    "regulars.insights",
    "regulars.segments",
    "regulars.offers",
    "regulars.messaging",
    "regulars.experiments",
    "regulars.journeys",
    "regulars.planner",
    "regulars.reports",
    "regulars.api",
    "regulars.console",
    "regulars.storefront",
]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "csp",
    "django_htmx",
    # Before allauth, whose templates the console replaces.
    *ROOMS,
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "pgtrigger",
    "pghistory",
    "procrastinate.contrib.django",
]
MIDDLEWARE = [
    "regulars.project.requests.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "regulars.api.track.TrackMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "regulars.console.preferences.LanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "regulars.console.messages.HtmxMessagesMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "pghistory.middleware.HistoryMiddleware",
    "regulars.staff.access.AccessMiddleware",
]
ROOT_URLCONF = "regulars.project.urls"
WSGI_APPLICATION = "regulars.project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "regulars.console.context.shell",
            ],
        },
    },
]

_conninfo = psycopg.conninfo.conninfo_to_dict(environment.DATABASE_URL.value or postgres.database_url(HOME))
DATABASES = {
    "default": {
        "ENGINE": "regulars.project.database",
        "NAME": _conninfo.pop("dbname", "regulars"),
        "USER": _conninfo.pop("user", ""),
        "PASSWORD": _conninfo.pop("password", ""),
        "HOST": _conninfo.pop("host", ""),
        "PORT": _conninfo.pop("port", ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**_conninfo},
    },
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "staff.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# A stranger gets the same answer, and no mail: there is no signing up to offer.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_ADAPTER = "regulars.staff.adapters.AccountAdapter"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Regulars: "
ACCOUNT_EMAIL_NOTIFICATIONS = bool(environment.SMTP_HOST.value)
# The default limits of allauth stand; logins are counted by address as well as by the caller's network address. They are
# counted in the database, so that several web processes are not several chances, and a restart is not another one.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "staff_tries",
        # A guesser with many addresses must not push the counts of others out.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    },
}
MFA_ADAPTER = "regulars.staff.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Regulars"

LANGUAGE_CODE = "en"
# Each in its own words, so that a person finds theirs on a page they cannot read.
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LOCALE_PATHS: list[Path] = []
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
# Files are served from the package itself, with the copies that the build compressed; nothing is collected.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 60
WHITENOISE_IMMUTABLE_FILE_TEST = is_hashed
# What PDF files are written with; the build puts fonts beside the pages' own files.
FONTS = FOLDER

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "base-uri": [NONE],
        "connect-src": [SELF],
        "font-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "img-src": [SELF, "data:"],
        "script-src": [SELF],
        "style-src": [SELF],
    },
}
API_REQUESTS_PER_MINUTE = 600
# Shops are called in the public internet and over HTTPS. Only tests, whose shops are on this machine, set this.
CONNECTORS_MAY_CALL_LOOPBACK = False

X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

EMAIL_HOST = environment.SMTP_HOST.value
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
EMAIL_PORT = environment.SMTP_PORT.value
EMAIL_HOST_USER = environment.SMTP_USER.value
EMAIL_HOST_PASSWORD = environment.SMTP_PASSWORD.value
EMAIL_USE_TLS = environment.SMTP_TLS.value
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = environment.FROM_EMAIL.value

LOGGING = logs.configuration()

PROCRASTINATE_IMPORT_PATHS = ["regulars.project.tasks"]
