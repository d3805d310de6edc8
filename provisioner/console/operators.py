"""Who is at the console, and what they may do there: asked by every route, decided by the door once.

Where nobody signs in, whoever decides gives a name with each decision; it is remembered in a cookie, so
that it is typed once. Else the name is the token's or the proxy's, and nobody gives another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from flask import Response, g, request

from connectors.errors import RunError
from provisioner import who
from provisioner.console import cookies
from provisioner.console.refusals import API, Refusal

_NAME = "name"
_LOOK_ONLY = "this operator may look, and not decide"
_View = TypeVar("_View", bound=Callable[..., Any])


def open_to_all(view: _View) -> _View:
    """Mark a view that needs no sign-in: the sign-in page, and what it looks like."""
    view.open_to_all = True  # type: ignore[attr-defined]
    return view


def for_readers(view: _View) -> _View:
    """Mark a view that is no GET, and decides nothing all the same."""
    view.for_readers = True  # type: ignore[attr-defined]
    return view


@dataclass(frozen=True, slots=True)
class Operator:
    """Who asks. `name` is None where nobody signs in; `syncs` are those they may see, None for all."""

    name: str | None = None
    may_decide: bool = True
    syncs: frozenset[str] | None = None

    def may_see(self, sync: str | None) -> bool:
        """Return whether a sync, and all that is of it, exists for them."""
        return self.syncs is None or sync in self.syncs


def operator() -> Operator:
    """Return who sent the request that is being answered; the door let them in."""
    found: Operator = g.operator
    return found


def let_in(found: Operator) -> None:
    """Keep who sent the request; only the door says so."""
    g.operator = found


def may_see(sync: str | None) -> bool:
    """Return whether a sync exists for whoever asks: what doesn't is 404, and in no list."""
    return operator().may_see(sync)


def must_see(sync: str | None) -> None:
    """Raise Refusal 404 for what is of a sync that whoever asks may not see."""
    if not may_see(sync):
        raise Refusal(404)


def must_decide() -> None:
    """Raise Refusal 403 for whoever may only look."""
    if not operator().may_decide:
        raise Refusal(403, _LOOK_ONLY)


def decider(given: str | None) -> str:
    """Return the name under which whoever asks decides, and have it remembered if it was `given`.

    Raises Refusal: 403 for whoever may only look, 400 if a name is missing, is nobody's, or is given by
    somebody who has one.
    """
    asking = operator()
    must_decide()
    given = (given or "").strip() or None
    if asking.name is not None:
        if given not in (None, asking.name):
            raise Refusal(400, f"you decide as {asking.name}: no other name can be given")
        return asking.name
    if given is None:
        raise Refusal(400, "say who decides: give your name (`by`)")
    try:
        g.given_name = who.named(given)
    except RunError as error:
        raise Refusal(400, error.message) from None
    return str(g.given_name)


def remembered_name() -> str | None:
    """Return the name that was given last in this browser, to be filled in; None if none was."""
    try:
        return who.named(unquote(cookies.get(_NAME) or ""))
    except RunError:
        return None


def remember(response: Response) -> None:
    """Have the browser keep the name that was given with this request, if one was: a program keeps its own."""
    if (name := g.get("given_name")) is not None and not request.path.startswith(API):
        cookies.keep(response, _NAME, quote(name))
