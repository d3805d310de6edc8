"""Bodies: JSON under either name and in any charset, read strictly and within limits."""

from __future__ import annotations

import pytest

from provisioner.server_config import Intake
from provisioner.store.direct import Direct
from tests.provisioner.scim.http_client import Provider, application


@pytest.mark.parametrize(
    "charset", ["", "; charset=utf-8", "; charset=UTF-8", ';charset="utf8"', "; charset=x-nope"]
)
@pytest.mark.parametrize("kind", ["application/scim+json", "application/json", "Application/JSON"])
def test_json_is_taken_under_either_name_with_any_charset(
    push: Provider, kind: str, charset: str
) -> None:
    body = '{"userName": "žluť"}'.encode()

    answer = push("POST", "/Users", body, Content_Type=kind + charset)

    assert (answer.status, answer.body["userName"]) == (201, "žluť")


def test_other_charsets_are_read_as_what_they_say(push: Provider) -> None:
    latin = '{"userName": "Zoë"}'.encode("latin-1")

    answer = push("POST", "/Users", latin, Content_Type="application/json; charset=ISO-8859-1")

    assert answer.body["userName"] == "Zoë"
    assert push("POST", "/Users", latin, Content_Type="application/json").error == (
        400,
        "invalidSyntax",
    )


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded"]
)
def test_other_media_types_are_refused(push: Provider, kind: str) -> None:
    assert push("POST", "/Users", b"{}", Content_Type=kind).error == (415, None)


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b"nonsense", b'{"userName": "a"} x', b'{"userName": NaN}', b"\xff\xff\xff",
        b'{"userName": "a", "userName": "b"}', b'{"name": {"givenName": "a", "givenName": "b"}}',
        b'{"x": ' + b"[" * 50 + b"]" * 50 + b"}", b"[" * 100_000, b'{"x": -Infinity}', b"[]", b"null",
        b'"text"', b"5", b'{"userName": "a"', b'{"n": ' + b"9" * 6000 + b"}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/Users", "/Groups", "/Bulk", "/.search", "/Users/.search"])
def test_what_is_no_json_object_is_refused(push: Provider, path: str, body: bytes) -> None:
    assert push("POST", path, body).error == (400, "invalidSyntax")


def test_a_body_may_nest_as_deep_as_config_lets_it(store: Direct, sync: str) -> None:
    app = application(store, sync, default=sync, limits=Intake(depth=4))
    push = Provider(app.test_client())

    assert push("POST", "/Users", b'{"userName": "a", "x": [[{"y": 1}]]}').status == 201
    assert push("POST", "/Users", b'{"userName": "b", "x": [[{"y": []}]]}').error == (
        400,
        "invalidSyntax",
    )


def test_a_body_may_be_as_large_as_config_lets_it(store: Direct, sync: str) -> None:
    app = application(store, sync, default=sync, limits=Intake(body=100))
    push = Provider(app.test_client())

    assert push("POST", "/Users", {"userName": "a"}).status == 201
    assert push("POST", "/Users", {"userName": "b" * 100}).error == (413, None)
