"""The plan as CSV (RFC 4180): a row for each change, as a spreadsheet shows it and never runs it.

A cell that a spreadsheet would take for a formula gets an apostrophe in front (OWASP, "CSV
Injection"). E.164 numbers begin with + and get one too: `'+4989123401`. Whoever reads the file by
program takes off an apostrophe that stands before one of `= + - @`, or better takes JSON lines.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from connectors.records import Change, Value
from provisioner.plan.model import Plan
from provisioner.report.document import dumped
from provisioner.report.figures import visible

COLUMNS = ("kind", "user", "key", "before", "after", "rule", "cause", "risk", "state", "because")

_FORMULA = re.compile('^(?=[\t\r\n])|(?:^|(?<=[;\t\r\n]))[ "]*(?=[=+\\-@＝＋－＠])')
"""Where a cell begins like a formula: at the start, or where a spreadsheet set to other separators (`;`, a tab) sees one begin."""


def cell(text: str) -> str:
    """Return text as a cell: what begins like a formula gets an apostrophe, controls are made visible.

    >>> cell("+4989123401"), cell("=1+1"), cell("a;=1+1"), cell("US/CA Unlimited")
    ("'+4989123401", "'=1+1", "a;'=1+1", 'US/CA Unlimited')
    """
    text = visible(text, keep="\t\r\n")
    return _FORMULA.sub(r"\g<0>'", text)


def value_cell(value: Value) -> str:
    """Return a change's before or after as a cell: null is empty, objects are compact JSON.

    >>> value_cell(None), value_cell(True), value_cell({"department": "Sales"})
    ('', 'true', '{"department":"Sales"}')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return cell(value if isinstance(value, str) else dumped(value, compact=True))


def write_csv(plan: Plan, out: TextIO) -> None:
    """Write the header and a row for each of the plan's changes, in the order of `seq`."""
    write_table(COLUMNS, map(_row, plan.changes), out)


def write_table(columns: Sequence[str], rows: Iterable[Sequence[str]], out: TextIO) -> None:
    """Write a header and rows of finished cells, lines ending with CR LF."""
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows(rows)


def _row(change: Change) -> Sequence[str]:
    return tuple(_cells(change))


def _cells(change: Change) -> Iterator[str]:
    yield cell(change.kind)
    yield cell(change.user)
    yield cell(change.key)
    yield value_cell(change.before)
    yield value_cell(change.after)
    yield cell(change.rule or "")
    yield change.cause
    yield change.risk
    yield change.state
    yield cell(change.because)
