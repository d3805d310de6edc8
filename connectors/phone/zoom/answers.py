"""What Zoom's answers mean: success, or one of our named errors.

Zoom's `code` is independent of the HTTP status (code 404 comes on a 400, code 300 is almost any
validation), so an answer is judged by both together, and by its message where they don't suffice.
Any 2xx is success: the live service answers 201 where its specification says 200. Most of what can
go wrong with a calling plan, a number or a delegate has no documented code: whoever sent such a
write reads back instead of guessing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from connectors.errors import IncompleteRead, PersonError, RunError, TransientError
from connectors.records import fold

REMEDIES = {
    200: "an account administrator, or a Zoom Room's user, can't be changed this way: see the message",
    1000: "take the user out of the call queues and auto receptionists that they manage",
    1005: "the address belongs to another Zoom account: that account must release it first",
    1009: "the address belongs to another Zoom account: that account must release it first",
    1102: "no Zoom Phone license is free: free or order one",
    1107: "Zoom refuses this mail domain here: look at the account's managed domains",
    1117: "take the admin role from the user first",
    1120: "the invitation has expired: invite the user again",
    2002: "turn single sign-on on for the account, or set create.action in config",
    2032: "ask Zoom to turn SSO pre-provisioning on, or set create.action in config",
    2033: "no basic user more is allowed: free or order a license",
    2034: "no license of this type is free: free or order one",
    2300: "check api_url in config: Zoom knows no such operation there",
    2038: "no Zoom Workplace license is free: free or order one",
    3412: "no license of this type is free: free or order one",
    12007: "restore the user from the Trash in the Zoom web portal first",
}
"""What to do about a code of Zoom's, where that is known."""

SCOPE = "add the missing scope to the Server-to-Server OAuth app at marketplace.zoom.us"


class Refused(PersonError):
    """Zoom refused one request: `status` is HTTP's, `code` Zoom's own (0 where it gave none)."""

    def __init__(self, message: str, *, remedy: str = "", status: int, code: int = 0) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.code = code


class ListRefused(IncompleteRead):
    """Zoom refused a page of a list, so the list is cut off; `refused` is what it said."""

    def __init__(self, path: str, refused: Refused) -> None:
        super().__init__(
            f"the list {path} can't be read: {refused.message}",
            remedy=refused.remedy or "nothing was planned; the next run starts afresh",
        )
        self.refused = refused


class TokenExpired(RunError):
    """The access token is no longer good: fetch a new one, and repeat the request once."""


def check(response: requests.Response) -> None:
    """Raise the named error for an answer that is no success.

    Refused: this request can't succeed. TokenExpired: it can with a new token. TransientError: the
    same request may succeed in a moment; in doubt after a 5xx, and after a success whose body can't be
    read. RunError: no request can succeed (Zoom Phone is off, a scope is missing, the day's quota
    is used up).
    """
    status = response.status_code
    if 200 <= status < 300:
        wanted = response.request.method == "GET" and _body(response) is None
        if wanted or _is_cut(response):
            raise TransientError(f"{_what(response)} gave an answer that is no JSON", in_doubt=True)
        return
    if status >= 500:
        raise TransientError(f"{_what(response)} failed at Zoom's end ({status})", in_doubt=True)
    _refuse_cut_error(response)
    body = _body(response)
    error = body if isinstance(body, dict) else {}
    code, message = _code(error), _message(error)
    said = f"{_what(response)} was refused ({status}, code {code}): {message or 'no reason given'}"
    if status == 429:
        raise _too_many(response, said, message)
    if status == 401 or (code == 124 and "token" in message.lower()):
        raise TokenExpired(said, remedy="check the app's credentials, and that it is activated")
    if _concerns_all(status, code, message):
        raise RunError(said, remedy=_remedy_for_all(code, message))
    raise Refused(said, remedy=REMEDIES.get(code, ""), status=status, code=code)


def check_about(user: str) -> Callable[[requests.Response], None]:
    """Return a `check` that also wants a success to be about this user, by id or mail address.

    An answer about somebody else is another request's that went astray: a TransientError.
    """

    def check_user(response: requests.Response) -> None:
        check(response)
        body = _body(response)
        if isinstance(body, dict) and not is_about(body, user):
            raise TransientError(f"{_what(response)} was answered about another user")

    return check_user


def is_about(answer: dict[str, Any], user: str) -> bool:
    """Return whether an answer names this user, by id or by mail address.

    >>> is_about({"id": "zJK", "email": "Eva@example.org"}, "eva@example.org")
    True
    >>> is_about({"id": "zJK"}, "zjk")
    False
    """
    email = answer.get("email")
    return answer.get("id") == user or (isinstance(email, str) and fold(email) == fold(user))


def check_token(response: requests.Response) -> None:
    """Raise for a refused token request: RunError; or TransientError for a 429, a 5xx, and no JSON.

    Nothing is ever in doubt here: a token that got lost is simply asked for again.
    """
    status = response.status_code
    if status == 429 or status >= 500:
        raise TransientError(f"Zoom's token service is busy ({status})")
    _refuse_cut_error(response)
    body = _body(response)
    if status >= 300:
        reason = body.get("reason") or body.get("error") if isinstance(body, dict) else None
        raise RunError(
            f"Zoom refused the credentials ({status}): {str(reason or 'no reason given')[:200]}",
            remedy="check account_id, client_id and client_secret, and that the app is activated",
        )
    if _is_cut(response):
        raise TransientError("Zoom's token service gave an answer that is no JSON")
    if not isinstance(body, dict) or not body.get("access_token"):
        raise RunError(
            "Zoom's token service answered without a token", remedy="check token_url in config"
        )


def _too_many(response: requests.Response, said: str, message: str) -> TransientError | RunError:
    """Tell the two kinds of 429 apart: a second's or a resource's limit passes, a day's doesn't.

    Zoom's daily answer carries Retry-After as an ISO date (the next midnight, UTC), or not at all.
    """
    kind = response.headers.get("X-RateLimit-Type", "") + " " + message
    if "daily" not in kind.lower() and "per day" not in kind.lower():
        return TransientError(said, alone="concurrent" in message.lower())
    until = response.headers.get("Retry-After", "00:00 UTC")
    return RunError(
        said,
        remedy=f"the account's daily quota is used up until {until}; what is left is planned anew then",
    )


def _concerns_all(status: int, code: int, message: str) -> bool:
    """Return whether an answer means the account or the app, so that no other request fares better.

    An answer without a code isn't Zoom's own: something else stands at that address.
    """
    text = message.lower()
    return (
        status == 403
        or code in (0, 403, 2001, 2031, 4700, 4711)
        or "access token" in text
        or "scope" in text
    )


def _remedy_for_all(code: int, message: str) -> str:
    text = message.lower()
    if code in (4700, 4711) or "scope" in text or "access token" in text:
        return SCOPE
    if code == 0:
        return "check api_url in config"
    if code == 2001:
        return "check account_id in config"
    return "check that Zoom Phone is enabled on the account, and the rights of the app's role"


def _what(response: requests.Response) -> str:
    """Return the request as messages name it: method and path, never a query."""
    path = (response.request.path_url or "").partition("?")[0]
    return f"{response.request.method} {path}"


def _body(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _is_cut(response: requests.Response) -> bool:
    """Return whether there is a body, and it isn't JSON."""
    try:
        response.json()
    except ValueError:
        return bool(response.content)
    return False


def _refuse_cut_error(response: requests.Response) -> None:
    """Raise a TransientError for a refusal (4xx) that calls itself JSON and is none: half of one.

    What doesn't call itself so is no answer of Zoom's.
    """
    json = "json" in response.headers.get("Content-Type", "")
    if response.status_code >= 400 and json and _is_cut(response):
        raise TransientError(f"{_what(response)} was refused with half an answer")


def _code(error: dict[str, Any]) -> int:
    code = error.get("code")
    return code if isinstance(code, int) else 0


def _message(error: dict[str, Any]) -> str:
    """Return Zoom's message with its details by field, at most 400 characters."""
    parts = [str(error.get("message") or "")]
    errors = error.get("errors")
    details = [d for d in errors if isinstance(d, dict)] if isinstance(errors, list) else []
    parts += [f"{detail.get('field', '')}: {detail.get('message', '')}" for detail in details]
    return "; ".join(part for part in parts if part)[:400]
