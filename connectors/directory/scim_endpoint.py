"""A SCIM 2.0 service as a directory: its Users, and who is in which of its Groups (RFC 7643, 7644).

Memberships come from one side. Where the service fills `User.groups`, that is taken: it is the
service's own answer, nested and dynamic groups included, and comes with the page at hand. Where the
first page of Users shows none, the Groups are read first, for their members, and kept as a compact
map from user to groups; both sides then mean the same, since members of a nested group belong to
the outer one too (RFC 7643 section 4.1.2, `groups`). Reading Groups always would cost a large
company millions of members for what its Users already say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from typing import Any, cast
from urllib.parse import urlsplit

from marshmallow import Schema, ValidationError, fields, validate

from connectors.directory.scim_groups import (
    Membership,
    from_groups,
    from_users,
    of_nobody,
    united,
)
from connectors.directory.scim_pages import Declined, Pages, Resource, Service, member, text_of
from connectors.directory.scim_resource import canonical
from connectors.errors import IncompleteRead, TransientError
from connectors.records import Flaw, Outside, Person
from connectors.scim_filter import FilterError, Path, parse_path

_FIRST = 100
"""How many Users are looked at to see whether the service fills `User.groups`."""


class SecretText(fields.String):
    """Text that stays the type it came as, so that a secret goes on hiding itself."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        super()._deserialize(value, attr, data, **kwargs)
        return value


def _base_url(text: str) -> None:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValidationError("Not an http or https address.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ValidationError("An address alone, please: no user, query or fragment in it.")
    if parts.path.rstrip("/").lower().endswith(("/users", "/groups")):
        raise ValidationError("The part before /Users, please: the service's SCIM 2.0 base.")


def _path(text: str) -> None:
    try:
        parse_path(text)
    except FilterError as error:
        raise ValidationError(error.message) from None


class Config(Schema):
    """What config says of a SCIM endpoint, beside `kind` and `name`.

    `url`: the service's base, the part before /Users. `token`: its bearer token. `pages`: index or
    cursor; default: as its ServiceProviderConfig says. `page_size`: how many to ask for at once.
    `key`: the attribute that is the person's key; default: externalId, else id. `memberships`: from
    users (`User.groups`), from groups (`Group.members`) or none; default: users if they carry any,
    else groups. `nested_groups`: false leaves out whoever belongs to a group by another group only.
    """

    url = fields.String(required=True, validate=_base_url)
    token = SecretText(required=True, validate=validate.Length(min=1))
    pages = fields.String(validate=validate.OneOf(["index", "cursor"]))
    page_size = fields.Integer(strict=True, load_default=100, validate=validate.Range(1, 10_000))
    key = fields.String(validate=_path)
    memberships = fields.String(validate=validate.OneOf(["users", "groups", "none"]))
    nested_groups = fields.Boolean(load_default=True)


def connect(
    name: str, config: Mapping[str, Any], outside: Outside, join: Path | str | None
) -> ScimEndpoint:
    """Return the directory that config describes; `config` is what `Config` loaded.

    `join` isn't needed: every resource has an id, which is the better key.
    """
    del join
    url = str(config["url"])
    service = partial(
        Service,
        name,
        url,
        str(config["token"]).strip(),
        outside.http(f"scim {urlsplit(url).netloc}", {}),
        outside.sleep,
        cast("Pages | None", config.get("pages")),
        config.get("page_size", 100),
    )
    key = config.get("key")
    return ScimEndpoint(
        name,
        service,
        key=parse_path(key) if key else None,
        memberships=config.get("memberships"),
        nested=config.get("nested_groups", True),
    )


class ScimEndpoint:
    """The directory; see the module's docstring for where memberships come from.

    `service` opens the service for one read: what it says of itself is asked each time.
    """

    def __init__(
        self,
        name: str,
        service: Callable[[], Service],
        *,
        key: Path | None,
        memberships: str | None,
        nested: bool,
    ) -> None:
        self.name = name
        self._service = service
        self._key = key
        self._memberships = memberships
        self._nested = nested

    def read(self) -> Iterator[Person | Flaw]:
        """Yield each User resource once, in the service's order; a Flaw for one that can't be used.

        A person's key is `key`'s value, else externalId, else id. Raises ReadRefused, at the end, if
        the service gave fewer or more than its totalResults; IncompleteRead if it breaks off,
        contradicts itself or can't be read; RunError if it denies access.
        """
        try:
            users, membership = self._users()
            for where, raw in users:
                yield self._person(where, raw, membership)
        except TransientError as error:
            raise self._unreachable(error) from None

    def check(self) -> None:
        """Raise a RunError unless Users can be read, and Groups where they are needed."""
        service = self._service()
        try:
            first = list(islice(service.resources("Users"), _FIRST))
            if self._source(first) == "groups":
                next(service.resources("Groups"), None)
        except TransientError as error:
            raise self._unreachable(error) from None
        except Declined as error:
            if error.path != "Groups" or not error.not_offered or self._memberships:
                raise

    def _users(self) -> tuple[Iterable[tuple[str, Resource]], Membership]:
        """Return all Users and what tells their groups, once the first of them were looked at."""
        service = self._service()
        users = service.resources("Users")
        first = list(islice(users, _FIRST))
        source = self._source(first)
        if source == "none":
            return chain(first, users), of_nobody
        of_users = from_users(service, nested=self._nested)
        if source == "users":
            return chain(first, users), of_users
        required = self._memberships == "groups"
        of_groups = from_groups(service, nested=self._nested, required=required)
        # Users are begun again: a cursor may have expired while the Groups were read.
        users = service.resources("Users")
        return users, of_groups if required else united(of_groups, of_users)

    def _source(self, first: Iterable[tuple[str, Resource]]) -> str:
        """Where memberships come from: as config says, else users if one of the first has a group."""
        if self._memberships:
            return self._memberships
        return "users" if any(member(raw, "groups") for _, raw in first) else "groups"

    def _person(self, where: str, raw: Resource, membership: Membership) -> Person | Flaw:
        resource, problem = canonical(raw)
        key = self._key_of(raw, resource)
        if "id" not in resource:
            problem = "it has no id"
        elif key is None and self._key:
            problem = f"it has no {self._key.text}, which is the key"
        if problem or key is None:
            return Flaw(where, key, problem or "it has no key", "correct it at the service")
        groups = membership(resource)
        resource.pop("groups", None)
        if groups:
            resource["groups"] = groups
        return Person(key, resource, where)

    def _key_of(self, raw: Resource, resource: Resource) -> str | None:
        if self._key is not None:
            return next((str(value) for value in self._key.values(resource)), None)
        external: str | None = resource.get("externalId")
        if external is None and text_of(member(raw, "externalId")):
            return None  # there is one, but it can't be read: the id would be another person's key
        return external or resource.get("id")

    def _unreachable(self, error: TransientError) -> IncompleteRead:
        wait = error.retry_after_s
        asked = f"; the service asks to wait {wait:.0f} s" if wait else ""
        return IncompleteRead(
            f"{self.name} could not be read: {error.message}",
            remedy=f"nothing was planned; the next run reads it afresh{asked}",
        )
