"""Request ids: by them a client, the log and whoever is asked later mean the same request."""

from __future__ import annotations

import os
import re
from random import Random

HEADER = "X-Request-Id"
"""The header that has one, in requests and answers."""

_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_random = Random()  # noqa: S311 - ids that nobody must guess would ask the system for each
os.register_at_fork(after_in_child=_random.seed)


def request_id(given: str) -> str:
    """Return the id that a client or proxy gives, if it is one, else one of ours.

    >>> request_id("a-1/b"), len(request_id("two words"))
    ('a-1/b', 32)
    """
    return given if _ID.fullmatch(given) else f"{_random.getrandbits(128):032x}"
