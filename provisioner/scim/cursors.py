"""Cursors: where a walk through a list goes on (RFC 9865), in a text that only the receiver can make.

It holds all that is needed, so nothing is kept between requests and any process can go on: the place
reached, and a fingerprint of what is listed, so that a cursor of one query is refused for another. It
is signed with a key of the store's, and never expires.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Any

import msgspec

from provisioner.scim.errors import ScimError
from provisioner.store.direct import Direct, Session

_SIGNATURE = 16
_MOST = 8 * 1024
_NAME = "cursors"


class Cursors:
    """Makes and reads the cursors of one store."""

    def __init__(self, store: Direct) -> None:
        self._store = store
        self._key: bytes | None = None

    def make(self, query: str, place: list[Any]) -> str:
        """Return the cursor of a place, a list of JSON values, in what the text `query` describes."""
        data = _fingerprint(query) + msgspec.json.encode(place)
        return _text(self._sign(data) + data)

    def read(self, query: str, cursor: str) -> list[Any]:
        """Return the place that a cursor of the same query holds. Raises ScimError (400 invalidCursor)."""
        try:
            if len(cursor) > _MOST:
                raise ValueError
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            raw = base64.b64decode(padded, altchars=b"-_", validate=True)
            if _text(raw) != cursor:  # several texts decode to the same bytes
                raise ValueError
        except (ValueError, binascii.Error):
            raise _invalid() from None
        signature, data = raw[:_SIGNATURE], raw[_SIGNATURE:]
        if not hmac.compare_digest(signature, self._sign(data)):
            raise _invalid()
        fingerprint = _fingerprint(query)
        if not data.startswith(fingerprint):
            raise _invalid("the cursor is of another query: filter and sorting must stay the same")
        place: list[Any] = msgspec.json.decode(data[len(fingerprint) :])
        return place

    def _sign(self, data: bytes) -> bytes:
        if self._key is None:
            self._key = bytes.fromhex(self._store.write(_kept_key))
        return hmac.digest(self._key, data, "sha256")[:_SIGNATURE]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _invalid(detail: str = "the cursor is none that was given here") -> ScimError:
    return ScimError(400, detail, "invalidCursor")


def _fingerprint(query: str) -> bytes:
    return hashlib.sha256(query.encode()).digest()[:8]


def _kept_key(session: Session) -> str:
    session.run(
        "INSERT INTO scim_keys (name, secret) VALUES (:name, :secret) ON CONFLICT DO NOTHING",
        name=_NAME,
        secret=secrets.token_hex(32),
    )
    row = session.row("SELECT secret FROM scim_keys WHERE name = :name", name=_NAME)
    assert row is not None
    return str(row[0])
