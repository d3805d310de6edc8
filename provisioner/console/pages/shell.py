"""What every page has: the navigation, who is there, what was just done, and the look.

A page is rendered by `Shell.page`. What a form brought about is told by the page that it leads to: the form
answers with a redirect, so that a reload does nothing twice, and `Notices` keeps the words meanwhile.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlsplit

from flask import Response, g, redirect, request
from jinja2 import Environment
from markupsafe import Markup

from provisioner.console.desk import Desk
from provisioner.console.door import Operator, Refusal, csrf_field, operator, remembered_name
from provisioner.console.pages.words import Moment, Told, moment
from provisioner.report import page as report_page

_HERE = Path(__file__).parent
_SECTIONS = (
    ("/", "Overview"),
    ("/plans", "Plans"),
    ("/runs", "Runs"),
    ("/people", "People"),
    ("/manual", "Manual steps"),
    ("/quarantine", "Quarantine"),
)
_MOST_NOTICES = 500


class Item(NamedTuple):
    """A section of the console, in its navigation."""

    href: str
    name: str
    current: bool


class Notices:
    """What was told of things done, by a name that nobody guesses; the oldest are forgotten."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Told] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, told: Told) -> str:
        """Keep what was told, and return the name by which it is found."""
        name = secrets.token_urlsafe(12)
        with self._lock:
            self._kept[name] = told
            while len(self._kept) > _MOST_NOTICES:
                self._kept.popitem(last=False)
        return name

    def find(self, name: str) -> Told | None:
        """Return what was told; None if that is too long ago."""
        with self._lock:
            return self._kept.get(name)


class Shell:
    """Renders pages; `now` tells the time by which moments are told."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.notices = Notices()

    def page(self, template: str, title: str, **context: Any) -> str:
        """Return a page: `template` with what it shows, below what was just done."""
        told = context.pop("told", None) or self.notices.find(request.args.get("told", ""))
        return _render(template, {**self._around(), "title": title, "told": told, **context})

    def go(self, href: str, told: Told | None = None) -> Response:
        """Answer a form: lead to a page of ours (303, RFC 9110 section 15.4.4), which says what was done."""
        if told is not None:
            mark = "&" if urlsplit(href).query else "?"
            href += f"{mark}told={self.notices.keep(told)}#told"
        found: Response = redirect(request.script_root + href, 303)  # type: ignore[assignment]
        return found

    def refusal(self, refusal: Refusal) -> str:
        """Draw a refusal as a page, also for somebody whom the door has not let in."""
        context = {**self._around(), "title": refusal.title, "told": None, "refusal": refusal}
        return _render("refusal.html.j2", context)

    def sign_in(self, problem: str | None, following: str) -> str:
        """Draw the form that takes a token; `following` is where to go then."""
        context = {**self._around(), "title": "Sign in", "told": None}
        return _render("sign_in.html.j2", {**context, "problem": problem, "following": following})

    def at(self, at: datetime) -> Moment:
        """Return a moment as pages show it."""
        return moment(at, self.now())

    def _around(self) -> dict[str, Any]:
        return {"shell": _Around(self.now())}


class _Around:
    """What the frame of a page shows. Whoever the door has not let in is shown no way around."""

    def __init__(self, now: datetime) -> None:
        self.now = moment(now, now)
        self.style, self.script, self.icon = (f"/assets/{n}?v={_version(n)}" for n in ASSETS)
        asking: Operator | None = g.get("operator")
        self.nav = [Item(href, name, _is_current(href)) for href, name in _SECTIONS if asking]
        self.operator = asking and asking.name
        self.may_decide = asking is not None and asking.may_decide
        self.asks_name = asking is not None and asking.name is None
        self.sign_out = "session" in g

    @property
    def name(self) -> str:
        """The name that was given last, to be filled in."""
        return remembered_name() or ""

    @property
    def csrf(self) -> Markup:
        """The hidden field of every form; asked for only by pages that have one."""
        return csrf_field()


class Counter:
    """Where views turn to: the desk, as whoever asks may see it, and the shell that shows what it gives."""

    def __init__(self, desk: Desk, shell: Shell) -> None:
        self._desk, self.shell = desk, shell

    @property
    def desk(self) -> Desk:
        """The desk of whoever sent the request."""
        return self._desk.seen_by(operator().syncs)

    @property
    def names(self) -> list[str]:
        """The syncs that whoever asks may see."""
        return self.desk.names()


def _is_current(href: str) -> bool:
    return request.path == "/" if href == "/" else request.path.startswith(href)


ASSETS = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}
"""What the pages look like and do, by name; each with its media type."""


@cache
def asset(name: str) -> str:
    """Return one of ASSETS. The style is the report's, and what the console has beside that."""
    if name == "console.css":
        return report_page.style() + _read(name)
    return _read(name)


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


@cache
def _version(name: str) -> str:
    return hashlib.sha256(asset(name).encode()).hexdigest()[:12]


@cache
def _environment() -> Environment:
    made = report_page.environment_of(_HERE / "templates")
    made.filters["quoted"] = partial(quote, safe="", errors="replace")
    for name in ("parts", "bits"):  # macros that every page uses
        made.globals[name] = made.get_template(f"{name}.html.j2").module
    return made


_OURS = re.compile(r'(href|action)="/')


def _render(template: str, context: dict[str, Any]) -> str:
    page = _environment().get_template(template).render(context)
    # links are written from our root, which a proxy may have put elsewhere (X-Forwarded-Prefix);
    # what others wrote has no plain quotation mark
    return _OURS.sub(rf'\1="{request.script_root}/', page) if request.script_root else page


def numbers(texts: Iterable[str]) -> list[int]:
    """Return texts of a form as whole numbers. Raises Refusal 400 for any that is none."""
    try:
        return [int(text) for text in texts]
    except ValueError:
        raise Refusal(400, "a number in this address is none") from None
