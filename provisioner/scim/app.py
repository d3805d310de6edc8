"""The receiver's routes: `/scim/SYNC/v2/…` for each sync that is pushed to, and `/scim/v2/…` for one of them.

    request -> who is it -> which sync -> endpoint -> answer

Whoever isn't known, and whoever is but asks for another sync, learns nothing of what is there: that comes
before everything else. Only the ServiceProviderConfig needs no token, and so it is there under every
name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request
from werkzeug import Request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import MethodNotAllowed

from provisioner.config import PUSHED, Config
from provisioner.hosts import HOST
from provisioner.scim import discovery
from provisioner.scim.auth import Client
from provisioner.scim.bulk import bulk
from provisioner.scim.call import Answer, Call, Endpoint
from provisioner.scim.cursors import Cursors
from provisioner.scim.endpoints import Groups, Users, known_id
from provisioner.scim.errors import ScimError
from provisioner.scim.incoming_json import body_of
from provisioner.scim.preconditions import ALWAYS, Preconditions
from provisioner.scim.query_text import parameters
from provisioner.scim.schemas import Registry
from provisioner.scim.schemas.custom import registry_of
from provisioner.scim.search import asked, search, search_all
from provisioner.scim.tenant import Tenant
from provisioner.scim.walks import Walks
from provisioner.server_config import Intake
from provisioner.store.direct import Direct

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MEDIA_TYPE = "application/scim+json"
ENDPOINTS: dict[str, Endpoint] = {"Users": Users(), "Groups": Groups()}

_OTHER_VERSIONS = ("v1", "v1.1", "v3")
"""How addresses name the versions of SCIM that are not served."""
_CONTENT_TYPE = ("Content-Type", MEDIA_TYPE)
_PREFIX = re.compile(r"(?:/[A-Za-z0-9._~-]+)*")

Admit = Callable[[Request, str | None], object]
"""Lets a request in to a sync (None: one that isn't there), or raises ScimError 401, 403, 404, 429."""


@dataclass(frozen=True)
class Receiver:
    """What the routes serve: the syncs that are pushed to, and the one that `/scim/v2` is of, if any.

    `registries`: what the resources of each sync may be made of. `base_url` is how clients reach the
    server, without a final slash; None: as each request says. `walks`: clients' by index, where they are kept.
    """

    store: Direct
    registries: Mapping[str, Registry]
    default: str | None
    limits: Intake
    base_url: str | None
    now: Callable[[], datetime]
    walks: Walks | None = None

    def tenants(self) -> dict[str, Tenant]:
        """Return the tenants by the names of their syncs."""
        return {
            sync: Tenant(sync, registry, self.store, self.now)
            for sync, registry in self.registries.items()
        }


def receiver_of(
    config: Config, store: Direct, now: Callable[[], datetime], walks: Walks | None = None
) -> Receiver:
    """Return what a config says of the receiver. `now` tells the time (aware, UTC)."""
    registries = {
        sync.name: registry_of(directory.options)
        for sync in config.syncs.values()
        for directory in sync.directories
        if directory.kind == PUSHED
    }
    server = config.server
    alias, limits, base_url = config.alias, server.limits, server.base_url
    return Receiver(store, registries, alias, limits, base_url, now, walks)


class Routes:
    """The views, each twice: with the sync in the path, and without it.

    Errors leave them as ScimErrors and werkzeug's own, for the application to answer.
    """

    def __init__(self, receiver: Receiver, admit: Admit) -> None:
        self.receiver, self.admit = receiver, admit
        self.tenants = receiver.tenants()
        self.cursors = Cursors(receiver.store)

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("scim", __name__)
        for rule, methods, view in self._views():
            for prefix in ("/scim/v2", "/scim/<sync>/v2"):
                routes.add_url_rule(
                    f"{prefix}{rule}",
                    f"{prefix}{rule} {methods[0]}".replace(".", ":"),
                    view,
                    methods=methods,
                    strict_slashes=False,
                    provide_automatic_options=False,
                )
        others = ", ".join(repr(each) for each in _OTHER_VERSIONS if each not in self.tenants)
        for prefix in ("/scim", "/scim/<sync>") if others else ():
            routes.add_url_rule(
                f"{prefix}/<any({others}):version>/<path:rest>",
                f"{prefix} other version",
                self.other_version,
                methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                provide_automatic_options=False,
            )
        return routes

    def _views(self) -> Iterable[tuple[str, list[str], Callable[..., Response]]]:
        for name, endpoint in ENDPOINTS.items():
            yield f"/{name}/<id>", ["GET"], partial(self.get, name)
            yield f"/{name}/<id>", ["PUT", "PATCH", "DELETE"], partial(self.write, endpoint)
            yield f"/{name}", ["GET"], partial(self.get, name)
            yield f"/{name}", ["POST"], partial(self.create, endpoint)
            yield f"/{name}/.search", ["POST"], partial(self.search, endpoint)
            yield f"/{name}/.search", ["GET", "PUT", "PATCH", "DELETE", "OPTIONS"], self.only_post
        yield "/.search", ["POST"], self.search_all
        yield "/", ["GET"], self.list_all
        yield "/Bulk", ["POST"], self.bulk
        yield "/Me", ["GET", "POST", "PUT", "PATCH", "DELETE"], self.me
        yield "/ServiceProviderConfig", ["GET"], self.service_provider_config
        yield "/Schemas", ["GET"], self.schemas
        yield "/Schemas/<id>", ["GET"], self.schemas
        yield "/ResourceTypes", ["GET"], self.resource_types
        yield "/ResourceTypes/<id>", ["GET"], self.resource_types

    def got(self, asked: Request, sync: str | None, name: str, id: str | None = None) -> Answer:
        """Return what a GET is answered with: of one resource, or of those that are found."""
        call, endpoint = self._call(sync, asked), ENDPOINTS[name]
        return endpoint.list(call) if id is None else endpoint.read(call, known_id(id))

    def get(self, name: str, id: str | None = None, sync: str | None = None) -> Response:
        return _response(self.got(_asked(), sync, name, id))

    def write(self, endpoint: Endpoint, id: str, sync: str | None = None) -> Response:
        call = self._call(sync)
        id = known_id(id)
        if request.method == "DELETE":
            return _response(endpoint.delete(call, id))
        body = self._body()
        do = endpoint.replace if request.method == "PUT" else endpoint.patch
        return _response(do(call, id, body))

    def create(self, endpoint: Endpoint, sync: str | None = None) -> Response:
        call = self._call(sync)
        return _response(endpoint.create(call, self._body()))

    def search(self, endpoint: Endpoint, sync: str | None = None) -> Response:
        call = self._call(sync)
        return _response(search(endpoint, call, self._body()))

    def only_post(self, sync: str | None = None) -> Response:
        """`.search` is no id, of whichever sync."""
        del sync
        raise MethodNotAllowed(["POST"])

    def search_all(self, sync: str | None = None) -> Response:
        call = self._call(sync)
        return _response(search_all(asked(call, self._body())))

    def list_all(self, sync: str | None = None) -> Response:
        return _response(search_all(self._call(sync)))

    def bulk(self, sync: str | None = None) -> Response:
        call = self._call(sync)
        return _response(bulk(call, self._body(), ENDPOINTS))

    def me(self, sync: str | None = None) -> Response:
        """Whoever asks is a program, and no user here (RFC 7644 section 3.11)."""
        self._call(sync)
        raise ScimError(501, "clients of this service aren't users: there is no /Me")

    def other_version(self, version: str, rest: str, sync: str | None = None) -> Response:
        """Only SCIM 2.0 is spoken (RFC 7644 section 3.13)."""
        del rest
        self._call(sync)
        raise ScimError(400, f"SCIM {version} isn't spoken here: v2 is", "invalidVers")

    def service_provider_config(self, sync: str | None = None) -> Response:
        base = self._base(sync, request.environ)
        return _response(discovery.service_provider_config(base, self.receiver.limits))

    def schemas(self, sync: str | None = None, id: str | None = None) -> Response:
        call = self._call(sync)
        return self._documents(call, call.tenant.registry.schema_documents(call.base), id)

    def resource_types(self, sync: str | None = None, id: str | None = None) -> Response:
        call = self._call(sync)
        return self._documents(call, call.tenant.registry.resource_type_documents(call.base), id)

    def _documents(self, call: Call, found: list[dict[str, Any]], id: str | None) -> Response:
        if id is None:
            return _response(discovery.documents(found, call.parameters.get("filter")))
        return _response(discovery.document(found, id))

    def _call(self, sync: str | None, asked: Request | None = None) -> Call:
        """Return the call that a request is, the present one if none is given, once whoever asks is let in."""
        asked = asked or _asked()
        tenant = self.tenants.get(sync or self.receiver.default or "")
        client = self.admit(asked, tenant.sync if tenant else None)
        if tenant is None:
            raise ScimError(404, "there is no such resource")
        environ = asked.environ
        given: dict[str, Any] = {}
        if query := environ.get("QUERY_STRING"):
            read = parameters(query)
            given = {name.lower(): value for name, value in reversed(read.items())}
        when = ALWAYS
        if "HTTP_IF_MATCH" in environ or "HTTP_IF_NONE_MATCH" in environ:
            when = Preconditions(environ.get("HTTP_IF_MATCH"), environ.get("HTTP_IF_NONE_MATCH"))
        receiver, base = self.receiver, self._base(sync, environ)
        key = client.key if isinstance(client, Client) else ""
        return Call(tenant, base, receiver.limits, self.cursors, given, when, key, receiver.walks)

    def _base(self, sync: str | None, environ: WSGIEnvironment) -> str:
        """Return the URL before `/Users`, as this client reaches it."""
        path = "/scim/v2" if sync is None else f"/scim/{sync}/v2"
        if self.receiver.base_url is not None:
            return self.receiver.base_url + path
        host, prefix = environ.get("HTTP_HOST", ""), environ.get("SCRIPT_NAME", "").rstrip("/")
        if not HOST.fullmatch(host):
            host = f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
        if not _PREFIX.fullmatch(prefix):
            prefix = ""
        return f"{environ['wsgi.url_scheme']}://{host}{prefix}{path}"

    def _body(self) -> Any:
        return body_of(request, self.receiver.limits.depth)


def _asked() -> Request:
    """Return the present request itself: its proxy costs as much as a look into a dict twenty times over."""
    asked: Request = request._get_current_object()  # type: ignore[attr-defined]
    return asked


class _Answered(Response):
    """A response whose Location is a whole URL with nothing to escape.

    werkzeug would take it apart to see that, which costs as much as reading the user.
    """

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        location = self.headers.pop("Location", None)
        headers = super().get_wsgi_headers(environ)
        if location is not None:
            self.headers["Location"] = headers["Location"] = location
        return headers


def _response(answer: Answer) -> Response:
    # some clients take a 204 for SCIM's only if it says so (Captain-P-Goldfish/SCIM-SDK issue 313)
    named = answer.body is not None or answer.status == 204
    headers = [_CONTENT_TYPE] if named else []
    if answer.location is not None:
        headers.append(("Location", answer.location))
    if answer.tag is not None:
        headers.append(("ETag", answer.tag))
    response = _Answered(answer.body, answer.status, headers)
    if not named:
        del response.headers["Content-Type"]  # werkzeug's own
    return response
