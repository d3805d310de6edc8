"""The plan as GitHub-flavoured Markdown, for a ticket or a chat: figures, causes, the first changes.

Values stand in code spans, where nothing is obeyed: no link, no mention of a colleague, no HTML.
A table cell ends at a pipe even inside a code span, so values with one are written as `<code>` with
character references. Sentences are prose in which whatever Markdown could obey is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

from connectors.records import Change
from provisioner.plan.document import instant
from provisioner.plan.model import RISKS, Plan
from provisioner.report import compared, figures, outlook
from provisioner.report.figures import counted, visible

MOST_CHANGES = 100
MOST_OTHERS = 50
_LONGEST = 300  # characters of one text: a ticket's whole body is bounded too (65,536 at GitHub)

_OBEYED = re.compile(r"[!$*<>\[\\\]^`{|}~&]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=\bwww)\.")
"""What Markdown could obey in the middle of a line; an underscore only at a word's edge, a colon and a dot in addresses."""
_BY_NAME = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_BY_NUMBER = (
    "\\|:."  # a backslash is taken differently before a pipe, and not at all before a letter
)
_MENTION = re.compile(r"(?<![A-Za-z0-9_])([@#])(?=\w)")


def prose(text: str) -> str:
    r"""Return a sentence that reads the same in the middle of a line, whatever stands in it.

    A bare `@name` or `#12` gets an invisible space, lest a ticket system notify somebody.

    >>> prose("joined *Sales* <all> (hr)")
    'joined \\*Sales\\* &lt;all&gt; (hr)'
    """
    text = _MENTION.sub("\\1\u200b", _short(visible(text)))
    return _OBEYED.sub(lambda match: _escaped(match.group()), text)


def item(text: str) -> str:
    """Return a sentence as prose that may begin a line: its first mark or digit opens no list.

    >>> item("1. April is near"), item("- no")
    ('&#49;. April is near', '&#45; no')
    """
    told = prose(text)
    return _reference(told[0]) + told[1:] if told[:1] and told[0] in "0123456789-+=#." else told


def _escaped(c: str) -> str:
    return _BY_NAME.get(c) or (_reference(c) if c in _BY_NUMBER else f"\\{c}")


def code(text: str) -> str:
    """Return a value as a code span that shows exactly it, also in a table's cell.

    >>> code("US/CA Unlimited"), code("a|b"), code("`")
    ('`US/CA Unlimited`', '<code>a&#124;b</code>', '<code>&#96;</code>')
    """
    text = _short(visible(text))
    if text.strip() == text and text and not set(text) & set("`|\\"):
        return f"`{text}`"
    return f"<code>{re.sub('[^A-Za-z0-9]', lambda match: _reference(match.group()), text)}</code>"


def _reference(c: str) -> str:
    return f"&#{ord(c)};"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def write_markdown(plan: Plan, out: TextIO) -> None:
    """Write the plan as Markdown."""
    for part in (
        _head,
        _pools,
        _outlook,
        _compared,
        _adoption,
        _clusters,
        _held,
        _decisions,
        _changes,
        _left,
        _conflicts,
        _warnings,
    ):
        for line in part(plan):
            out.write(line + "\n")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield a table; a header that ends with a colon is of a column of numbers."""
    yield _row([name.removesuffix(":") for name in header])
    yield _row(["---:" if name.endswith(":") else "---" for name in header])
    yield from map(_row, rows)
    yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _head(plan: Plan) -> Iterator[str]:
    summary, scope = plan.summary, figures.title_of_scope(plan)
    name = f"Plan {prose(plan.id)}" if plan.id else "Plan"
    yield f"## {name}, sync {prose(plan.sync)}"
    yield ""
    yield f"As of {instant(plan.as_of)}" + (f", {prose(scope)}." if scope else ".")
    yield ""
    percent = figures.share(summary.removals, summary.people)
    yield from _table(
        ("figure", "count:"),
        [
            ("people", f"{summary.people:,}"),
            ("unchanged", f"{summary.unchanged:,}"),
            *((code(kind), f"{count:,}") for kind, count in summary.changes.items()),
            ("people who would lose something", f"{summary.removals:,} ({percent})"),
            ("changes held", f"{summary.held:,}"),
            ("blocked", f"{summary.blocked:,}"),
            ("waiting", f"{summary.waiting:,}"),
            ("manual steps", f"{summary.manual:,}"),
            ("API calls", f"{summary.api_calls:,}"),
        ],
    )


def _pools(plan: Plan) -> Iterator[str]:
    if plan.summary.pools:
        yield "### Pools"
        yield ""
        yield from _table(
            ("pool", *(f"{name}:" for name in figures.POOL_HEADER[1:])),
            (figures.pool_cells(code(name), use) for name, use in plan.summary.pools.items()),
        )


def _outlook(plan: Plan) -> Iterator[str]:
    kinds, departments = outlook.by_kind(plan), outlook.by_department(plan)
    if kinds:
        yield f"### Cost: {prose(outlook.monthly(plan))}"
        yield ""
        rows = [(code(each.name), prose(each.amount)) for each in (*kinds, *departments)]
        yield from _table(("kind or department", "a month:"), rows)
    if days := outlook.forecast(plan):
        yield "### Forecast"
        yield ""
        yield from _table(
            ("day", "pool", "short", "why"),
            (
                (
                    prose(d.day),
                    code(d.pool),
                    f"**{prose(d.short)}**" if d.short else "",
                    prose(d.words),
                )
                for d in outlook.told(days)
            ),
        )
        yield from _more(len(days) - outlook.MOST_DAYS, "line", "lines", plan)


def _compared(plan: Plan) -> Iterator[str]:
    if plan.comparison is None:
        return
    yield "### Compared"
    yield ""
    yield prose(compared.in_words(plan.comparison)) + "."
    yield ""
    for table in compared.tables(plan.comparison):
        yield f"#### {table.title}"
        yield ""
        yield from _table(table.header, (list(map(prose, row)) for row in table.rows))
        if table.more:
            yield f"… and {table.more:,} more differences"
            yield ""


def _adoption(plan: Plan) -> Iterator[str]:
    adoption = plan.adoption
    if adoption is None:
        return
    yield "### Adoption: until a full plan of this sync is approved, every plan of it waits"
    yield ""
    how = ", ".join(f"{count:,} by {prose(how)}" for how, count in adoption.matched.items())
    yield f"- matched: {how or 'nobody'}"
    for match in adoption.examples[:5]:
        yield f"  - {code(match.user)} = phone user {code(match.id)} ({prose(match.how)})"
    yield f"- people without a phone user: {_names(adoption.people_unmatched)}"
    yield f"- phone users of nobody: {_names(adoption.phone_users_unmatched)}"
    yield ""


def _names(names: Sequence[str], most: int = 10) -> str:
    first = ", ".join(code(name) for name in names[:most])
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return f"{len(names):,}{': ' if names else ''}{first}{rest}"


def _clusters(plan: Plan) -> Iterator[str]:
    if plan.clusters:
        yield "### Causes"
        yield ""
        yield from _table(
            ("risk", "cause", "people:", "cluster"),
            (
                (_risk(cluster.risk), prose(cluster.title), f"{cluster.people:,}", code(cluster.id))
                for cluster in plan.clusters[:MOST_OTHERS]
            ),
        )
        yield from _more(len(plan.clusters) - MOST_OTHERS, "cluster", "clusters", plan)


def _risk(risk: str) -> str:
    return f"**{risk}**" if risk == "destructive" else risk


def _more(rest: int, one: str, many: str, plan: Plan) -> Iterator[str]:
    if rest > 0:
        command = code(f"provisioner show {plan.id or 'PLAN'} --format html")
        yield f"… and {counted(rest, f'more {one}', f'more {many}')}; {command} shows all."
        yield ""


def _held(plan: Plan) -> Iterator[str]:
    reasons = figures.held_reasons(plan)
    if reasons:
        yield "### Held"
        yield ""
        for reason, count in reasons[:5]:
            yield f"- {counted(count, 'change', 'changes')}: {_with_commands(reason)}"
        if len(reasons) > 5:
            yield f"- and {counted(len(reasons) - 5, 'other reason', 'other reasons')}"
        yield ""


def _decisions(plan: Plan) -> Iterator[str]:
    reasons = figures.decided_reasons(plan)
    if reasons:
        yield "### Decisions"
        yield ""
        for reason, count in reasons[:MOST_OTHERS]:
            yield f"- {counted(count, 'change', 'changes')} {_with_commands(reason)}"
        yield ""
        yield from _more(len(reasons) - MOST_OTHERS, "decision", "decisions", plan)


def _with_commands(reason: str) -> str:
    """Return a reason as prose in which what stands between backticks is a code span."""
    return "".join(
        code(piece) if at % 2 else prose(piece) for at, piece in enumerate(figures.pieces(reason))
    )


def _changes(plan: Plan) -> Iterator[str]:
    if not plan.changes:
        return
    shown = sorted(plan.changes, key=lambda c: (RISKS.index(c.risk), c.seq))[:MOST_CHANGES]
    people, standings = figures.people_of(shown), figures.standings(plan)
    yield "### Changes"
    yield ""
    yield from _table(
        ("#:", "person", "change", "before → after", "rule", "risk", "state", "because"),
        (
            _change(change, plan, standings.get(change.seq, ""))
            for person in people
            for change in person.changes
        ),
    )
    if len(plan.changes) > MOST_CHANGES:
        yield f"These are the {MOST_CHANGES} most dangerous ones."
    yield from _more(len(plan.changes) - MOST_CHANGES, "change", "changes", plan)


def _change(change: Change, plan: Plan, standing: str) -> Sequence[str]:
    because = prose(change.because)
    for consequence in change.consequences:
        because += f"<br>also {prose(consequence)}"
    if change.reason and change.state not in ("held", "planned"):  # theirs stand above
        because += f"<br>{_with_commands(figures.reason_of(change, plan))}"
    return (
        str(change.seq),
        code(change.user),
        code(change.kind),
        _moved(change),
        code(change.rule) if change.rule else "",
        _risk(change.risk),
        standing or ("" if change.state == "planned" else change.state),
        because,
    )


def _moved(change: Change) -> str:
    return "<br>".join(
        f"{code(move.name) + ' ' if move.name else ''}{_value(move.before)} → {_value(move.after)}"
        for move in figures.moves(change)
    )


def _value(words: str) -> str:
    return words if words in ("none", "yes", "no") else code(words)


def _left(plan: Plan) -> Iterator[str]:
    for title, changes in (("Blocked", plan.blocked), ("Waiting", plan.waiting)):
        if not changes:
            continue
        yield f"### {title}"
        yield ""
        yield from _table(
            ("person", "change", "before → after", "reason"),
            (
                (
                    code(change.user),
                    code(change.kind),
                    _moved(change),
                    _with_commands(figures.reason_of(change, plan)),
                )
                for change in changes[:MOST_OTHERS]
            ),
        )
        yield from _more(len(changes) - MOST_OTHERS, "change", "changes", plan)


def _conflicts(plan: Plan) -> Iterator[str]:
    if plan.conflicts:
        yield f"### Conflicts: {figures.title_of_conflicts(plan)}"
        yield ""
        for conflict in plan.conflicts[:MOST_OTHERS]:
            names = _names(conflict.users or conflict.keys).partition(": ")[2]
            places = ", ".join(code(place) for place in conflict.where[:10])
            yield f"- {names}: {prose(conflict.reason)}{f' ({places})' if places else ''}"
        yield ""
        yield from _more(len(plan.conflicts) - MOST_OTHERS, "conflict", "conflicts", plan)


def _warnings(plan: Plan) -> Iterator[str]:
    if plan.warnings:
        yield "### Warnings"
        yield ""
        for warning in plan.warnings[:MOST_OTHERS]:
            first, *rest = figures.pieces(figures.with_plan(warning, plan))
            told = (code(piece) if at % 2 == 0 else prose(piece) for at, piece in enumerate(rest))
            yield f"- {item(first)}{''.join(told)}"
        yield ""
        yield from _more(len(plan.warnings) - MOST_OTHERS, "warning", "warnings", plan)
