"""Everything that is wrong with a filter or a path at once, for whoever wrote it and has to mend it.

The reader of scim_filter_parse.py stops at the first slip, as a service that refuses a client may. This
one notes it and reads on: past a name, an operator or a value that isn't one, and past a test that
can't be made out to the next `and`, `or` or closing bracket. What it would only guess it doesn't say, so
the first problem is always the one that the other reader raises, and every further one is a slip of
its own.
"""

from __future__ import annotations

import re

from connectors.scim_filter_compare import OPERATORS, Literal
from connectors.scim_filter_parse import AN_OPERATOR, SIGN, WORD, FilterError, Parser
from connectors.scim_filter_tree import Node, Path, Present
from connectors.scim_schema import Attribute, Schema

MAX_PROBLEMS = 100
"""So many are told of one text; looking for the nearest name of each takes its time."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*+("?)', re.DOTALL)
_JOINING_SIGNS = re.compile(r"[&|,;+]+")
_CLOSES = {"(": ")", "[": "]"}


def filter_problems(text: str, schema: Schema) -> list[FilterError]:
    """Return everything that is wrong with a filter, from the left; nothing if it can be read.

    >>> from connectors.scim_schema import USER
    >>> [e.position for e in filter_problems('titel eqq "x" and location eq Brno', USER)]
    [0, 6, 30]
    """
    return _problems(text, schema, whole=True)


def path_problems(text: str, schema: Schema) -> list[FilterError]:
    """Return everything that is wrong with an attribute path, from the left."""
    return _problems(text, schema, whole=False)


def _problems(text: str, schema: Schema, *, whole: bool) -> list[FilterError]:
    found: list[FilterError] = []
    try:
        reader = _Reader(text, schema, found)
        if whole:
            reader.either()
            reader.end_of_filter()
        else:
            reader.path()
            reader.end("the end of the path")
    except FilterError as error:
        _note(found, error)
    except _Enough:
        pass
    return found


def _note(found: list[FilterError], error: FilterError) -> None:
    if not found or found[-1].position < error.position:  # at one place there is one slip
        found.append(error)


class _Enough(Exception):
    """Nothing more can be told, or need be."""


_UNREAD = Present(Path(None, "id", definition=Attribute("id")))
"""Stands for what was read, or couldn't be: nobody asks this tree anything."""


class _Reader(Parser):
    """A parser that adds to `found` what is wrong, and reads on."""

    def __init__(self, text: str, schema: Schema, found: list[FilterError]) -> None:
        super().__init__(text, schema)
        self.found = found
        self.closers: list[str] = []
        self.forgiven = -1

    def note(self, error: FilterError) -> None:
        _note(self.found, error)
        if len(self.found) == MAX_PROBLEMS:
            raise _Enough

    def single(self) -> Node:
        self.one()
        self.until_joined()
        return _UNREAD

    def one(self) -> None:
        """Read one group or test; where it can't be made out, go to what follows it."""
        start = self.at
        try:
            super().single()
        except FilterError as error:
            self.note(error)
            if self.depth > len(self.closers):
                raise _Enough from None  # too deep
            if error.position > self.at == start and self.word().lower() == "not":
                self.at = error.position
                self.one()
            else:
                self.to_what_follows()

    def until_joined(self) -> None:
        """Go to `and`, `or`, what closes the brackets around, or the end; what else stands there is noted."""
        while not self.ended():
            self.blanks()
            before = self.at
            try:
                self.refuse_rest(self.closers[-1] if self.closers else "")
            except FilterError as error:
                self.note(error)
            if self.text[self.at] in ")]":
                if self.closers:  # the other kind of bracket is meant to be the right one
                    self.forgiven = self.at
                    return
                self.at += 1
            elif signs := _JOINING_SIGNS.match(self.text, self.at):
                self.at = signs.end()
                self.blanks()
                self.one()
            elif self.begins_test():
                self.one()
            elif self.word() and self.begins_test(self.blanks_after(self.at + len(self.word()))):
                self.at = self.blanks_after(self.at + len(self.word()))  # `adn`
                self.one()
            else:
                self.to_what_follows()
            if self.at == before:
                self.at += 1

    def test(self) -> Node:
        start = self.at
        path: Path | None = None
        try:
            path = self.path(tested=True)
        except FilterError as error:
            self.note(error)
            self.at = start
            if self.joins(start) or not self.past_path(start):
                self.to_what_follows()
                return _UNREAD
        if self.text[self.at - 1] == "]" or (path and path.part and not path.sub):
            return _UNREAD
        self.rest_of(path, start)
        return _UNREAD

    def rest_of(self, path: Path | None, start: int) -> None:
        """Read a test's operator and value; `path` None: it couldn't be read."""
        op: str | None = None
        try:
            self.blank(AN_OPERATOR)
            at, op = self.at, self.operator()
        except FilterError as error:
            self.note(error)
            if not self.past_operator():
                self.to_what_follows()
                return
        if op == "pr":
            return
        try:
            self.blank("a value")
            literal_at, literal = self.at, self.literal()
        except FilterError as error:
            if op is not None:
                self.note(error)
            self.past_value()
            return
        if path is not None and op is not None:
            self.checked(path, op, literal, (start, at, literal_at))

    def checked(self, path: Path, op: str, literal: Literal, where: tuple[int, int, int]) -> None:
        try:
            self.compare(path, op, literal, where)
        except FilterError as error:
            self.note(error)

    def opening(self, bracket: str) -> None:
        super().opening(bracket)
        self.closers.append(_CLOSES[bracket])

    def closing(self, bracket: str) -> None:
        self.blanks()
        self.closers.pop()
        if self.at == self.forgiven:
            self.at += 1
            self.depth -= 1
        else:
            super().closing(bracket)

    def joined_by(self, joiner: str) -> bool:
        before = self.at
        try:
            return super().joined_by(joiner)
        except FilterError as error:
            self.note(error)
            if self.at == before:  # the blank before it is missing
                self.at += len(joiner)
                self.blanks()
            return self.at < len(self.text)

    def ended(self) -> bool:
        """Tell whether a test ends here, as it may: nothing, a joiner or the right bracket follows."""
        at = self.blanks_after(self.at)
        if at == len(self.text):
            return True
        if WORD.match(self.text, at):
            return self.joins(at)
        return bool(self.closers) and self.text[at] == self.closers[-1]

    def joins(self, at: int) -> bool:
        """Tell whether `and` or `or` stands there."""
        word = WORD.match(self.text, at)
        return word is not None and word[0].lower() in ("and", "or")

    def begins_test(self, at: int | None = None) -> bool:
        """Tell whether what stands at `at` is meant as a test: a group, or a name and how it is compared."""
        at = self.at if at is None else at
        word = WORD.match(self.text, at)
        if word is None:
            return self.text.startswith("(", at)
        after = WORD.match(self.text, self.blanks_after(word.end()))
        return (
            word[0].lower() == "not"
            or self.text.startswith("[", word.end())
            or (after is not None and after[0].lower() in (*OPERATORS, "pr"))
            or self.schema.find(word[0]) is not None
        )

    def past_path(self, start: int) -> bool:
        """Go past a name with its brackets and what is behind them; tell whether there is one."""
        self.at = start + len(self.name())
        if self.at == start:
            return False
        if self.text.startswith("[", self.at):
            depth = 0
            while self.at < len(self.text):
                depth += (self.text[self.at] == "[") - (self.text[self.at] == "]")
                self.past_one()
                if not depth:
                    break
            self.at += len(self.word())
        return True

    def past_operator(self) -> bool:
        """Go past what stands where an operator should; tell whether a value can follow."""
        if self.ended():
            return False
        self.blanks()
        if self.text.startswith('"', self.at):
            return True
        signs = SIGN.match(self.text, self.at) or WORD.match(self.text, self.at)
        if signs is None:
            return False
        self.at = signs.end()
        return True

    def past_value(self) -> None:
        """Go past what stands where a value should."""
        if self.text.startswith('"', self.at):
            self.past_one()
        self.to_what_follows()

    def to_what_follows(self) -> None:
        """Go to the next `and` or `or` outside brackets, or what closes the brackets around, or the end."""
        depth = 0
        while self.at < len(self.text):
            if not depth and self.ended():
                return
            depth = max(0, depth + (self.text[self.at] in "([") - (self.text[self.at] in ")]"))
            self.past_one()

    def past_one(self) -> None:
        """Go past one text in quotes, word or other character; an open quotation mark ends it all."""
        if text := _STRING.match(self.text, self.at):
            if not text[1]:
                raise _Enough
            self.at = text.end()
        else:
            self.at += len(self.word()) or 1
