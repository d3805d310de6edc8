"""Whatever is sent to whatever address, the answer is one of SCIM, and never a fault of ours."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.records import ENTERPRISE
from connectors.scim_phone import PHONE
from provisioner.store.direct import Direct
from tests.provisioner.scim.http_client import Provider, application

NAMES = st.sampled_from(
    [
        *("userName", "USERNAME", "externalId", "displayName", "name", "emails", "active", "title"),
        *("groups", "members", "roles", "id", "meta", "schemas", "password", "x509Certificates"),
        *("name.givenName", "emails.value", 'emails[type eq "work"].value', "nope", "", "$ref", "value"),
        *("type", "primary", "manager", "packages", "department", "Operations", "op", "path", "data"),
        *(ENTERPRISE, PHONE, f"{ENTERPRISE}:manager", f"{PHONE}:packages", "urn:x:y", "bulkId"),
    ]
)  # fmt: skip
TEXTS = NAMES | st.sampled_from(
    ["\x00", "\ud800", "x" * 600, "true", "ž", "straße", "İ", '{"value":1}', "bulkId:u", "9999-99-99T00:00:00Z"]
)  # fmt: skip
SCALARS = TEXTS | st.sampled_from([None, True, False, 0, -1, 1.5, 1e308, 10**40, 2**63])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
TESTS = st.builds(
    "{} {} {}".format,
    NAMES,
    st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "xx"]),
    st.sampled_from(['"x"', '""', "true", "null", "1", '"2026-11-23T09:00:00Z"', '"\x00"', "x"]),
)
FILTERS = st.recursive(
    TESTS | st.builds("{} pr".format, NAMES),
    lambda inner: (
        st.builds("not ({})".format, inner)
        | st.builds("emails[{}]".format, inner)
        | st.builds("({}) or {}".format, inner, inner)
        | st.builds("{} and {}".format, inner, inner)
    ),
    max_leaves=4,
)
PATHS = NAMES | FILTERS | st.builds("members[{}]".format, FILTERS)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Remove", "replace", "move", 1])},
    optional={"path": PATHS, "value": VALUES},
)
PATCHES = st.fixed_dictionaries({"Operations": st.lists(OPERATIONS, max_size=3)}) | VALUES
USERS = st.builds(
    lambda name, more: {"userName": name} | more,
    st.integers(0, 10**6).map(str),
    st.dictionaries(NAMES, VALUES, max_size=4),
)
GROUPS = st.builds(
    lambda more: {"displayName": "A"} | more, st.dictionaries(NAMES, VALUES, max_size=4)
)
SEARCHES = st.dictionaries(
    st.sampled_from(["filter", "sortBy", "sortOrder", "startIndex", "count", "cursor", "attributes"]),
    FILTERS | PATHS | VALUES,
)  # fmt: skip
BULK = st.lists(
    st.fixed_dictionaries(
        {
            "method": st.sampled_from(["POST", "PUT", "PATCH", "DELETE", "x"]),
            "path": st.sampled_from(["/Users", "/Groups", "/Users/{id}", "/Users/bulkId:u", "x"]),
            "data": USERS | GROUPS | PATCHES,
        },
        optional={"bulkId": st.sampled_from(["u", "g", ""]), "version": TEXTS},
    ),
    max_size=3,
).map(lambda operations: {"Operations": operations})
REQUESTS = st.one_of(
    st.tuples(st.just("POST"), st.just("/Users"), USERS | VALUES),
    st.tuples(st.just("POST"), st.just("/Groups"), GROUPS | VALUES),
    st.tuples(st.just("PATCH"), st.sampled_from(["/Users/{id}", "/Groups/{id}"]), PATCHES),
    st.tuples(st.just("PUT"), st.sampled_from(["/Users/{id}", "/Groups/{id}"]), USERS | GROUPS),
    st.tuples(st.just("POST"), st.just("/Bulk"), BULK | VALUES),
    st.tuples(st.just("POST"), st.sampled_from(["/.search", "/Users/.search"]), SEARCHES),
    st.tuples(st.just("GET"), SEARCHES.map(lambda found: f"/Users?{_query(found)}"), st.none()),
)
CONDITIONS = st.dictionaries(
    st.sampled_from(["If_Match", "If_None_Match"]),
    st.sampled_from(['W/"1"', "*", "x", '"', ",", ""]),
    max_size=1,
)


def _query(found: dict[str, Any]) -> str:
    pairs = ((name, str(value).encode(errors="surrogatepass")) for name, value in found.items())
    return "&".join(f"{name}={quote(value)}" for name, value in pairs)


@pytest.fixture
def push(store: Direct, sync: str) -> Provider:
    app = application(store, sync, default=sync)
    app.config["PROPAGATE_EXCEPTIONS"] = True  # a fault of ours ends the test
    return Provider(app.test_client())


@given(st.lists(st.tuples(REQUESTS, CONDITIONS), min_size=1, max_size=5))
@example([(("POST", "/Users", {"userName": "x", "externalId": "\x00"}), {})])
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_request_has_an_answer(push: Provider, requests: list[Any]) -> None:
    ids = {"/Users": "0" * 32, "/Groups": "0" * 32}
    for (method, path, body), headers in requests:
        kind = path[: path.index("/", 1)] if "{id}" in path else path
        answer = push(method, path.replace("{id}", ids.get(kind, "")), body, **headers)
        if answer.status == 201:
            ids[path] = answer.body["id"]
        if answer.status >= 400:
            assert answer.error[0] < 500
