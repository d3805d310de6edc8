"""A plan shown to people, in six formats: views of one `Plan`, none of which adds to it.

Every text in a plan was written by somebody else (a directory, a vendor, a mapping), so each format
escapes whatever its reader would take for more than text: a terminal, a spreadsheet, a browser, a
ticket.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TextIO

from provisioner.plan.model import Plan

FORMATS = ("text", "json", "jsonl", "csv", "html", "markdown")
"""What `--format` takes, the default first."""

_WRITERS = {
    "json": "document:write_json",
    "jsonl": "document:write_jsonl",
    "csv": "table:write_csv",
    "html": "page:write_page",
    "markdown": "markdown:write_markdown",
}


def write_report(
    plan: Plan, format: str, out: TextIO, *, color: bool = False, width: int | None = None
) -> None:
    """Write the plan in one of FORMATS to `out`, ending with a line end.

    `color` and `width` concern text alone: `width` folds longer lines at so many columns; without
    it lines are folded only where `out` is a terminal. Open a file for `out` with `newline=""`,
    because the lines of CSV end with CR LF wherever it is written. Raises ValueError for another
    format.
    """
    if format == "text":
        from provisioner.report.text import write_text

        write_text(plan, out, color=color, width=width)
    elif format in _WRITERS:
        _writer(_WRITERS[format])(plan, out)
    else:
        raise ValueError(f"no report format {format!r}; there are: {', '.join(FORMATS)}")


def _writer(place: str) -> Callable[[Plan, TextIO], None]:
    """Return the writer at `module:function`, imported only now: a page's libraries cost a start."""
    module, name = place.split(":")
    writer: Callable[[Plan, TextIO], None] = getattr(
        import_module(f"provisioner.report.{module}"), name
    )
    return writer
