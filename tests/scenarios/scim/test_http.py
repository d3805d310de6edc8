"""The edges of HTTP: what clients, proxies and hand-made requests really send, and what they are told."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.scenarios.scim.conftest import Door
from tests.scenarios.scim.provider import PATCH, USER, Provider, Reply


@pytest.mark.parametrize(
    ("kind", "encoding"),
    [
        ("application/scim+json", "utf-8"),
        ("application/json", "utf-8"),
        ("application/scim+json; charset=utf-8", "utf-8"),
        ('application/scim+json;charset="UTF-8"', "utf-8"),
        ("APPLICATION/JSON;CHARSET=UTF8", "utf-8"),
        ("application/json; odata=verbose", "utf-8-sig"),
        ("application/json; charset=iso-8859-1", "latin-1"),
        ("application/json; charset=utf-16", "utf-16"),
        ("application/json; charset=windows-1252", "cp1252"),
    ],
)
def test_a_body_is_json_under_either_name_in_any_charset(
    provider: Provider, kind: str, encoding: str
) -> None:
    body = json.dumps({"userName": "zoë"}, ensure_ascii=False).encode(encoding)

    assert provider.done(201, "POST", "/Users", body, Content_Type=kind)["userName"] == "zoë"


@pytest.mark.parametrize(
    ("kind", "body", "status", "scim_type"),
    [
        ("text/plain", b"{}", 415, None),
        ("application/xml", b"<user/>", 415, None),
        ("application/x-www-form-urlencoded", b"userName=eva", 415, None),
        ("application/json", b"", 400, "invalidSyntax"),
        ("application/json", b"{", 400, "invalidSyntax"),
        ("application/json", b"[]", 400, "invalidSyntax"),
        ("application/json", b"null", 400, "invalidSyntax"),
        ("application/json", b'{"userName": NaN}', 400, "invalidSyntax"),
        ("application/json", b'{"userName": "a"} x', 400, "invalidSyntax"),
        ("application/json", b'{"userName": "\xff"}', 400, "invalidSyntax"),
        ("application/json", b'{"userName": "\\ud800"}', 400, "invalidValue"),
        ("application/json", b'{"userName": "a\\u0000b"}', 400, "invalidValue"),
        ("application/json", b"{}", 400, "invalidValue"),
        ("application/json", b'{"schemas": ["urn:x"], "userName": "a"}', 400, "invalidValue"),
        ("application/json", b"[" * 100_000, 400, "invalidSyntax"),
        ("application/json", b'{"a":' * 40 + b"1" + b"}" * 40, 400, "invalidSyntax"),
        ("application/json", b'{"userName": "' + b"x" * 10_000_000 + b'"}', 413, None),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_body_is_refused_as_that(
    provider: Provider, kind: str, body: bytes, status: int, scim_type: str | None
) -> None:
    assert provider("POST", "/Users", body, Content_Type=kind).error == (status, scim_type)
    assert provider("GET", "/Users").found == []


def test_a_body_that_is_compressed_is_told_so(provider: Provider) -> None:
    body = gzip.compress(b'{"userName": "eva"}')

    assert provider("POST", "/Users", body, Content_Encoding="gzip").error == (415, None)
    provider.done(201, "POST", "/Users", b'{"userName": "eva"}', Content_Encoding="identity")


@pytest.mark.parametrize("slashes", ["/Users", "/Users/", "//Users", "//Users//", "/%55sers"])
def test_slashes_and_escapes_in_an_address_say_nothing(provider: Provider, slashes: str) -> None:
    made = provider.done(201, "POST", slashes, {"userName": "eva"})

    assert provider("GET", slashes).ids == [made["id"]]
    assert provider.done(200, "GET", f"{slashes.rstrip('/')}/{made['id']}/") == made
    escaped = f"%{ord(made['id'][0]):02x}{made['id'][1:]}"
    assert provider.done(200, "GET", f"{slashes.rstrip('/')}/{escaped}?") == made


@pytest.mark.parametrize(
    "id",
    ["nobody", "00000000000000000000000000000000", "a%2Fb", "%FF", "%00", "a%20b", "x" * 300, "urn:x", "..", "%2e%2e", "'"],
)  # fmt: skip
def test_whatever_an_id_looks_like_it_is_found_or_404(provider: Provider, id: str) -> None:
    provider.user("eva")
    for kind in ("Users", "Groups"):
        path = f"/{kind}/{id}"
        body = {"schemas": [PATCH], "Operations": [{"op": "remove", "path": "externalId"}]}
        for reply in (
            provider("GET", path),
            provider("DELETE", path),
            provider("PATCH", path, body),
        ):
            assert reply.error[0] in (404, 405), reply.text
    assert len(provider("GET", "/Users").found) == 1


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/Users", {"GET", "HEAD", "POST"}),
        ("/Users/00000000000000000000000000000000", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("/Groups", {"GET", "HEAD", "POST"}),
        ("/Bulk", {"POST"}),
        ("/.search", {"POST"}),
        ("/ServiceProviderConfig", {"GET", "HEAD"}),
        ("/Schemas", {"GET", "HEAD"}),
        ("/ResourceTypes/User", {"GET", "HEAD"}),
    ],
)
def test_another_method_is_405_with_those_that_are_allowed(
    provider: Provider, path: str, allowed: set[str]
) -> None:
    for method in {"GET", "PUT", "PATCH", "DELETE", "POST", "OPTIONS", "BREW"} - allowed:
        refused = provider(method, path, {})
        assert refused.error == (405, None)
        assert set(refused.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    "path", ["/Nowhere", "/user", "/users/a/b", "/Users/a/b", "/Schemas/a/b", "/Me/x"]
)
def test_an_unknown_address_is_a_scim_error_too(provider: Provider, path: str) -> None:
    for method in ("GET", "POST", "PATCH"):
        assert provider(method, path, {}).error == (404, None)


def test_head_is_get_without_a_body(provider: Provider) -> None:
    id = provider.user("eva")["id"]
    for path in ("/Users", f"/Users/{id}", "/ServiceProviderConfig", "/Schemas"):
        whole, head = provider("GET", path), provider("HEAD", path)
        assert (head.status, head.text) == (200, "")
        for name in ("Content-Length", "Content-Type", "ETag", "Location"):
            assert head.headers.get(name) == whole.headers.get(name)
    assert provider("HEAD", "/Users/nobody").status == 404


def test_there_is_no_me(provider: Provider) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        assert provider(method, "/Me", {}).error == (501, None)


@pytest.mark.parametrize(
    "query",
    [
        *("count=5&", "count=5?", "count=5&&", "?count=5", "&count=5", "count=5&debug&x=1&=2"),
        *("COUNT=5", "count=%35", "count=+5", "count=5&count=1", "count=5&filter=", "count=5&sortBy="),
    ],
)  # fmt: skip
def test_stray_unknown_and_blank_parameters_say_nothing(provider: Provider, query: str) -> None:
    for n in range(6):
        provider.user(f"u{n}")

    assert len(provider("GET", "/Users", query=query).found) == 5


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ("count=x", "invalidValue"),
        ("startIndex=1.5", "invalidValue"),
        ("sortOrder=sideways", "invalidValue"),
        ("sortBy=nonsense", "invalidValue"),
        ("sortBy=name", "invalidValue"),
        ("filter=%22", "invalidFilter"),
        ("filter=" + "userName%20pr%20or%20" * 600 + "userName%20pr", "invalidFilter"),
        ("filter=%FF", "invalidSyntax"),
        ("cursor=x", "invalidCursor"),
    ],
)
def test_a_parameter_that_cannot_be_meant_is_refused(
    provider: Provider, query: str, scim_type: str
) -> None:
    refused = provider("GET", "/Users", query=query)

    assert refused.error in ((400, scim_type), (414, None))


def test_an_address_that_is_too_long_is_told_so(provider: Provider) -> None:
    assert provider("GET", "/Users", query="filter=" + "x" * 9000).error == (414, None)


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic ZXZhOng=", "Bearer x", "Bearer a.b.c", "Token x"]
)  # fmt: skip
@pytest.mark.parametrize("path", ["/Users", "/Groups/x", "/Schemas", "/Me", "/"])
def test_nobody_is_let_in_without_a_token(
    provider: Provider, header: str | None, path: str
) -> None:
    nobody = Provider(provider.url, None, **({} if header is None else {"Authorization": header}))

    refused = nobody("GET", path)

    assert refused.error == (401, None)
    assert refused.headers["WWW-Authenticate"].startswith("Bearer realm=")


def test_another_syncs_token_finds_nothing_there_and_learns_nothing(
    provider: Provider, door: tuple[Door, Any, Iterator[str]]
) -> None:
    made, running, syncs = door
    id = provider.user("eva")["id"]
    theirs = next(syncs)
    stranger = Provider(provider.url, made.token_of(theirs))
    nowhere = Provider(f"{running.url}/scim/nowhere/v2", made.token_of(theirs))
    alias = Provider(f"{running.url}/scim/v2", made.token_of(theirs))

    told = {
        json.dumps(reply.body)
        for reply in (
            stranger("GET", f"/Users/{id}"),
            stranger("GET", "/Users"),
            stranger("POST", "/Users", {"userName": "jan"}),
            nowhere("GET", "/Users"),
            alias("GET", "/Users"),
        )
    }

    assert len(told) == 1, "the same words for what is another's and for what isn't there"
    own = Provider(f"{running.url}/scim/{theirs}/v2", made.token_of(theirs))
    assert own("GET", "/Users").found == []
    own.user("eva")  # a name is taken in one sync only


def test_a_token_that_may_only_read_changes_nothing(
    provider: Provider, door: tuple[Door, Any, Iterator[str]]
) -> None:
    id, sync = provider.user("eva")["id"], provider.url.split("/")[-2]
    reader = Provider(provider.url, door[0].token_of(sync, "read"))

    assert reader("GET", "/Users").ids == reader("POST", "/Users/.search", {}).ids == [id]
    for method, path in (("POST", "/Users"), ("PUT", f"/Users/{id}"), ("PATCH", f"/Users/{id}"), ("DELETE", f"/Users/{id}"), ("POST", "/Bulk")):  # fmt: skip
        refused = reader(method, path, {"userName": "jan"})
        assert refused.status == 403
        assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
    assert provider.done(200, "GET", f"/Users/{id}")["userName"] == "eva"


def test_of_many_who_create_one_name_at_once_one_does(provider: Provider) -> None:
    statuses: list[int] = []

    def work(number: int) -> None:
        own = Provider(provider.url, None)
        own.session.headers.update(provider.session.headers)
        name = "EVA" if number % 2 else "eva"
        statuses.append(own("POST", "/Users", {"schemas": [USER], "userName": name}).status)

    threads = [threading.Thread(target=work, args=[n]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [201] + [409] * 7


def test_a_password_is_taken_and_never_seen_again(provider: Provider) -> None:
    id = provider.user("eva", password="s3cr3t-one")["id"]
    replies: list[Reply] = [
        provider.patch(
            f"/Users/{id}", {"op": "replace", "path": "password", "value": "s3cr3t-two"}
        ),
        provider("PUT", f"/Users/{id}", {"userName": "eva", "password": "s3cr3t-three"}),
        provider("GET", f"/Users/{id}", query="attributes=password"),
        provider("GET", "/Users", query="attributes=password"),
        provider("POST", "/Users", {"userName": "eva", "password": "s3cr3t-four"}),
        provider("POST", "/Users", {"userName": "jan", "password": {"s3cr3t": 1}}),
    ]

    assert not any("s3cr3t" in reply.text for reply in replies)


def test_an_index_walk_meets_everybody_who_stays_whoever_else_writes(provider: Provider) -> None:
    ids = [provider.user(f"u{n}", active=True)["id"] for n in range(30)]
    stays = set(ids[1::2])
    for query in ("", "&filter=active%20eq%20true", "&sortBy=userName&sortOrder=descending"):
        read, start, total = list[str](), 1, 1
        while start <= total:
            page = provider("GET", "/Users", query=f"startIndex={start}&count=4{query}")
            read, total = read + page.ids, page.body["totalResults"]
            start += page.body["itemsPerPage"]
            goes = next((id for id in read if id in ids and id not in stays), None)
            if goes is not None:
                provider.done(204, "DELETE", f"/Users/{goes}")
                ids.remove(goes)
                provider.user(f"z{len(read)}{query[1:5]}", active=True)
        assert stays <= set(read)
        assert len(read) == len(set(read))
