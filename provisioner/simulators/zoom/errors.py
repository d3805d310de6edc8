"""Zoom's errors: a body of code, message and maybe field errors, under an HTTP status.

The code is independent of the status (404 in the body of a 400, 300 for almost any validation), so
each error here fixes both. Texts and numbers are those of Zoom's OpenAPI descriptions; what Zoom
does not document (plan exhausted or held, number taken, delegate already there, extension in use)
answers as its validation does: 400 with code 300.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SCIM_ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


class ZoomError(Exception):
    """An answer that refuses: `status` (HTTP), `code` and `message`, and `errors` of (field, message).

    `headers` go with the answer; only rate limits have any.
    """

    def __init__(
        self,
        status: int,
        code: int,
        message: str,
        errors: tuple[tuple[str, str], ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors
        self.headers = dict(headers or {})

    def scim_body(self) -> dict[str, Any]:
        """Return the body that a refusal has under /scim2 (RFC 7644, section 3.12)."""
        fields = "; ".join(f"{field}: {text}" for field, text in self.errors)
        detail = f"{self.message} {fields}" if fields else self.message
        return {"schemas": [SCIM_ERROR], "status": str(self.status), "detail": detail}

    def body(self) -> dict[str, Any]:
        """Return the JSON body: code, message and, where fields are at fault, errors."""
        body: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.errors:
            body["errors"] = [{"field": field, "message": text} for field, text in self.errors]
        return body


def invalid(*fields: tuple[str, str] | str) -> ZoomError:
    """Return 400 code 300 "Validation Failed."; a field is its name, or its name and what is wrong."""
    named = tuple((f, "Invalid field.") if isinstance(f, str) else f for f in fields)
    return ZoomError(400, 300, "Validation Failed.", named)


def refused(message: str) -> ZoomError:
    """Return 400 code 300 with its own sentence, as Zoom answers most breaches of its rules."""
    return ZoomError(400, 300, message)


def no_user(user: str) -> ZoomError:
    """Return 404 code 1001, also for an account user who is no phone user."""
    return ZoomError(404, 1001, f"User does not exist: {user}.")


def no_phone_seat() -> ZoomError:
    """Return 404 code 1102: the account has no phone license left."""
    return ZoomError(
        404,
        1102,
        "You cannot enable the **Zoom Phone** feature because you do not have any available licenses.",
    )


def no_licensed_seat(limit: int) -> ZoomError:
    """Return 400 code 2034: no seat for a Licensed account user."""
    return ZoomError(
        400,
        2034,
        "Your request to convert this user's plan type to \"Licensed\" wasn't approved because your "
        f'account has reached the permitted maximum number of "{limit}" users. Purchase additional '
        "licenses or contact the Zoom support team to provision additional users in your account.",
    )


def no_basic_seat() -> ZoomError:
    """Return 400 code 2033: no seat for a Basic account user."""
    return ZoomError(
        400,
        2033,
        "Your request to add a basic user wasn't approved because you've already reached the maximum "
        "basic user limit allowed in your account. For additional help regarding this issue, contact "
        "the Zoom Customer Support team.",
    )


def in_use(email: str) -> ZoomError:
    """Return 409 code 1005: the mail address belongs to an account user already."""
    return ZoomError(409, 1005, f'Email "{email}" has already been used.')


def operator() -> ZoomError:
    """Return 400 code 1000: call-queue managers and receptionist operators can't be changed."""
    return ZoomError(
        400,
        1000,
        "The user cannot be changed because they are a Call-queue manager or Auto-receptionist operator.",
    )


def in_trash() -> ZoomError:
    """Return 400 code 12007: a phone user in the trash can't be licensed again before restoring."""
    return ZoomError(400, 12007, "The user in Trash cannot be assigned Zoom One license.")


def bad_template() -> ZoomError:
    """Return 404 code 404: no such template in the site that it was looked up in."""
    return ZoomError(404, 404, "Template is invalid")


def no_site() -> ZoomError:
    """Return 404 code 404: no such site."""
    return ZoomError(404, 404, "Site does not exist.")


def sites_disabled() -> ZoomError:
    """Return 400 code 300: the account has not switched Multiple Sites on."""
    return refused("Multiple Sites option has been disabled. Enable it and try again.")


def bad_page_token(phone: bool) -> ZoomError:
    """Return 400 for an invalid or expired page token: code 400 under /phone, 300 elsewhere."""
    return ZoomError(400, 400 if phone else 300, "The next page token is invalid or expired.")


def busy() -> ZoomError:
    """Return 429 for a second write while one on the same user is under way."""
    return ZoomError(
        429,
        429,
        "Too many concurrent requests. A request to change this user has already been made.",
    )
