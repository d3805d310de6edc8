"""Opaque tokens that hold what their service wants to know again: signed, not stored."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from typing import Any


def make_token(secret: str | None, content: list[Any]) -> str:
    """Return a token that holds `content` (what JSON can tell).

    >>> read_token("s", make_token("s", ["/users", 7])), read_token("other", make_token("s", [7]))
    (['/users', 7], None)
    """
    text = json.dumps(content).encode()
    return base64.urlsafe_b64encode(_signature(secret, text) + text).decode().rstrip("=")


def read_token(secret: str | None, token: str) -> list[Any] | None:
    """Return what a token holds that was made with this secret, None for anything else."""
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    signature, text = raw[:8], raw[8:]
    if not hmac.compare_digest(signature, _signature(secret, text)):
        return None
    content: list[Any] = json.loads(text)
    return content


def _signature(secret: str | None, text: bytes) -> bytes:
    return hmac.new((secret or "anybody").encode(), text, hashlib.blake2b).digest()[:8]
