"""Django settings of the site under load: as little as a site with a connection pool needs."""

from __future__ import annotations

import os

DEBUG = False
SECRET_KEY = "only for load tests"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "load_urls"
MIDDLEWARE = ["load_urls.name_the_failure"]
USE_TZ = True
TIME_ZONE = "UTC"

POOL_SIZE = int(os.environ.get("LOAD_POOL_SIZE", "4"))
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": os.environ.get("LOAD_DATABASE_PORT", "5432"),
        "NAME": "bench",
        "USER": "bench",
        "PASSWORD": "bench",
        "OPTIONS": {
            "pool": {
                "min_size": POOL_SIZE,
                "max_size": POOL_SIZE,
                "timeout": float(os.environ.get("LOAD_POOL_TIMEOUT_S", "30")),
            },
            # lock_timeout and statement_timeout, in PostgreSQL's own words
            "options": os.environ.get("LOAD_DATABASE_OPTIONS", ""),
        },
    }
}
LOGGING_CONFIG = None
