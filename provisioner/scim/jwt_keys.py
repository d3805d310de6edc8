"""An issuer's public keys (RFC 7517), from a file or from where it publishes them.

They are read when first needed and hourly from then on, and once more when a token names a key that
isn't among them, because issuers change keys. Whatever tokens strangers send, after a few readings in vain
the next is a second later, then two, four and so on, up to a minute, until there is a new key; so it is at
once where the issuer is away. Keys that can't be read anew are believed for a day.
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
from urllib3.exceptions import HTTPError

from provisioner.logs import logger

READ_EVERY_S = 3600.0
FREE = 4
"""Readings in vain that cost no pause."""
LONGEST_PAUSE_S = 60.0
BELIEVED_S = 86_400.0
FETCH_TIMEOUT_S = 5.0
MAX_BYTES = 1_000_000
_FAMILIES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
"""Members of a private key, in files that hold a whole pair: what signs is no business of ours."""


class NoKeys(Exception):
    """The issuer's keys can't be had just now; `again_in_s`: when it is tried again."""

    def __init__(self, again_in_s: float) -> None:
        super().__init__()
        self.again_in_s = again_in_s


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
        self._in_vain = 0
        self._reading = threading.Lock()

    def fitting(self, kid: str | None, alg: str) -> list[Key]:
        """Return the keys that may have signed a token. Raises NoKeys if none can be had."""
        found = self._fitting(kid, alg)
        if (not found or self._old(READ_EVERY_S)) and self._may_try():
            # who has a key needn't wait for somebody else's reading
            if self._reading.acquire(blocking=not found):
                try:
                    if self._may_try():
                        self._try(wanted=not found)
                finally:
                    self._reading.release()
            found = self._fitting(kid, alg)
        if self._old(BELIEVED_S):
            raise NoKeys(self._pause_s)
        return found

    def _fitting(self, kid: str | None, alg: str) -> list[Key]:
        return [key for key in self._keys if key.fits(kid, alg)]

    def _old(self, seconds: float) -> bool:
        return self._read_at is None or self._clock() - self._read_at >= seconds

    def _may_try(self) -> bool:
        return self._tried_at is None or self._clock() - self._tried_at >= self._pause_s

    @property
    def _pause_s(self) -> float:
        beyond = self._in_vain - FREE
        return min(2.0 ** min(beyond - 1, 6), LONGEST_PAUSE_S) if beyond > 0 else 0.0

    def _try(self, *, wanted: bool) -> None:
        """Read the keys; `wanted`: because one is missing, and in vain unless there is a new one."""
        known, before = {key.kid for key in self._keys}, self._in_vain
        self._in_vain = max(before, FREE) + 1
        try:
            self._keys = tuple(keys_of(self._read()))
            self._read_at = self._clock()
            is_news = not known.issuperset(key.kid for key in self._keys)
            self._in_vain = 0 if is_news else before + wanted
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
            public = PyJWK({name: entry[name] for name in entry.keys() - _PRIVATE}).key
        except (PyJWTError, TypeError):  # TypeError: members of kinds that nobody expects
            continue
        yield Key(entry.get("kid"), entry.get("alg"), entry["kty"], public)


def from_file(path: Path) -> Callable[[], bytes]:
    """Return what reads a file's keys."""
    return path.read_bytes


def from_url(url: str) -> Callable[[], bytes]:
    """Return what fetches published keys: no redirect, nothing huge, five seconds for all of it."""

    def fetch() -> bytes:
        until = time.monotonic() + FETCH_TIMEOUT_S
        try:
            with requests.get(
                url, timeout=FETCH_TIMEOUT_S, allow_redirects=False, stream=True
            ) as answer:
                if answer.status_code != 200:
                    raise OSError(0, f"status {answer.status_code}")
                return b"".join(_pieces(answer.raw, until))
        except HTTPError as error:  # what breaks off in the body is urllib3's to tell
            raise OSError(0, f"it broke off ({type(error).__name__})") from None

    return fetch


def _pieces(body: Any, until: float) -> Iterator[bytes]:
    """Yield a body as it comes. Raises OSError if it is huge, or isn't whole by then."""
    size = 0
    while piece := body.read1(MAX_BYTES + 1, decode_content=True):
        size += len(piece)
        if size > MAX_BYTES:
            raise OSError(0, f"more than {MAX_BYTES:,} bytes")
        if time.monotonic() > until:  # who sends a byte a second never lets a socket time out
            raise OSError(0, f"not whole after {FETCH_TIMEOUT_S:g} seconds")
        yield piece
