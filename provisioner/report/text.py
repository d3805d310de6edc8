"""The plan as text: totals and limits first, then what shares a cause, then people, a line a change.

The same plan gives the same text. Nothing in it comes out as more than text: everything passes
`visible`, and rich is asked for no markup, no emoji and no highlighting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from shutil import get_terminal_size
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from connectors.records import Change
from provisioner.plan.document import instant
from provisioner.plan.model import RISKS, Adoption, Plan
from provisioner.report import compared, figures, outlook
from provisioner.report.figures import OnePerson, counted, people_counted, visible

MOST_PEOPLE = 200
"""People shown in full; of more, those with the most dangerous changes."""
MOST_CLUSTERS = 50
MOST_OTHERS = 50
"""Blocked and waiting changes, conflicts, warnings: each list ends after so many with how many more."""
_LONGEST = 300  # characters of one value; whatever is longer was never meant to be read in a line
_KIND_WIDTH = 20
_JOINT = (
    "\ue000"  # stands for a blank of a command while lines are folded; no visible text holds one
)

STYLES = {"destructive": "bold red", "service": "yellow", "safe": "green"}

Piece = str | tuple[str, str]


class Page:
    """Lines of text going out: indented, folded at `width` columns if there is one, styled if in color."""

    def __init__(self, out: TextIO, *, color: bool, width: int | None) -> None:
        self._width = width
        self._encoding = out.encoding or "utf-8"
        self._console = Console(
            file=out,
            width=width or 80,
            force_terminal=color,
            color_system="standard" if color else None,
            no_color=not color,
            markup=False,
            emoji=False,
            highlight=False,
            legacy_windows=False,
        )

    def line(self, indent: int, *pieces: Piece) -> None:
        """Write one line of pieces (text, or text with a style); it may fold into several."""
        text = Text()
        for piece in pieces:
            content, style = (piece, "") if isinstance(piece, str) else piece
            text.append(_whole_commands(self._writable(_short(visible(content)))), style or None)
        text.rstrip()
        lines: Iterable[Text] = [text]
        if self._width is not None and text.plain:
            room = max(20, self._width - indent)
            lines = text.wrap(self._console, room, overflow="fold")
        for part in lines:
            part.rstrip()
            part.plain = part.plain.replace(_JOINT, " ")
            out = Text(" " * indent if part.plain else "") + part
            self._console.print(out, soft_wrap=True)

    def blank(self) -> None:
        """Write an empty line."""
        self._console.print()

    def _writable(self, text: str) -> str:
        """Return the text with what the output's encoding can't hold written as escapes."""
        return text.encode(self._encoding, "backslashreplace").decode(self._encoding)


def _whole_commands(text: str) -> str:
    """Return text in which commands, which stand between backticks, have no blank to fold a line at."""
    cut = figures.pieces(text)
    return "`".join(p.replace(" ", _JOINT) if at % 2 else p for at, p in enumerate(cut))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def write_text(plan: Plan, out: TextIO, *, color: bool, width: int | None) -> None:
    """Write the plan as text; `width` None folds lines only where `out` is a terminal."""
    if width is None and out.isatty():
        width = get_terminal_size().columns
    page = Page(out, color=color, width=width)
    _head(plan, page)
    _pools(plan, page)
    _outlook(plan, page)
    _compared(plan, page)
    if plan.adoption is not None:
        _adoption(plan.adoption, page)
    _clusters(plan, page)
    _held(plan, page)
    _decisions(plan, page)
    _people(plan, page)
    _others("Blocked", plan.blocked, plan, page)
    _others("Waiting", plan.waiting, plan, page)
    _conflicts(plan, page)
    _warnings(plan, page)


def _title(page: Page, title: str, *more: Piece) -> None:
    page.blank()
    page.line(0, (title, "bold"), *more)


def _head(plan: Plan, page: Page) -> None:
    summary = plan.summary
    scope = figures.title_of_scope(plan)
    page.line(
        0,
        (f"Plan {plan.id}" if plan.id else "Plan", "bold"),
        f"  sync {plan.sync}  as of {instant(plan.as_of)}" + (f"  {scope}" if scope else ""),
    )
    _figure(page, "people", f"{summary.people:,} ({summary.unchanged:,} unchanged)")
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in summary.changes.items())
    total = f"{sum(summary.changes.values()):,}"
    _figure(page, "changes", f"{total}: {kinds}" if kinds else "none")
    percent = figures.share(summary.removals, summary.people)
    losing = f"{people_counted(summary.removals)} ({percent}) would lose a license, package, number or account"
    _figure(
        page,
        "removals",
        losing if summary.removals else "none",
        "bold red" * bool(summary.removals),
    )
    _figure(
        page,
        "set aside",
        f"{summary.held:,} held, {summary.blocked:,} blocked, {summary.waiting:,} waiting",
    )
    _figure(page, "manual", f"{counted(summary.manual, 'step', 'steps')} for a person to do")
    _figure(page, "api calls", f"{summary.api_calls:,}")
    if cost := outlook.monthly(plan):
        _figure(page, "cost", cost)
    if decided := {s: n for s, n in figures.states_of(plan).items() if s not in _COUNTED}:
        _figure(page, "states", ", ".join(f"{n:,} {state}" for state, n in decided.items()))


_COUNTED = ("planned", "held", "manual")


def _figure(page: Page, name: str, text: str, style: str = "") -> None:
    page.line(2, (f"{name:<10} ", "dim"), (text, style))


def _pools(plan: Plan, page: Page) -> None:
    if not plan.summary.pools:
        return
    page.blank()
    rows = [figures.pool_cells(visible(name), use) for name, use in plan.summary.pools.items()]
    _table(page, figures.POOL_HEADER, rows, {0})


def _table(
    page: Page, header: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int]
) -> None:
    """Write a table; the columns `left` begin at the left, the others end at the right."""
    sizes = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = [
            padded(cell, size) if at in left else " " * (size - cell_len(cell)) + cell
            for at, (cell, size) in enumerate(zip(row, sizes, strict=True))
        ]
        style = "dim" if row is header else "bold red" if "many" in row[-1] else ""
        page.line(2, ("   ".join(cells), style))


def _compared(plan: Plan, page: Page) -> None:
    """Write what another mapping would give otherwise."""
    if plan.comparison is None:
        return
    _title(page, "Compared", f": {compared.in_words(plan.comparison)}")
    for table in compared.tables(plan.comparison):
        page.blank()
        page.line(2, (table.title, "bold"))
        header = [name.removesuffix(":") for name in table.header]
        left = {at for at, name in enumerate(table.header) if not name.endswith(":")}
        _table(page, header, table.rows, left)
        _more(page, table.more, "difference", "differences", plan)


def _outlook(plan: Plan, page: Page) -> None:
    """Write what the plan costs, and what the days to come will ask for."""
    kinds, departments = outlook.by_kind(plan), outlook.by_department(plan)
    if kinds:
        _title(page, "Cost", f": {outlook.monthly(plan)}")
        page.line(2, "; ".join(f"{each.name} {each.amount}" for each in kinds))
        page.line(2, "; ".join(f"{each.name} {each.amount}" for each in departments))
    if days := outlook.forecast(plan):
        _title(page, "Forecast", ": from the starts, ends and graces that are known")
        for each in outlook.told(days):
            short = (f"  {each.short}", "bold red") if each.short else ""
            page.line(2, f"{each.day}  {each.pool}", short, f"  ({each.words})")
        _more(page, len(days) - outlook.MOST_DAYS, "line", "lines", plan)


def padded(text: str, size: int) -> str:
    """Return text filled with blanks to `size` columns of a terminal; wide characters count as two."""
    return text + " " * (size - cell_len(text))


def _adoption(adoption: Adoption, page: Page) -> None:
    how = ", ".join(f"{count:,} by {how}" for how, count in adoption.matched.items())
    _title(page, "Adoption", ": until a full plan of this sync is approved, every plan of it waits")
    page.line(2, f"matched          {how or 'nobody'}")
    for match in adoption.examples[:10]:
        page.line(6, f"{match.user} = phone user {match.id} ({match.how}, key {match.key})")
    for one, many, names in (
        ("person without a phone user", "people without a phone user", adoption.people_unmatched),
        ("phone user of nobody", "phone users of nobody", adoption.phone_users_unmatched),
    ):
        page.line(2, counted(len(names), one, many), ": " if names else "", _first(names))


def _first(names: Sequence[str], most: int = 10) -> str:
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(visible(name) for name in names[:most]) + rest


def _clusters(plan: Plan, page: Page) -> None:
    if not plan.clusters:
        return
    _title(page, "Causes")
    for cluster, changes in figures.changes_by_cluster(plan)[:MOST_CLUSTERS]:
        kinds: dict[str, int] = {}
        for change in sorted(changes, key=lambda c: (RISKS.index(c.risk), c.kind)):
            kinds[change.kind] = kinds.get(change.kind, 0) + 1
        held = sum(change.state == "held" for change in changes)
        page.line(
            2,
            (f"{cluster.risk:<12}", STYLES[cluster.risk]),
            (cluster.title, "bold"),
            f": {people_counted(cluster.people)}  ",
            (f"[{cluster.id}]", "dim"),
            (f"  {held:,} held", "bold red") if held else "",
        )
        page.line(14, ", ".join(f"{kind} {count:,}" for kind, count in kinds.items()))
    _more(page, len(plan.clusters) - MOST_CLUSTERS, "cluster", "clusters", plan)


def _more(page: Page, rest: int, one: str, many: str, plan: Plan) -> None:
    if rest > 0:
        page.line(
            2, (f"… and {counted(rest, f'more {one}', f'more {many}')}; {_all(plan)}", "italic")
        )


def _all(plan: Plan) -> str:
    return f"`provisioner show {visible(plan.id) or 'PLAN'} --format html` (or csv) shows all"


def _held(plan: Plan, page: Page) -> None:
    reasons = figures.held_reasons(plan)
    if not reasons:
        return
    _title(
        page,
        "Held",
        f": {sum(count for _, count in reasons):,} of {counted(len(plan.changes), 'change', 'changes')}",
    )
    most = figures.MOST_REASONS
    for reason, count in reasons[:most]:
        page.line(2, (f"{count:,} held: ", "bold red"), reason or "no reason given")
    if len(reasons) > most:
        page.line(
            2, f"… and for {counted(len(reasons) - most, 'other reason', 'other reasons')}, below"
        )


def _decisions(plan: Plan, page: Page) -> None:
    reasons = figures.decided_reasons(plan)
    if not reasons:
        return
    _title(page, "Decisions")
    for reason, count in reasons[:MOST_OTHERS]:
        page.line(2, f"{counted(count, 'change', 'changes')} {reason}")
    _more(page, len(reasons) - MOST_OTHERS, "decision", "decisions", plan)


def _people(plan: Plan, page: Page) -> None:
    people = figures.people_of(plan.changes)
    if not people:
        return
    shown, rest = _most_dangerous(people)
    said_above, standings = figures.shared_reasons(plan), figures.standings(plan)
    titles = {cluster.id: cluster.title for cluster in plan.clusters}
    users = figures.users_by_seq(plan)
    namesakes = Counter(person.user for person in people)
    more = (
        f": the {len(shown):,} with the most dangerous changes, of {len(people):,}" if rest else ""
    )
    _title(page, "People", more)
    for person in shown:
        standing = f"  {person.standing}" if person.standing else ""
        key = f"  key {person.key}" if namesakes[person.user] > 1 else ""
        page.line(2, (person.user, "bold"), standing, (key, "dim"))
        size = min(40, max(cell_len(text) for c in person.changes for text in _moved(c)))
        for change in person.changes:
            _change(change, standings.get(change.seq, ""), size, page)
            for note in _notes(change, plan, titles, users, said_above):
                page.line(10, *note)
    if rest:
        hidden = sum(len(person.changes) for person in people) - sum(len(p.changes) for p in shown)
        page.line(
            2,
            (
                f"… and {counted(rest, 'more person', 'more people')}"
                f" with {counted(hidden, 'change', 'changes')};"
                f" {_all(plan)}",
                "italic",
            ),
        )


def _most_dangerous(people: list[OnePerson]) -> tuple[list[OnePerson], int]:
    """Return the people to show, in their order, and how many are left out."""
    worst = sorted(range(len(people)), key=lambda at: RISKS.index(people[at].risk))
    shown = sorted(worst[:MOST_PEOPLE])
    return [people[at] for at in shown], len(people) - len(shown)


def _moved(change: Change) -> list[str]:
    return [
        f"{move.name + ' ' if move.name else ''}{move.before} -> {move.after}"
        for move in figures.moves(change)
    ]


def _change(change: Change, standing: str, size: int, page: Page) -> None:
    first, *rest = _moved(change) or ["none -> none"]
    rule = f"  ({change.rule})" if change.rule else ""
    state = standing or ("" if change.state == "planned" else change.state)
    page.line(
        4,
        (f"{change.seq:>4}  ", "dim"),
        (f"{visible(change.kind):<{_KIND_WIDTH}} ", STYLES[change.risk]),
        padded(first, size) if rule or state or change.risk == "destructive" else first,
        rule,
        ("  destructive" if change.risk == "destructive" else "", STYLES[change.risk]),
        (f"  {state}" if state else "", "bold red" if change.state == "held" else "bold"),
    )
    for text in rest:
        page.line(10 + _KIND_WIDTH + 1, text)


def _notes(
    change: Change,
    plan: Plan,
    titles: dict[str, str],
    users: dict[int, str],
    said_above: set[str],
) -> Iterator[tuple[Piece, ...]]:
    """Yield what stands below a change: why it is there, what else it takes, why it is set aside."""
    if change.because and change.because != titles.get(change.cluster):
        yield ((f"because {change.because}", "dim"),)
    for consequence in change.consequences:
        yield (("also ", "magenta"), consequence)
    if needs := figures.needs_of(change, users):
        yield ((needs, "dim"),)
    reason = figures.reason_of(change, plan)
    if reason and reason not in said_above:
        yield ((f"{change.state}: ", "bold"), reason)


def _others(title: str, changes: Sequence[Change], plan: Plan, page: Page) -> None:
    if not changes:
        return
    _title(page, title, f": {counted(len(changes), 'change', 'changes')}")
    by_reason: dict[str, list[Change]] = {}
    for change in changes[:MOST_OTHERS]:
        by_reason.setdefault(figures.reason_of(change, plan), []).append(change)
    for reason, theirs in by_reason.items():
        page.line(2, reason or "no reason given")
        for change in theirs:
            rule = f"  ({change.rule})" if change.rule else ""
            moved = "; ".join(_moved(change))
            page.line(6, (change.user, "bold"), f"  {change.kind}  ", moved, rule)
    _more(page, len(changes) - MOST_OTHERS, "change", "changes", plan)


def _conflicts(plan: Plan, page: Page) -> None:
    if not plan.conflicts:
        return
    _title(page, "Conflicts", f": {figures.title_of_conflicts(plan)}")
    for conflict in plan.conflicts[:MOST_OTHERS]:
        page.line(2, (_first(conflict.users or conflict.keys), "bold"), f": {conflict.reason}")
        if conflict.where:
            page.line(6, _first(conflict.where))
    _more(page, len(plan.conflicts) - MOST_OTHERS, "conflict", "conflicts", plan)


def _warnings(plan: Plan, page: Page) -> None:
    if not plan.warnings:
        return
    _title(page, "Warnings")
    for warning in plan.warnings[:MOST_OTHERS]:
        page.line(2, figures.with_plan(warning, plan))
    _more(page, len(plan.warnings) - MOST_OTHERS, "warning", "warnings", plan)
