"""From libyaml's events to values that know where they stand.

What is read is the part of YAML 1.2 that means what it seems to mean: only `true` and `false` are
booleans, only plain decimal figures are numbers, and everything else is text, so that `NO` stays a
country, `1:30` a time, `0123` an extension and `+4989…` a number to dial. The values are built
here, one open list or mapping on another, because PyYAML's own constructor keeps the last of two
equal keys in silence and recurses without a bound.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NoReturn, TypeAlias

import yaml

from connectors.errors import InputError, Problem

MAX_DEPTH = 40
"""Lists and mappings inside each other; nothing of ours goes deeper than ten."""
MAX_ALIASED = 100_000
"""Values that aliases may stand for, all together: more is a "billion laughs", not a config."""

Step: TypeAlias = str | int
"""One step of a path into the data: a mapping's key or a list's index."""

_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")
_FRACTION = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}")
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_YAML = "tag:yaml.org,2002:"


def place(problem: Problem) -> tuple[int, ...]:
    """Return a problem's line and column, to sort by: the order in which a reader mends them."""
    return tuple(int(n) for n in re.findall(r":(\d+)", problem.where)[-2:])


def in_order(problems: Iterable[Problem], *first: str) -> list[Problem]:
    """Return problems as a reader mends them, each once: by file, those named `first` first, and by line."""

    def order(problem: Problem) -> tuple[int, str, tuple[int, ...]]:
        file = re.sub(r"(?::\d+){1,2}$", "", problem.where)
        return first.index(file) if file in first else len(first), file, place(problem)

    return sorted(dict.fromkeys(problems), key=order)


@dataclass(slots=True)
class Node:
    """A value with its place (1-based), the nodes below it, and the places of its keys.

    `size` and `height` count what a walk through it meets, aliases followed.
    """

    line: int
    column: int
    data: Any = None
    below: dict[Step, Node] = field(default_factory=dict)
    keys: dict[Step, tuple[int, int]] = field(default_factory=dict)
    size: int = 1
    height: int = 0


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end hasn't come yet.

    In a mapping `key` is the one whose value comes next, None where that key was refused; `merging`
    says that the value is what `<<` merges. What was merged is filled in at the end, where the
    mapping's own keys are all known: they win, then the earlier source.
    """

    node: Node
    anchor: str | None
    key: str | None = None
    expects_value: bool = False
    merging: bool = False
    merged: list[Node] = field(default_factory=list)


class Builder:
    """Builds nodes from libyaml's events, one open list or mapping on another, without recursion.

    `longer`: by how many characters lines (from 0) are longer than they stand in the file.
    """

    def __init__(self, file: str, longer: Mapping[int, int] = MappingProxyType({})) -> None:
        self.file, self._longer = file, longer
        self.root: Node | None = None
        self.problems: list[Problem] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, Node | None] = {}
        self._aliased = 0

    def take(self, event: Any) -> None:
        """Take the next event of the stream (a `yaml.Event`).

        What can be passed over is noted in `problems`; what makes the rest meaningless raises
        InputError with them all.
        """
        if isinstance(event, yaml.ScalarEvent):
            node = self._node(event, _scalar(event))
            self._check_tag(event, "str")
            self._remember(event.anchor, node)
            self._add(node, plain=not event.style)
        elif isinstance(event, yaml.AliasEvent):
            self._add(self._alias(event), plain=False)
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            self._begin(event)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._end()
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            self._give_up(event, "a second document begins here: one file holds one document")

    def _node(self, event: Any, data: Any) -> Node:
        return Node(*self._place(event), data)

    def _place(self, event: Any) -> tuple[int, int]:
        line: int = event.start_mark.line
        return line + 1, event.start_mark.column + 1 - self._longer.get(line, 0)

    def _problem(self, line: int, column: int, text: str) -> None:
        self.problems.append(Problem(f"{self.file}:{line}:{column}", text))

    def _give_up(self, event: Any, text: str) -> NoReturn:
        self._problem(*self._place(event), text)
        raise InputError(sorted(self.problems, key=place))

    def _begin(self, event: Any) -> None:
        mapping = isinstance(event, yaml.MappingStartEvent)
        if len(self._open) >= MAX_DEPTH:
            self._give_up(event, f"goes deeper than {MAX_DEPTH} levels")
        self._check_tag(event, "map" if mapping else "seq")
        if event.anchor is not None:
            self._anchors[event.anchor] = None  # an alias inside itself finds it unfinished
        self._open.append(_Open(self._node(event, {} if mapping else []), event.anchor))

    def _end(self) -> None:
        done = self._open.pop()
        for source in done.merged:
            for key, value in source.below.items():
                if key not in done.node.below:
                    _put(done.node, key, value)
                    done.node.keys[key] = source.keys[key]
        self._remember(done.anchor, done.node)
        self._add(done.node, plain=False)

    def _alias(self, event: Any) -> Node:
        target = self._anchors.get(event.anchor)
        if target is None:
            known = event.anchor in self._anchors
            says = "stands inside itself" if known else "has no anchor before it"
            self._give_up(event, f"the alias *{event.anchor} {says}")
        self._aliased += target.size
        if self._aliased > MAX_ALIASED or len(self._open) + target.height > MAX_DEPTH:
            self._give_up(
                event, f"aliases multiply: they stand for more than {MAX_ALIASED:,} values"
            )
        node = self._node(event, target.data)
        node.below, node.keys = target.below, target.keys
        node.size, node.height = target.size, target.height
        return node

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _check_tag(self, event: Any, usual: str) -> None:
        if event.tag not in (None, "!", _YAML + usual):
            self._problem(
                *self._place(event),
                f"the tag {event.tag.replace(_YAML, '!!')} isn't known here: leave it out",
            )

    def _add(self, node: Node, *, plain: bool) -> None:
        """Put a finished value where it belongs: text `<<` as a key merges if it stands `plain`."""
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if isinstance(parent.node.data, list):
            _put(parent.node, len(parent.node.data), node)
        elif not parent.expects_value:
            parent.merging = plain and node.data == "<<"
            parent.key = None if parent.merging else self._key(parent.node, node)
            parent.expects_value = True
        else:
            parent.expects_value = False
            if parent.merging:
                parent.merged.extend(self._merged(node))
            elif parent.key is not None:
                _put(parent.node, parent.key, node)

    def _merged(self, node: Node) -> Iterator[Node]:
        sources = list(node.below.values()) if isinstance(node.data, list) else [node]
        for source in sources:
            if isinstance(source.data, dict):
                yield source
            else:
                self._problem(source.line, source.column, "`<<` merges mappings only")

    def _key(self, parent: Node, node: Node) -> str | None:
        """Return the key that `node` is, or None after reporting why it can't be one."""
        data = node.data
        if isinstance(data, int) and not isinstance(data, bool):
            data = str(data)
        if not isinstance(data, str):
            written = "a list or mapping" if isinstance(data, (list, dict)) else _written(data)
            self._problem(node.line, node.column, f"a key must be text, not {written}: quote it")
            return None
        if data in parent.keys:
            first = parent.keys[data][0]
            self._problem(
                node.line, node.column, f"{data!r} stands here twice, first in line {first}"
            )
            return None
        parent.keys[data] = (node.line, node.column)
        return data


def _scalar(event: Any) -> str | int | float | bool | None:
    """Return what a scalar means: text, unless it stands plain and says otherwise."""
    text: str = event.value
    if event.style or event.tag is not None:  # quoted, or said to be text
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text):
        return int(text)
    return float(text) if _FRACTION.fullmatch(text) else text


def _written(data: float | bool | None) -> str:
    return "null" if data is None else str(data).lower()


def _put(parent: Node, key: Step, node: Node) -> None:
    if isinstance(parent.data, list):
        parent.data.append(node.data)
    else:
        parent.data[key] = node.data
    parent.below[key] = node
    parent.size += node.size
    parent.height = max(parent.height, node.height + 1)
