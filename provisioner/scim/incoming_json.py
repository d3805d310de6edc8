"""The JSON of a request's body: read strictly, because a name that is there twice says two things.

`application/scim+json` and `application/json` are taken with any charset, and so is a body that isn't
labelled. What JSON doesn't know (NaN, a name twice in one object, text after the end) is refused.
"""

from __future__ import annotations

import codecs
import json
from collections import Counter
from contextlib import suppress
from typing import Any

from werkzeug import Request
from werkzeug.exceptions import RequestEntityTooLarge

from provisioner.scim.errors import ScimError, invalid_syntax

_MEDIA_TYPES = frozenset({"application/scim+json", "application/json", ""})
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode_escape", "raw_unicode_escape"})
"""What Python has beside charsets: no body is written so, and some take the square of the length."""


def body_of(request: Request, depth: int) -> Any:
    """Return what a request's body says. Raises ScimError (400 invalidSyntax, 413, 415)."""
    if request.mimetype not in _MEDIA_TYPES:
        raise ScimError(415, "the body must be application/scim+json or application/json")
    if request.environ.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise ScimError(415, "the body must not be compressed")  # RFC 9110 section 15.5.16
    most = request.max_content_length
    # which limit was exceeded must be told (RFC 7644 section 3.7.4)
    too_large = ScimError(413, f"the body is larger than {most} bytes, the maxPayloadSize")
    if most is not None and request.content_length is None:
        # it comes in chunks, and werkzeug reads no more of it than that without a word
        request.max_content_length = most + 1
    try:
        data = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise too_large from None
    if most is not None and len(data) > most:
        raise too_large
    return read_json(data, depth, request.mimetype_params.get("charset"))


def read_json(data: bytes, depth: int, charset: str | None = None) -> Any:
    """Return what a JSON text says, with at most `depth` lists and objects in each other.

    >>> read_json(b'{"a": [1, 2]}', 8)
    {'a': [1, 2]}
    """
    try:
        text = _decoded(data, charset)
        if not text.strip():
            raise _Refused("the body is empty")
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse)
    except RecursionError:
        raise _too_deep(depth) from None
    except ValueError as error:  # the text itself stays out of the message
        where = f" at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else ""
        why = str(error) if isinstance(error, _Refused) else f"the body is not JSON{where}"
        raise invalid_syntax(why) from None
    if text.count("{") + text.count("[") > depth and _deeper(value, depth):
        raise _too_deep(depth)
    return value


def _decoded(data: bytes, charset: str | None) -> str:
    """Return the text; a charset that nobody knows is taken for one of JSON's own."""
    if charset is not None and not charset.lower().startswith("utf"):
        with suppress(LookupError):
            if codecs.lookup(charset).name.replace("-", "_") not in _NO_CHARSETS:
                return data.decode(charset)
    return data.decode(json.detect_encoding(data))


class _Refused(ValueError):
    """What isn't JSON although Python's reader takes it."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise _Refused(f"the body has {twice[:80]!r} twice in one object")
    return made


def _refuse(constant: str) -> Any:
    raise _Refused(f"the body is not JSON: {constant} is no number there")


def _deeper(value: Any, depth: int) -> bool:
    """Whether lists and objects stand in each other more than `depth` times."""
    level = [value] if type(value) in (dict, list) else []
    for _ in range(depth):
        level = [
            inner
            for each in level
            for inner in (each.values() if type(each) is dict else each)
            if type(inner) in (dict, list)
        ]
    return bool(level)


def _too_deep(depth: int) -> ScimError:
    return invalid_syntax(f"the body nests more than {depth} deep")
