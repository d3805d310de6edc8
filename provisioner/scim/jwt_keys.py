"""An issuer's public keys (RFC 7517), from a file or from where it publishes them.

They are read when first needed and hourly from then on, and once more when a token names a key that
isn't among them, because issuers change keys: but once a minute at most, whatever tokens strangers
send. Keys that can't be read anew are believed for a day.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import requests
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from provisioner.logs import logger

READ_EVERY_S = 3600.0
READ_AT_MOST_EVERY_S = 60.0
BELIEVED_S = 86_400.0
FETCH_TIMEOUT_S = 5.0
MAX_BYTES = 1_000_000
_FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}


class NoKeys(Exception):
    """The issuer's keys can't be had just now."""


@dataclass(frozen=True, slots=True)
class Key:
    """One public key: `kid` and `alg` where the issuer gives them, `family` is RSA, EC or OKP."""

    kid: str | None
    alg: str | None
    family: str
    public: Any  # what PyJWT verifies with

    def fits(self, kid: str | None, alg: str) -> bool:
        """Return whether it may have signed a token with that header."""
        return (
            self.family == _FAMILIES.get(alg[:2])
            and self.alg in (None, alg)
            and (kid is None or self.kid == kid)
        )


class KeySet:
    """The keys that `read` gives, as a JSON document; `clock` gives seconds that never go back."""

    def __init__(self, read: Callable[[], bytes], clock: Callable[[], float] = time.monotonic):
        self._read, self._clock = read, clock
        self._keys: tuple[Key, ...] = ()
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._reading = threading.Lock()

    def fitting(self, kid: str | None, alg: str) -> list[Key]:
        """Return the keys that may have signed a token. Raises NoKeys if none can be had."""
        found = self._fitting(kid, alg)
        if (not found or self._old(READ_EVERY_S)) and self._may_try():
            # who has a key needn't wait for somebody else's reading
            if self._reading.acquire(blocking=not found):
                try:
                    if self._may_try():
                        self._try()
                finally:
                    self._reading.release()
            found = self._fitting(kid, alg)
        if self._old(BELIEVED_S):
            raise NoKeys
        return found

    def _fitting(self, kid: str | None, alg: str) -> list[Key]:
        return [key for key in self._keys if key.fits(kid, alg)]

    def _old(self, seconds: float) -> bool:
        return self._read_at is None or self._clock() - self._read_at >= seconds

    def _may_try(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= READ_AT_MOST_EVERY_S

    def _try(self) -> None:
        try:
            self._keys = tuple(keys_of(self._read()))
            self._read_at = self._clock()
        except (OSError, ValueError) as error:  # requests' errors are OSErrors
            logger().error("jwt.keys_unreadable", exc_info=error)
        finally:
            self._tried_at = self._clock()


def keys_of(document: bytes) -> Iterator[Key]:
    """Yield the public signature keys of a JWK set; others are left out. Raises ValueError if it is none."""
    try:
        listed = msgspec.json.decode(document)["keys"]
        entries = [entry for entry in listed if isinstance(entry, dict)]
    except (msgspec.DecodeError, TypeError, KeyError):
        raise ValueError("no JWK set") from None
    for entry in entries:
        if entry.get("kty") not in _FAMILIES.values() or entry.get("use") == "enc":
            continue  # among others `oct`: a secret that both sides hold proves nothing
        try:
            public = PyJWK(entry).key
        except (PyJWTError, TypeError):  # TypeError: members of kinds that nobody expects
            continue
        yield Key(entry.get("kid"), entry.get("alg"), entry["kty"], public)


def from_file(path: Path) -> Callable[[], bytes]:
    """Return what reads a file's keys."""
    return path.read_bytes


def from_url(url: str) -> Callable[[], bytes]:
    """Return what fetches published keys: no redirect, nothing huge, five seconds."""

    def fetch() -> bytes:
        with requests.get(
            url, timeout=FETCH_TIMEOUT_S, allow_redirects=False, stream=True
        ) as answer:
            if answer.status_code != 200:
                raise OSError(0, f"status {answer.status_code}")
            document = answer.raw.read(MAX_BYTES + 1, decode_content=True)
        if len(document) > MAX_BYTES:
            raise OSError(0, f"more than {MAX_BYTES:,} bytes")
        return bytes(document)

    return fetch
