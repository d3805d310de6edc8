"""What a SCIM request is refused with (RFC 7644 section 3.12, RFC 9865 section 2.1).

A `detail` names the attribute or the operation and says what was expected. It never repeats a whole
value, and tells nothing of other resources, the database or the code.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MESSAGE = "urn:ietf:params:scim:api:messages:2.0:Error"
"""Schema URN of an error's body."""

SCIM_TYPES = frozenset(
    {
        *("invalidFilter", "tooMany", "uniqueness", "mutability", "invalidSyntax", "invalidPath"),
        *("noTarget", "invalidValue", "invalidVers", "sensitive"),
        *("invalidCursor", "expiredCursor", "invalidCount"),
    }
)
"""What `scimType` may be: RFC 7644 table 9, then RFC 9865 section 2.1."""


class ScimError(Exception):
    """A request that is answered with an error.

    `status` is the HTTP status, `scim_type` one of SCIM_TYPES or None, `headers` go with the answer
    (`Retry-After`, `WWW-Authenticate`).
    """

    def __init__(
        self,
        status: int,
        detail: str,
        scim_type: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.scim_type = scim_type
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """Return the answer's body; `status` is text in it, as the RFC wants.

        >>> ScimError(409, "userName 'eva' is taken", "uniqueness").body()["scimType"]
        'uniqueness'
        """
        body: dict[str, Any] = {"schemas": [MESSAGE], "status": str(self.status)}
        if self.scim_type:
            body["scimType"] = self.scim_type
        # what a client sent may be quoted in it, and JSON's escapes can make half a character
        return body | {"detail": self.detail.encode(errors="replace").decode()}


def invalid_value(detail: str) -> ScimError:
    """A value that is missing, or not what its attribute takes."""
    return ScimError(400, detail, "invalidValue")


def invalid_syntax(detail: str) -> ScimError:
    """A body that isn't shaped like the request it should be."""
    return ScimError(400, detail, "invalidSyntax")


def invalid_path(detail: str) -> ScimError:
    """A PATCH operation's path that can't be read, or names what no schema knows."""
    return ScimError(400, detail, "invalidPath")


def mutability(detail: str) -> ScimError:
    """A change of what may not be changed."""
    return ScimError(400, detail, "mutability")


def no_target(detail: str) -> ScimError:
    """A PATCH operation that leads to nothing it could work on."""
    return ScimError(400, detail, "noTarget")
