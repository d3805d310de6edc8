"""The site, for gunicorn: `django_peer.site:application`.

PEER_DATABASE is the database as JSON (Django's DATABASES entry), PEER_TOKEN the bearer token. Connections
are kept, as anybody would who wants it fast, and nothing stands in front that a SCIM client doesn't need.
"""

import hmac
import json
import os

import django
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

TOKEN = f"Bearer {os.environ['PEER_TOKEN']}"


class Known:
    """Whoever has the token."""

    is_anonymous = False
    is_authenticated = True


def bearer(get_response):
    """Let in whoever has the token, at the price of a comparison."""

    def middleware(request):
        if hmac.compare_digest(request.headers.get("Authorization", ""), TOKEN):
            request.user = Known()
        return get_response(request)

    return middleware


settings.configure(
    ALLOWED_HOSTS=["127.0.0.1"],
    AUTH_USER_MODEL="django_peer.User",
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "CONN_MAX_AGE": None,
            **json.loads(os.environ["PEER_DATABASE"]),
        }
    },
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django_scim",
        "django_peer",
    ],
    MIGRATION_MODULES={"auth": None, "contenttypes": None},
    MIDDLEWARE=["django_peer.site.bearer"],
    ROOT_URLCONF="django_peer.site",
    SCIM_SERVICE_PROVIDER={
        "NETLOC": "127.0.0.1",
        "SCHEME": "http",
        "AUTHENTICATION_SCHEMES": [{"type": "oauthbearertoken", "name": "token"}],
        "GROUP_MODEL": "django_peer.models.Group",
        "USER_FILTER_PARSER": "django_peer.filters.Users",
        "GROUP_FILTER_PARSER": "django_peer.filters.Groups",
    },
    SECRET_KEY=os.environ["PEER_TOKEN"],
    USE_TZ=True,
)
django.setup()
urlpatterns = [path("scim/v2/", include("django_scim.urls"))]
application = get_wsgi_application()
