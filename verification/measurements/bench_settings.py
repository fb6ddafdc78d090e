"""Django settings shared by all measurements; switches come from environment."""

from __future__ import annotations

import os
from typing import Any

DEBUG = os.environ.get("BENCH_DEBUG", "1") == "1"
# Off is Django's default: every request opens a connection of its own.
KEEP_CONNECTION = os.environ.get("BENCH_KEEP_CONNECTION", "0") == "1"

SECRET_KEY = "only for measurements"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "bench_urls"
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": os.environ.get("BENCH_DATABASE_PORT", "5432"),
        "NAME": "bench",
        "USER": "bench",
        "PASSWORD": "bench",
        "ATOMIC_REQUESTS": True,
        "CONN_MAX_AGE": None if KEEP_CONNECTION else 0,
    }
}
# With DEBUG off Django's own logging prints nothing, but most projects send
# errors with their traceback to the standard error; so do we, in both modes.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django": {"handlers": ["console"], "level": "INFO", "propagate": False}},
}
