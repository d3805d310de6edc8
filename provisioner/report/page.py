"""The plan as one HTML file that needs nothing else: no network, no fonts, and no script to be read whole.

The script only adds filters and folding. The page's Content-Security-Policy allows exactly the one
style sheet and the one script that it carries, by their hashes, so that nothing in a plan could
run even if it got past the escaping.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, TextIO

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from provisioner.plan.document import instant
from provisioner.plan.model import Plan
from provisioner.report import views
from provisioner.report.figures import visible

_HERE = Path(__file__).parent
_BUFFERED = 200  # pieces of a page that are written at once


def write_page(plan: Plan, out: TextIO) -> None:
    """Write the plan as one HTML file."""
    _write("page.html.j2", out, _context(plan))


def write_history_page(
    sections: Sequence[tuple[str, Sequence[str], list[list[str]]]], out: TextIO
) -> None:
    """Write tables (title, columns, rows of text) as a page of the same look."""
    _write("history.html.j2", out, {"title": "Runs and plans", "sections": sections})


def write_checklist_page(title: str, cards: Sequence[dict[str, Any]], out: TextIO) -> None:
    """Write steps to tick off as a page of the same look."""
    _write("checklist.html.j2", out, {"title": title, "cards": cards})


def _write(template: str, out: TextIO, context: dict[str, Any]) -> None:
    stream = _environment().get_template(template).stream({**_assets(), **context})
    stream.enable_buffering(_BUFFERED)
    for piece in stream:
        out.write(piece)
    out.write("\n")


def environment_of(*folders: Path) -> Environment:
    """Return what renders templates of these folders and the report's: all that they print is escaped and visible."""
    return Environment(
        loader=FileSystemLoader([*folders, _HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )


@cache
def _environment() -> Environment:
    return environment_of()


def _finalized(value: object) -> object:
    """Make every text visible that a template prints, whichever way it came."""
    return visible(value) if type(value) is str else value


def style() -> str:
    """Return the style sheet that all pages share."""
    return (_HERE / "page.css").read_text(encoding="utf-8")


@cache
def _assets() -> dict[str, Markup]:
    script = (_HERE / "page.js").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; style-src {_hash(style())}; script-src {_hash(script)};"
        " base-uri 'none'; form-action 'none'"
    )
    # ours, not the plan's; escaped they would mean something else
    return {"style": Markup(style()), "script": Markup(script), "policy": Markup(policy)}  # noqa: S704


def _hash(content: str) -> str:
    """Return a source expression for inline content (Content Security Policy Level 3, section 2.3.1)."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _context(plan: Plan) -> dict[str, Any]:
    name = f"Plan {plan.id}" if plan.id else "Plan"
    return {
        **views.head_of(plan),
        "plan": plan,
        "title": f"{name} · sync {plan.sync}",
        "as_of": instant(plan.as_of),
        "choices": views.choices(plan),
        "groups": list(views.groups(plan)),
    }
