"""An explanation as text, as sections of a page and as JSON: views of one value, none of which adds to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from shutil import get_terminal_size
from typing import Any, NamedTuple, Protocol, TextIO

import msgspec

from connectors.records import ENTERPRISE, Value
from provisioner.plan.document import instant
from provisioner.plan.explain import way
from provisioner.plan.explanation import (
    Candidate,
    Due,
    Entitled,
    Explanation,
    Happened,
    Reason,
    Seen,
    WhyNot,
    Without,
)
from provisioner.report.document import dumped
from provisioner.report.figures import counted, said
from provisioner.report.text import Page, Piece

FORMATS = ("text", "json")
"""What `provisioner explain --format` takes, the default first."""

_STANDINGS = {
    "in_scope": "in scope",
    "out_of_scope": "out of scope: nothing is given; below is what they would have in scope",
    "inactive": "inactive in the directory, so out of scope; below is what they would have in scope",
    "early": "not here yet: nothing is given before they start; below is what they will have",
    "ended": "their last day is over: nothing is given; below is what they had",
    "on_leave": "on leave: nothing new is given; below is what they would have",
    "unclear": "left alone, because a date can't be read; below is what they would have",
    "gone": "no longer in any directory; below is what their last known attributes gave",
    "place": "a room or common area that a rule of the mapping names",
    "unmanaged": "a phone user of nobody in the directories",
}
_BEATEN = {
    "gave": "{} comes first",
    "took": "{} takes it before",
    "exclusive": "{} comes first, and is exclusive",
}
_WIDTH = 20
_LONG = f"{ENTERPRISE}:"
_AT = 4 + _WIDTH + 1  # where what belongs to an entitlement is indented to


def write_explanation(
    about: Explanation, form: str, out: TextIO, *, color: bool = False, width: int | None = None
) -> None:
    """Write the explanation in one of FORMATS; lines are folded at `width`, or only for a terminal."""
    if form == "json":
        out.write(dumped(document(about)) + "\n")
        return
    if width is None and out.isatty():
        width = get_terminal_size().columns
    _Writer(about, Page(out, color=color, width=width)).write()


class Line(NamedTuple):
    """A line of a section: text with what of it stands out ("bold", or ""); `depth` how far it is indented."""

    depth: int
    pieces: list[tuple[str, str]]


class Section(NamedTuple):
    """A part of an explanation; the first has the person for a title."""

    title: str
    lines: list[Line]


def sections(about: Explanation) -> list[Section]:
    """Return what the text says, for whoever shows it otherwise."""
    kept = _Kept()
    _Writer(about, kept).write()
    return kept.sections


class _Lines(Protocol):
    """Takes lines as text.Page does."""

    def line(self, indent: int, *pieces: Piece) -> None: ...

    def blank(self) -> None: ...


class _Kept:
    """Keeps lines by section: an empty line ends one, the line after it is the title of the next."""

    def __init__(self) -> None:
        self.sections: list[Section] = []
        self._begins = True

    def blank(self) -> None:
        self._begins = True

    def line(self, indent: int, *pieces: Piece) -> None:
        styled = [(piece, "") if isinstance(piece, str) else piece for piece in pieces]
        if self._begins:
            (title, _), *styled = styled
            self.sections.append(Section(title, []))
            self._begins = False
            if not any(text for text, _ in styled):
                return
        first = styled[0][0]
        inner = (len(first) - len(first.lstrip())) // 2
        depth = {0: 0, 2: 0}.get(indent, 1) + inner
        self.sections[-1].lines.append(Line(depth, styled))


def document(about: Explanation) -> dict[str, Any]:
    """Return the explanation as JSON has it."""
    built: dict[str, Any] = msgspec.to_builtins(about, builtin_types=(datetime,))
    shown: dict[str, Any] = _instants(built)
    return shown


def _instants(value: Any) -> Any:
    if isinstance(value, datetime):
        return instant(value)
    if isinstance(value, dict):
        return {name: _instants(each) for name, each in value.items()}
    return [_instants(each) for each in value] if isinstance(value, list | tuple) else value


class _Writer:
    def __init__(self, about: Explanation, page: _Lines) -> None:
        self._about, self._page = about, page

    def write(self) -> None:
        """Write all of it."""
        self._head()
        if self._about.why_not is not None:
            self._why_not(self._about.why_not)
        self._state()
        self._reasons()
        self._entitlements()
        self._account()
        self._attributes()
        self._groups()
        self._without()

    def _title(self, title: str, more: str = "") -> None:
        self._page.blank()
        self._page.line(0, (title, "bold"), more)

    def _head(self) -> None:
        about, page = self._about, self._page
        id = f"  phone user {about.id}" if about.id else ""
        page.line(0, (about.user, "bold"), f"  key {about.key}{id}  sync {about.sync}")
        page.line(2, _STANDINGS.get(about.standing, about.standing))
        if about.scope is not None:
            for line in lines_of(about.scope):
                page.line(4, line)
        for read in about.reads:
            when = "never read" if read.as_of is None else self._age(read.as_of)
            how = "read now" if read.afresh else f"as read {when}"
            page.line(
                2, f"{read.directory}: {how}" + ("" if read.has_them else "; doesn't have them")
            )
        if about.phone:
            page.line(2, f"phone system: {about.phone}")
        for note in about.notes:
            page.line(2, note)

    def _age(self, at: datetime) -> str:
        return f"{instant(at)} ({age((self._about.at - at).total_seconds())} ago)"

    def _state(self) -> None:
        state, page = self._about.state, self._page
        lines = [each for each in (state.leaver, state.parked, state.sync_parked) if each]
        if state.protected:
            lines.append("protected: no plan takes anything from them")
        if state.pending:
            lines.append("pending: they have not accepted the invitation yet")
        if state.warming:
            lines.append(f"nothing is taken from them while {', '.join(state.warming)} is warming")
        lines += [f"left alone: {conflict.reason}" for conflict in state.conflicts]
        if lines:
            self._title("What holds things back")
            for line in lines:
                page.line(2, line)

    def _reasons(self) -> None:
        """Write why each rule that gives something matches, once for all that it gives."""
        reasons = {e.rule: e.because for e in self._about.entitlements if e.because is not None}
        if not reasons:
            return
        self._title("Rules that match and give something")
        for rule, because in reasons.items():
            self._page.line(2, (str(rule), "bold"))
            for line in lines_of(because) if because is not None else ():
                self._page.line(4, line)

    def _entitlements(self) -> None:
        if not self._about.entitlements:
            return
        self._title("Entitlements")
        for entitled in self._about.entitlements:
            self._one(entitled)

    def _one(self, entitled: Entitled) -> None:
        page = self._page
        name = f"{entitled.entitlement:<{_WIDTH}} "
        page.line(2, (name, "bold"), *_value(entitled))
        if entitled.takes:
            page.line(_AT, f"taken from {short('; '.join(entitled.takes))}")
        for lost in entitled.lost:
            what = "taking it" if lost.taken else said(lost.value)
            how = _BEATEN[lost.beaten].format(lost.winner)
            page.line(_AT, f"lost: {what}, rule {lost.rule}, {lost.where}: {how}")
        if entitled.now is not None:
            held = entitled.now.value
            value = ", ".join(held) or "none" if isinstance(held, tuple) else said(held)
            page.line(_AT, f"now: {value} ({entitled.now.known})")
        if entitled.needless is not None:
            page.line(_AT, f"nothing to assign: {entitled.needless}")
        if entitled.pool is not None:
            page.line(_AT, entitled.pool)
        last = entitled.last
        for due in entitled.due:
            past = last is not None and (due.plan, due.seq) == (last.plan, last.seq)
            if not past and (due.state not in ("blocked", "waiting") or entitled.pool is None):
                page.line(_AT, _due(due))
        if entitled.last is not None:
            page.line(_AT, f"last: {_happened(entitled.last)}")

    def _account(self) -> None:
        about = self._about
        if about.account:
            self._title("Due beside that")
            for due in about.account:
                self._page.line(2, _due(due))
        if about.last is not None and all(e.last != about.last for e in about.entitlements):
            self._title("What happened last")
            self._page.line(2, _happened(about.last))

    def _attributes(self) -> None:
        if not self._about.attributes:
            return
        self._title("Attributes that the mapping reads")
        for used in self._about.attributes:
            source = f" ({used.directory})" if used.directory else ""
            others = "".join(
                f"; {other.directory} says {', '.join(other.values) or 'nothing'}"
                for other in used.others
            )
            self._page.line(
                2, f"{short(used.attribute)}: {', '.join(used.values) or 'none'}{source}{others}"
            )

    def _groups(self) -> None:
        if not self._about.groups:
            return
        self._title("Groups")
        for group in self._about.groups:
            ways = "; ".join(way(step) for step in group.paths)
            unused = "" if group.used else "  (no rule asks for it)"
            self._page.line(2, (group.group, "bold" * group.used), f"  {ways}{unused}")

    def _without(self) -> None:
        listed = self._about.without
        if not listed:
            return
        self._title("If they weren't in a group")
        idle = [each.group for each in listed if not each.moved and _unmoved(each, self._about)]
        for each in listed:
            if each.group not in idle:
                self._page.line(
                    2, ("without " + each.group, "bold"), ": ", _moves(each, self._about)
                )
        if idle:
            self._page.line(2, ("without " + ", ".join(idle), "bold"), ": nothing changes")

    def _why_not(self, asked: WhyNot) -> None:
        page = self._page
        self._title(f"Why not {asked.entitlement}={asked.value}")
        if asked.given:
            page.line(2, "the mapping gives it to them:")
        if not asked.rules:
            near = f"; nearest: {', '.join(asked.nearest)}" if asked.nearest else ""
            page.line(2, f"no rule gives {asked.entitlement} {asked.value}{near}")
        for candidate in asked.rules:
            self._candidate(candidate)

    def _candidate(self, each: Candidate) -> None:
        page = self._page
        persona = f", persona {each.persona}" if each.persona else ""
        page.line(2, (each.rule, "bold"), f"  {each.where}{persona}: {_outcome(each)}")
        if each.outcome in ("condition", "scope") and each.because is not None:
            for line in lines_of(each.because):
                page.line(4, line)


def lines_of(reason: Reason, depth: int = 0) -> Iterator[str]:
    """Yield a reason in words, a condition a line; what decides together is indented below its heading."""
    indent = "  " * depth
    if isinstance(reason, Seen):
        yield indent + seen_in_words(reason)
        return
    if reason.how == "any" and not reason.met:
        yield f"{indent}none of these holds; one would do:"
        depth += 1
    for part in reason.parts:
        yield from lines_of(part, depth)


def seen_in_words(seen: Seen) -> str:
    """Return one condition in words: what it asks, what it found, and who told that.

    >>> seen_in_words(Seen(condition='title eq "CEO"', met=False, values=("CFO",), nearest="CFO"))
    'title eq "CEO" fails: they have CFO; the nearest is CFO'
    """
    source = f" ({'; '.join(seen.from_)})" if seen.from_ else ""
    what = (
        "their groups are"
        if seen.condition.removeprefix("not (").startswith("groups")
        else "they have"
    )
    if seen.met:
        named = seen.values if what == "they have" else ()
        found = f": {', '.join(named)}" if named else ""
        return f"{short(seen.condition)} holds{found}{source}"
    values = ", ".join(seen.values) or "none"
    near = f"; the nearest is {seen.nearest}" if seen.nearest else ""
    return f"{short(seen.condition)} fails: {what} {values}{near}{source}"


def _value(entitled: Entitled) -> Sequence[Piece]:
    if entitled.rule is None:
        return ("nothing gives it: what they have of it is taken away",)
    persona = f", persona {entitled.persona}" if entitled.persona else ""
    place = f"  (rule {entitled.rule}{persona}, {entitled.where})"
    if entitled.taken:
        return ("none: taken away", place)
    if entitled.missing is not None:
        return (f"what they hold stays: no {entitled.missing}", place)
    return ((said(entitled.value), "bold"), place)


def _due(due: Due) -> str:
    reason = f": {due.reason}" if due.reason else f": {due.because}" if due.because else ""
    number = f" {due.seq}" if due.seq else ""
    return f"plan {due.plan}{number}: {due.kind} {_from_to(due.before, due.after)}, {due.state}{reason}"


def _happened(last: Happened) -> str:
    run = f", run {last.run}" if last.run else ""
    reason = f": {last.reason}" if last.reason else ""
    return (
        f"{last.kind} {_from_to(last.before, last.after)} {last.state} {instant(last.at)}"
        f" (plan {last.plan}{run}, approved by {last.approved_by}; {last.because}){reason}"
    )


def _from_to(before: Value, after: Value) -> str:
    return f"{said(before)} -> {said(after)}"


def _unmoved(each: Without, about: Explanation) -> bool:
    return each.in_scope == (about.standing not in ("out_of_scope", "inactive"))


def _moves(each: Without, about: Explanation) -> str:
    if not each.in_scope:
        then = "given nothing" if about.id is None else "a leaver"
        return f"out of scope: they would be {then}"
    return "; ".join(
        f"{m.entitlement} {said(m.after)} instead of {said(m.before)}"
        + (f" (rule {m.rule}, {m.where})" if m.rule else " (no rule gives it)")
        for m in each.moved
    )


def _outcome(each: Candidate) -> str:
    if each.outcome == "lost":
        how = _BEATEN[each.beaten or "gave"].format(f"{each.winner}, {each.winner_where},")
        return f"it matches, but {how}"
    return {
        "condition": "it doesn't match",
        "missing": f"it matches, but they have no {each.missing}, which its text takes",
        "scope": "it matches, but they are out of scope",
        "pool": "it matches, and gives a number of its pool, of which this is one",
        "given": "it matches, and gives it",
    }[each.outcome]


def short(text: str) -> str:
    """Return text with the attributes of the enterprise extension under their bare names.

    >>> short(f"{ENTERPRISE}:department pr")
    'department pr'
    """
    return text.replace(_LONG, "")


def age(seconds: float) -> str:
    """Return a length of time in words, in its largest unit.

    >>> age(59), age(7200), age(90 * 86400)
    ('59 seconds', '2 hours', '90 days')
    """
    for size, one in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            return counted(int(seconds // size), one, f"{one}s")
    return counted(max(0, int(seconds)), "second", "seconds")
