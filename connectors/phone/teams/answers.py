"""What Graph's answers mean: success, or one of our named errors.

Every rule of licensing is broken with the same status and code, 400 Request_BadRequest; only the
message tells what is wrong, so `why` is read out of its text. The items of a `$batch` are answers of
their own and judged alike.
Source: Microsoft Graph, "Error responses and resource types"; the messages as clients quote them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import requests

from connectors.errors import PersonError, RunError, TransientError, pause_s
from connectors.phone.teams.skus import with_names

Why = Literal[
    "no_seat", "dependency", "exclusive", "location", "not_held", "no_change", "unknown", ""
]

_WHY: tuple[tuple[str, Why], ...] = (
    (r"invalid usage ?location|ProhibitedInUsageLocation", "location"),
    (r"depends on the service plan|DependencyViolation", "dependency"),
    (r"mutually ?exclusive|conflicting service plans", "exclusive"),
    (r"does not have any available licenses|CountViolation", "no_seat"),
    (r"does not have a corresponding license", "not_held"),
    (r"no license changes provided", "no_change"),
    (r"does not correspond to a valid company license", "unknown"),
)
REMEDIES: dict[Why, str] = {
    "location": "see their usage location: Microsoft doesn't offer every product in every country",
    "dependency": "give them a license that holds what it depends on, switched on there (Teams comes"
    " with Microsoft 365), or a suite that holds both",
    "exclusive": "take one of the two licenses away",
    "no_seat": "order seats, or free some",
    "not_held": "see whether a group gives it: then only leaving the group takes it",
    "unknown": "the tenant has not bought this product",
}
PERMISSIONS = (
    "see that the app has its permissions, with an administrator's consent"
    " (connectors/phone/teams/README.md lists them)"
)


class Answer(NamedTuple):
    """One answer, to a request or to an item of a batch; `body` is None where it is no JSON object."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Refused(PersonError):
    """Graph refused one request: HTTP's `status`, Graph's `code`, and `why` where the text tells."""

    def __init__(
        self, message: str, *, remedy: str = "", status: int, code: str = "", why: Why = ""
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.code = code
        self.why = why


class TokenExpired(RunError):
    """The access token is no longer good: fetch a new one, and repeat the request once."""


def check(response: requests.Response) -> None:
    """Raise the named error for an answer that is no success (`judge`); for a GET without JSON too."""
    what = f"{response.request.method} {(response.request.path_url or '').partition('?')[0]}"
    body = _json(response)
    if 200 <= response.status_code < 300:
        if body is None and (response.request.method == "GET" or response.content):
            raise TransientError(f"{what} gave an answer that is no JSON", in_doubt=True)
        return
    if body is None and response.status_code < 500 and response.status_code not in (401, 429):
        raise RunError(
            f"{what} was refused ({response.status_code}) by something that is not Microsoft Graph",
            remedy="check api_url in config",
        )
    judge(what, Answer(response.status_code, body, response.headers))


def judge(what: str, answer: Answer) -> None:
    """Raise the named error unless an answer is a success.

    Refused: this request can't succeed. TransientError: it may in a moment; in doubt after a 5xx.
    TokenExpired: it can with a new token. RunError: the app may not read at all.
    """
    status = answer.status
    if 200 <= status < 300:
        return
    code, message = said(answer.body)
    text = f"{what} was refused ({status} {code}): {message}"
    if status == 401:
        raise TokenExpired(text, remedy="check client_id, client_secret and tenant_id")
    if status == 429:
        raise TransientError(text, retry_after_s=retry_after_s(answer.headers))
    if status >= 500:
        pause = retry_after_s(answer.headers)
        raise TransientError(
            f"{what} failed at Microsoft's end ({status})", in_doubt=True, retry_after_s=pause
        )
    if status == 403 and what.startswith("GET "):
        raise RunError(text, remedy=PERMISSIONS)
    why = why_of(message)
    remedy = REMEDIES.get(why, PERMISSIONS if status == 403 else "")
    raise Refused(text, remedy=remedy, status=status, code=code, why=why)


def check_token(response: requests.Response) -> None:
    """Raise for a refused token request: RunError; TransientError for a 429, a 5xx and no JSON."""
    status, body = response.status_code, _json(response)
    if status == 429 or status >= 500:
        raise TransientError(f"Microsoft's token service is busy ({status})")
    if status >= 300:
        reason = (
            body.get("error_description") or body.get("error") if isinstance(body, dict) else ""
        )
        raise RunError(
            f"Microsoft refused the credentials ({status}): {str(reason or 'no reason given')[:200]}",
            remedy="check tenant_id, client_id and client_secret, and that the secret has not expired",
        )
    if not isinstance(body, dict) or not body.get("access_token"):
        raise TransientError("Microsoft's token service answered without a token")


def why_of(message: str) -> Why:
    """Return what a refusal's text means, "" where it tells nothing known.

    >>> why_of("License assignment cannot be done for user with invalid usage location.")
    'location'
    """
    return next((why for text, why in _WHY if re.search(text, message, re.IGNORECASE)), "")


def said(body: Any) -> tuple[str, str]:
    """Return an error's code and message, at most 400 characters, products and plans by name."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return "", "no reason given"
    return str(error.get("code") or ""), with_names(str(error.get("message") or ""))[:400]


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an answer asks to wait, None where it doesn't say (`pause_s`)."""
    said = {name.lower(): str(value) for name, value in headers.items()}
    return pause_s(said.get("retry-after", ""), said.get("date", ""))


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
