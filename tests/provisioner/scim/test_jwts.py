"""Other issuers' JWTs: one that is signed, meant for us and in time lets in; every other is refused."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import cache
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from sqlalchemy import create_engine
from werkzeug import Request
from werkzeug.test import EnvironBuilder

from provisioner.scim import jwt_keys
from provisioner.scim.auth import Authenticator, Client
from provisioner.scim.errors import ScimError
from provisioner.scim.jwt_keys import KeySet, NoKeys, from_url, keys_of
from provisioner.scim.jwts import LONGEST, SKEW_S, Issuers
from provisioner.server_config import JwtConfig
from tests.provisioner.store.made import NOW

ISSUER = "https://login.example.org/"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)


@cache
def pair(name: str) -> Any:
    return (
        ec.generate_private_key(ec.SECP256R1())
        if name == "ec"
        else rsa.generate_private_key(65537, 2048)
    )


def public(name: str, kid: str | None = None, **members: str) -> dict[str, Any]:
    made = ECAlgorithm if name == "ec" else RSAAlgorithm
    key = made.to_jwk(pair(name).public_key(), as_dict=True)
    return key | {"use": "sig"} | ({} if kid is None else {"kid": kid}) | members


def document(*keys: Mapping[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def token(key: str = "rsa", kid: str | None = "k1", alg: str = "RS256", **claims: Any) -> str:
    now = int(time.time())
    given = {"iss": ISSUER, "aud": "api://scim", "exp": now + 600, "nbf": now, "azp": "entra"}
    payload = {name: value for name, value in (given | claims).items() if value is not None}
    return jwt.encode(payload, pair(key), alg, headers={} if kid is None else {"kid": kid})


@pytest.fixture
def issuers(tmp_path: Path) -> Issuers:
    return made(tmp_path, public("rsa", "k1"), public("ec", "k2"))


def made(folder: Path, *keys: Mapping[str, Any], **members: Any) -> Issuers:
    file = folder / "keys.json"
    file.write_bytes(document(*keys))
    config = JwtConfig(ISSUER, ("api://scim", "other"), jwks=file, **members)
    return Issuers([config], "emea")


def refusal(issuers: Issuers, text: str) -> str:
    with pytest.raises(ScimError) as error:
        issuers.client(text)
    assert error.value.status == 401
    assert 'error="invalid_token"' in error.value.headers["WWW-Authenticate"]
    return error.value.detail


def test_a_jwt_of_the_issuer_lets_in(issuers: Issuers) -> None:
    client = issuers.client(token())

    assert client == Client("entra", "emea", client.scopes, f"{ISSUER} entra")
    assert sorted(client.scopes) == ["read", "write"]


def test_one_issuer_opens_several_syncs_each_under_its_own_audience(tmp_path: Path) -> None:
    """As one tenant of Microsoft Entra, with an application for each sync."""
    file = tmp_path / "keys.json"
    file.write_bytes(document(public("rsa", "k1")))
    each = {"emea": "api://emea", "apac": "api://apac"}
    issuers = Issuers(
        [JwtConfig(ISSUER, (aud,), jwks=file, sync=sync) for sync, aud in each.items()], "emea"
    )

    assert {sync: issuers.client(token(aud=[aud])).sync for sync, aud in each.items()} == {
        sync: sync for sync in each
    }
    assert "another audience" in refusal(issuers, token(aud="api://else"))


@pytest.mark.parametrize(
    ("key", "kid", "alg"), [("rsa", "k1", "PS512"), ("ec", "k2", "ES256"), ("ec", None, "ES256")]
)
def test_each_kind_of_key_verifies_what_it_signed(
    issuers: Issuers, key: str, kid: str | None, alg: str
) -> None:
    assert issuers.client(token(key, kid, alg)).name == "entra"


def test_the_door_takes_jwts_beside_our_own_tokens(issuers: Issuers) -> None:
    door = Authenticator(create_engine("sqlite://"), lambda: NOW, jwts=issuers)
    headers = [("Authorization", f"Bearer {token()}")]
    request = Request(EnvironBuilder("/Users", headers=headers).get_environ())

    assert door.admit(request, "emea").name == "entra"
    with pytest.raises(ScimError) as other:
        door.admit(request, "apac")
    assert other.value.status == 404


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": int(time.time()) - SKEW_S - 1}, "expired"),
        ({"exp": None}, "isn't valid"),
        ({"nbf": int(time.time()) + SKEW_S + 600}, "isn't valid yet"),
        ({"aud": "somebody-else"}, "another audience"),
        ({"aud": None}, "isn't valid"),
        ({"iss": "https://login.example.org"}, "issuer"),
        ({"iss": None}, "issuer"),
    ],
)
def test_a_jwt_that_is_late_or_for_others_is_refused(
    issuers: Issuers, claims: dict[str, Any], said: str
) -> None:
    assert said in refusal(issuers, token(**claims))


def test_clocks_may_differ_by_a_minute(issuers: Issuers) -> None:
    now = int(time.time())

    assert issuers.client(token(exp=now - SKEW_S // 2, nbf=now - 600))
    assert issuers.client(token(nbf=now + SKEW_S // 2))


def test_a_jwt_that_another_key_signed_is_refused(issuers: Issuers) -> None:
    refusal(issuers, token("stranger", "k1"))
    refusal(issuers, token("rsa", "k9"))
    refusal(issuers, token("rsa", "k2"))


def test_a_jwt_that_was_changed_is_refused(issuers: Issuers) -> None:
    head, body, signature = token().split(".")
    payload = json.loads(base64.urlsafe_b64decode(body + "=="))
    other = base64.urlsafe_b64encode(json.dumps(payload | {"azp": "eve"}).encode()).decode()

    refusal(issuers, f"{head}.{other.rstrip('=')}.{signature}")
    refusal(issuers, f"{head}.{body}.{signature[:-4]}AAAA")


def test_nothing_unsigned_and_no_shared_secret_is_believed(issuers: Issuers) -> None:
    claims = jwt.decode(token(), options={"verify_signature": False})
    unsigned = jwt.encode(claims, "", "none", headers={"kid": "k1"})
    # the classic: the public key, which everybody knows, taken for a shared secret
    shared = jwt.encode(claims, "x" * 64, "HS256", headers={"kid": "k1"})

    for text in (unsigned, shared, unsigned.rstrip(".") + "."):
        assert "signed in a way" in refusal(issuers, text)


def test_an_alg_that_config_leaves_out_is_refused(tmp_path: Path) -> None:
    issuers = made(tmp_path, public("rsa", "k1"), algorithms=("ES256",))

    assert "signed in a way" in refusal(issuers, token())


def test_a_key_made_for_one_alg_verifies_no_other(tmp_path: Path) -> None:
    issuers = made(tmp_path, public("rsa", "k1", alg="RS256"))

    assert issuers.client(token(alg="RS256"))
    assert "names no key" in refusal(issuers, token(alg="RS512"))


def test_without_a_kid_only_one_key_may_come_into_question(tmp_path: Path) -> None:
    alone = made(tmp_path, public("rsa"))
    assert alone.client(token(kid=None))

    several = made(tmp_path, public("rsa"), public("stranger"))
    assert "names no key" in refusal(several, token(kid=None))


@pytest.mark.parametrize("text", ["..", "a.b.c", "W10.W10.", "." * 2 + "x" * LONGEST, "é.é.é"])
def test_what_is_no_jwt_is_refused(issuers: Issuers, text: str) -> None:
    assert "can't be read" in refusal(issuers, text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64"]), JSON), JSON)
def test_a_header_and_claims_of_any_shape_are_refused_in_words(
    issuers: Issuers, header: Any, claims: Any
) -> None:
    if isinstance(claims, dict):
        claims = claims | {"iss": ISSUER}
    parts = (json.dumps(part).encode() for part in ({"alg": "RS256"} | header, claims))
    head, body = (base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)

    assert refusal(issuers, f"{head}.{body}.AAAA")


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"roles": ["SCIM.Write"]}, ["read", "write"]),
        ({"roles": ["SCIM.Read", "Other"]}, ["read"]),
        ({"roles": "SCIM.Read openid"}, ["read"]),
        ({"roles": "SCIM.Writer"}, []),
        ({"roles": {"SCIM.Write": 1}}, []),
        ({}, []),
    ],
)
def test_a_claim_says_what_a_jwt_may(
    tmp_path: Path, claims: dict[str, Any], scopes: list[str]
) -> None:
    named = {"scope_claim": "roles", "read": "SCIM.Read", "write": "SCIM.Write"}
    issuers = made(tmp_path, public("rsa", "k1"), **named)

    assert sorted(issuers.client(token(**claims)).scopes) == scopes


def test_a_name_that_a_log_could_not_carry_is_left_out(issuers: Issuers) -> None:
    assert issuers.client(token(azp="a\nb", sub="eva")).name == "eva"
    assert issuers.client(token(azp=None)).name == "jwt"


def test_of_a_pair_of_keys_the_public_one_counts(tmp_path: Path) -> None:
    whole = RSAAlgorithm.to_jwk(pair("rsa"), as_dict=True) | {"kid": "k1"}

    assert made(tmp_path, whole).client(token()).name == "entra"


def test_keys_that_sign_nothing_are_left_out() -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0", "kid": "k1"}
    encrypting = public("rsa", "k2") | {"use": "enc"}
    broken = {"kty": "RSA", "n": "!", "e": "AQAB"}
    strange = public("rsa", "k2") | {"alg": ["RS256"]}

    assert list(keys_of(document(secret, encrypting, broken, strange))) == []
    assert [key.kid for key in keys_of(document(secret, public("rsa", "k3")))] == ["k3"]
    for text in (b"", b"[]", b'{"keys": 5}', b"<html>"):
        with pytest.raises(ValueError, match="no JWK set"):
            list(keys_of(text))


class Published:
    """Keys that change, are asked for at a time that the test says, and may fail."""

    def __init__(self) -> None:
        self.seconds, self.reads, self.fails = 0.0, 0, False
        self.document = document(public("rsa", "k1"))
        self.keys = KeySet(self.read, lambda: self.seconds)

    def read(self) -> bytes:
        self.reads += 1
        if self.fails:
            raise OSError(0, "gone")
        return self.document

    def knows(self, kid: str) -> bool:
        return bool(self.keys.fitting(kid, "RS256"))


def test_keys_are_read_once_an_hour() -> None:
    published = Published()

    for seconds in (0, 1, 3599):
        published.seconds = seconds
        assert published.knows("k1")
    assert published.reads == 1
    published.seconds = 3600
    assert published.knows("k1")
    assert published.reads == 2


def test_a_new_key_is_found_at_once_but_strangers_make_nobody_ask_again_and_again() -> None:
    published = Published()
    assert published.knows("k1")
    published.document = document(public("rsa", "k1"), public("stranger", "k2"))

    assert published.knows("k2")
    assert published.reads == 2
    for seconds in range(600):
        published.seconds = seconds
        for _ in range(5):
            assert not published.knows("k3")
    assert published.reads == 2 + 5 + 14, "after 1, 3, 7, 15, 31, 63 seconds, then once a minute"
    published.document = document(public("rsa", "k3"))
    published.seconds = 630
    assert published.knows("k3")


def test_an_issuer_that_is_back_is_asked_again_soon() -> None:
    published = Published()
    published.fails = True
    with pytest.raises(NoKeys) as none:
        published.knows("k1")
    assert none.value.again_in_s == 1
    published.fails = False

    published.seconds = 1
    assert published.knows("k1")


def test_keys_that_cannot_be_read_anew_are_believed_for_a_day() -> None:
    published = Published()
    assert published.knows("k1")
    published.fails = True

    published.seconds = 86_399
    assert published.knows("k1")
    published.seconds = 86_400
    with pytest.raises(NoKeys):
        published.knows("k1")


def test_an_issuer_without_keys_is_a_matter_of_waiting(tmp_path: Path) -> None:
    config = JwtConfig(ISSUER, ("api://scim",), jwks_url="http://127.0.0.1:9/keys")

    with pytest.raises(ScimError) as error:
        Issuers([config], "emea").client(token())

    assert (error.value.status, error.value.headers) == (503, {"Retry-After": "1"})


def test_who_has_a_key_waits_for_nobody_elses_reading() -> None:
    published = Published()
    assert published.knows("k1")
    asked, may_answer = threading.Event(), threading.Event()

    def slow() -> bytes:
        asked.set()
        assert may_answer.wait(20)
        return published.document

    published.keys._read = slow
    published.seconds = 3600
    reader = threading.Thread(target=published.knows, args=["k1"], daemon=True)
    reader.start()
    assert asked.wait(20)

    assert published.knows("k1")

    may_answer.set()
    reader.join(20)


@pytest.fixture
def website() -> Iterator[tuple[str, dict[str, Any]]]:
    answers: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answers[self.path]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # who asked has had enough
                for piece in body:
                    self.wfile.write(piece)
                    time.sleep(0.05)

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", answers
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("fault", ["cut off", "no chunks", "no gzip", "a byte at a time"])
def test_keys_whose_publisher_breaks_off_are_keys_that_cannot_be_had(
    website: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    url, answers = website
    body = document(public("rsa", "k1"))
    answers["/keys"] = {
        "cut off": (200, {"Content-Length": str(len(body) + 9)}, [body]),
        "no chunks": (200, {"Transfer-Encoding": "chunked"}, [b"zz\r\n"]),
        "no gzip": (200, {"Content-Encoding": "gzip"}, [body]),
        "a byte at a time": (200, {}, [b" "] * 2000),
    }[fault]
    monkeypatch.setattr(jwt_keys, "FETCH_TIMEOUT_S", 1.0)
    keys = KeySet(from_url(f"{url}/keys"))

    with pytest.raises(NoKeys):
        keys.fitting("k1", "RS256")


def test_published_keys_are_fetched_and_nothing_else_is_followed(
    website: tuple[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, answers = website
    answers["/keys"] = (200, {}, [document(public("rsa", "k1"))])
    answers["/moved"] = (302, {"Location": f"{url}/keys"}, [])
    answers["/huge"] = (200, {}, [b" " * 200])

    (key,) = keys_of(from_url(f"{url}/keys")())
    assert key.kid == "k1"
    with pytest.raises(OSError, match="status 302"):
        from_url(f"{url}/moved")()
    monkeypatch.setattr(jwt_keys, "MAX_BYTES", 100)
    with pytest.raises(OSError, match="more than 100 bytes"):
        from_url(f"{url}/huge")()
