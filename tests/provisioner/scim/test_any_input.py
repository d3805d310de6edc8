"""Whatever a client sends is read or refused, keeps what is stored in order, and costs no more than its size."""

from __future__ import annotations

import json
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.records import ENTERPRISE
from connectors.scim_filter import FilterError, parse_filter
from connectors.scim_phone import PHONE
from provisioner.scim.errors import ScimError
from provisioner.scim.incoming import read_resource
from provisioner.scim.incoming_json import read_json
from provisioner.scim.membership import Add, Remove, Replace, member_changes
from provisioner.scim.operations import parse_operations
from provisioner.scim.patch import patch
from provisioner.scim.projection import Projection
from provisioner.scim.query_text import parameters
from tests.provisioner.scim.patched import REGISTRY, STRICT, eva, op

NAMES = st.sampled_from(
    [
        *("schemas", "id", "meta", "userName", "USERNAME", "displayName", "name", "name.givenName"),
        *(
            "active",
            "emails",
            "addresses",
            "roles",
            "members",
            "groups",
            "password",
            "title",
            "nope",
        ),
        *("value", "type", "primary", "display", "$ref", "givenName", "manager", "department"),
        *("packages", "credits", "$", "", "emails[", 'emails[type eq "work"].value', "name.", ".x"),
        *(ENTERPRISE, f"{ENTERPRISE}:manager", PHONE, f"{PHONE}:packages", "urn:x:y", "urn:x:y:z"),
        *("urn:ietf:params:scim:schemas:core:2.0:User", "x509Certificates", "externalId"),
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", " ", "True", "work", "eva@example.org", '{"value": "x"}', "{", "\x00"])
    | st.text(st.characters(), max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)
BODIES = VALUES | st.dictionaries(NAMES, VALUES, max_size=8).map(lambda d: {"userName": "eva"} | d)
PATHS = NAMES | st.sampled_from(
    [
        *('emails[type eq "work"]', "emails[value pr].display", "emails.primary", "emails.value"),
        *(f'{PHONE}:packages[value eq "a"]', 'members[value eq "a"]', "members[type pr]", "a[b"),
        *(
            'roles[primary eq "True"].value',
            'emails[type eq "a" or type eq "b"].value',
            "[",
            "\ud800",
        ),
    ]
)
OPERATIONS = VALUES | st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Remove", "REPLACE", "copy", 1])},
    optional={"path": PATHS | VALUES, "value": VALUES},
)


def well_kept(resource: dict[str, Any]) -> None:
    """Assert what holds of every resource that is kept."""
    json.dumps(resource).encode()
    json.dumps(resource, ensure_ascii=False, allow_nan=False).encode()
    for name, value in resource.items():
        assert value not in (None, "", [], {}), name
        if isinstance(value, list) and isinstance(value[0], dict):
            assert all(each for each in value)
            assert sum(each.get("primary") is True for each in value) <= 1
    assert "password" not in resource
    assert resource["userName"]
    assert read_resource(resource, STRICT.user, STRICT) == resource


@given(BODIES)
@settings(max_examples=1500, deadline=None)
def test_any_body_is_read_into_what_can_be_kept_or_refused(body: Any) -> None:
    for registry in (REGISTRY, STRICT):
        with suppress(ScimError):
            well_kept(read_resource(body, registry.user, registry))
        with suppress(ScimError):
            read_resource(body, registry.group, registry)


@given(st.lists(OPERATIONS, min_size=1, max_size=5))
@settings(max_examples=2500, deadline=None)
def test_any_operations_leave_what_can_be_kept_or_are_refused(operations: list[Any]) -> None:
    body = {"Operations": operations}
    for registry in (REGISTRY, STRICT):
        with suppress(ScimError):
            read = parse_operations(body, registry.user, registry)
            patched = patch(eva(), read, registry.user)
            well_kept(patched)
        with suppress(ScimError):
            made = member_changes(parse_operations(body, registry.group, registry))
            for step in made.steps:
                if isinstance(step, Add | Remove | Replace):
                    assert all(isinstance(each, str) and each for each in step.ids)


@given(st.text(max_size=40) | st.lists(NAMES, max_size=5), st.lists(NAMES, max_size=5))
@settings(max_examples=500, deadline=None)
def test_any_list_of_attributes_asks_for_something(attributes: Any, excluded: Any) -> None:
    resource = eva() | {"id": "8c"}

    answer = Projection.parse(attributes, excluded, REGISTRY.user).apply(resource)

    assert {"id", "schemas"} <= answer.keys() <= resource.keys()


def steps(work: Callable[[], Any]) -> int:
    """Return how many lines of ours, and calls, it takes to do something or refuse it."""
    count = 0

    def line(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        count += 1
        return line

    before = sys.gettrace()
    sys.settrace(line)
    try:
        with suppress(ScimError, FilterError):
            work()
    finally:
        sys.settrace(before)
    return count


def patched(operations: list[Any]) -> Any:
    read = parse_operations({"Operations": operations}, REGISTRY.user, REGISTRY)
    return patch(eva(), read, REGISTRY.user)


def grouped(operations: list[Any]) -> Any:
    return member_changes(parse_operations({"Operations": operations}, REGISTRY.group, REGISTRY))


def mails(count: int) -> list[dict[str, Any]]:
    return [{"value": f"{n}@example.org", "type": "work"} for n in range(count)]


def growing() -> Iterator[tuple[str, Callable[[int], Any]]]:
    """Yield families of requests, each a function of its size."""

    def body(**members: Any) -> Any:
        return read_resource({"userName": "eva", **members}, REGISTRY.user, REGISTRY)

    yield "unknown names", lambda n: body(**{f"x{i}": i for i in range(n)})
    yield "unknown urns", lambda n: body(**{f"urn:x:{i}:y": {} for i in range(n)})
    yield "mails", lambda n: body(emails=mails(n))
    yield "equal mails", lambda n: body(emails=mails(1) * n)
    yield (
        "members",
        lambda n: read_resource(
            {"displayName": "g", "members": [{"value": str(i)} for i in range(n)]},
            REGISTRY.group,
            REGISTRY,
        ),
    )
    yield "deep values", lambda n: body(nope=_nested(n), name=_nested(n))
    yield "json text", lambda n: body(roles=[{"value": '{"value":' * n}])
    yield "operations", lambda n: patched([op("replace", "title", str(i)) for i in range(n)])
    yield "added mails", lambda n: patched([op("add", "emails", mails(n))])
    yield "removed mails", lambda n: patched([op("remove", "emails", mails(n))])
    yield "replaced mails", lambda n: patched([op("replace", "emails", mails(n))])
    yield "names of a value", lambda n: patched([op("add", None, {f"x{i}": i for i in range(n)})])
    yield (
        "member operations",
        lambda n: grouped([op("add", "members", [{"value": str(i)}]) for i in range(n)]),
    )
    yield (
        "alternating members",
        lambda n: grouped([op(("add", "remove")[i % 2], "members", ["a"]) for i in range(n)]),
    )
    yield (
        "member filter",
        lambda n: grouped([op("remove", f"members[{_ors(n)}]")]),
    )
    yield "unknown paths", lambda n: patched([op("remove", f"x{i}.y") for i in range(n)])
    yield "path of dots", lambda n: patched([op("add", "a." * n, "x")])
    yield "path of colons", lambda n: patched([op("add", "urn:" * n + "x", "x")])
    yield "path of brackets", lambda n: patched([op("add", "emails" + "[" * n, "x")])
    yield "filter of ors", lambda n: parse_filter(_ors(n), REGISTRY.group.schema)
    yield "filter of quotes", lambda n: parse_filter('userName eq "' + '\\"' * n)
    yield "filter of parentheses", lambda n: parse_filter("(" * n + "title pr")
    yield "query of quotes", lambda n: parameters("filter=a+" + '"\\' * n)
    yield "query of parameters", lambda n: parameters("a=1&" * n)
    yield (
        "attributes",
        lambda n: Projection.parse(",".join(f"x{i}" for i in range(n)), "", REGISTRY.user),
    )


def _ors(count: int) -> str:
    return " or ".join(f'value eq "{n}"' for n in range(count))


def _nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"x": value}
    return value


FAMILIES = dict(growing())


@pytest.mark.parametrize("family", FAMILIES)
def test_twice_the_size_costs_at_most_twice_the_steps(family: str) -> None:
    request = FAMILIES[family]
    size = 100  # below every limit, and enough that what is constant doesn't matter
    for warm in (size, 2 * size):  # readers are compiled, and names looked up, the first time
        steps(partial(request, warm))

    once, twice = steps(partial(request, size)), steps(partial(request, 2 * size))

    assert twice <= 2 * once + 50


def test_a_name_that_was_never_seen_costs_little_too() -> None:
    """Nothing looks for what else might have been meant: that would cost a thousand times as much."""
    never_seen = [f"never-seen-{n}" for n in range(300)]

    for request in (
        partial(read_resource, dict.fromkeys(never_seen, 1), REGISTRY.user, REGISTRY),
        partial(patched, [op("add", None, dict.fromkeys(never_seen, 1))]),
        partial(patched, [op("remove", f"{name}.part") for name in never_seen]),
    ):
        assert steps(request) < len(never_seen) * 100


def huge() -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield requests that would take hours if their cost were the square of their size."""
    members = ",".join(f'"{n}":1' for n in range(700_000))
    yield "a name twice", lambda: read_json(f'{{{members},"699999":1}}'.encode(), 32)
    ascii_body = b'{"userName":"' + b"a" * 5_000_000 + b'-"}'
    for charset in ("punycode", "IDNA", "unicode-escape"):
        yield charset, partial(read_json, ascii_body, 32, charset)
    spoiled = [{"value": "a" + " " * 60_000 + "!" * n} for n in range(1, 200)]
    certificates = {"userName": "eva", "x509Certificates": spoiled}
    yield "certificates", lambda: read_resource(certificates, REGISTRY.user, REGISTRY)


HUGE = dict(huge())


@pytest.mark.parametrize("name", HUGE)
def test_what_is_huge_is_read_or_refused_in_time(name: str) -> None:
    with suppress(ScimError):
        HUGE[name]()


def remembering() -> Iterator[tuple[str, Callable[[str], Any]]]:
    """Yield requests that have a name in them, which may be any."""

    def body(**members: Any) -> Any:
        return read_resource({"userName": "eva", **members}, REGISTRY.user, REGISTRY)

    yield "names", lambda name: body(**{name: 1})
    yield "names of extensions", lambda name: body(**{ENTERPRISE: {name: 1}})
    yield "paths", lambda name: patched([op("add", name, "x")])
    yield "attributes", lambda name: Projection.parse([name], None, REGISTRY.user)
    yield "excluded", lambda name: Projection.parse(None, [name], REGISTRY.user)
    yield "filters", lambda name: parse_filter(f'{name} eq "x"', REGISTRY.user.schema)
    yield "literals", lambda name: parse_filter(f'title eq "{name}"').matches({"title": name})


REMEMBERING = dict(remembering())


@pytest.mark.parametrize("family", REMEMBERING)
def test_nothing_long_is_remembered(family: str) -> None:
    tracemalloc.start()
    try:
        for number in range(20):
            with suppress(ScimError, FilterError):
                REMEMBERING[family](f"{number:0500000}")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 1_000_000


@pytest.mark.parametrize("family", FAMILIES)
def test_a_size_beyond_all_limits_is_refused_or_done_and_never_hangs(family: str) -> None:
    with suppress(ScimError, FilterError):
        FAMILIES[family](3000)
