"""The part of OData's query language that Graph's lists are asked in: $filter, $select, $search.

    keep = parse_filter("accountEnabled eq true and startswith(displayName,'Ev')", PROPERTIES)
    keep.test({"accountEnabled": True, "displayName": "Eva"})

Text is compared without case. `any` looks into a collection: assignedLicenses/any(l:l/skuId eq …).
What needs the directory's index for advanced queries (ne, not, endswith, null) says so in `advanced`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from .errors import malformed, no_property

Test = Callable[[dict[str, Any]], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<word>[A-Za-z0-9_@.$+:-]+(?:/[A-Za-z0-9_@.$]+)*)|(?P<sign>[(),:]))"
)
FUNCTIONS = ("startswith", "endswith", "contains")
LONGEST = 10_000
DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was understood; `ids` are the objects it names where it only does that."""

    test: Test
    advanced: bool
    ids: frozenset[str] | None


def select(text: str | None, known: frozenset[str], kind: str) -> list[str] | None:
    """Return the properties that $select names, None where it isn't given; raise 400 for unknown ones."""
    if text is None:
        return None
    folded = {name.lower(): name for name in known}
    names = []
    for part in text.split(","):
        name = folded.get(part.strip().lower())
        if name is None:
            raise no_property(part.strip(), kind)
        names.append(name)
    return list(dict.fromkeys(names))


def parse_filter(text: str, known: frozenset[str], kind: str) -> Filter:
    """Return what a $filter asks; raise 400 BadRequest for one that can't be read."""
    if len(text) > LONGEST:
        _invalid(text[:50])
    parser = _Parser(text, known, kind)
    test = parser.whole()
    ids = frozenset(parser.ids) if parser.only_ids and parser.ids else None
    return Filter(test, parser.advanced, ids)


def search(text: str) -> Test:
    """Return the test of a $search: "displayName:eva", and several with AND or OR between them.

    A word matches where a word of the property begins with it.
    """
    parts = re.findall(r'"([A-Za-z]+):([^"]+)"|\s(AND|OR)\s', text)
    if not parts or re.sub(r'"[A-Za-z]+:[^"]+"|\s+(?:AND|OR)\s+', "", text).strip():
        raise malformed(f"Syntax error: character '\"' is not valid at position 0 in '{text}'.")
    wanted = [(name, value.casefold()) for name, value, joint in parts if not joint]
    every = "OR" not in [joint for _, _, joint in parts]

    def test(each: dict[str, Any]) -> bool:
        found = (_has_word(each.get(name), value) for name, value in wanted)
        return all(found) if every else any(found)

    return test


def _has_word(value: Any, wanted: str) -> bool:
    words = re.split(r"[^\w]+", str(value or "").casefold())
    return any(word.startswith(wanted) for word in words)


def _invalid(where: str) -> NoReturn:
    raise malformed(f"Invalid filter clause: a syntax error was found near '{where}'.")


class _Parser:
    def __init__(self, text: str, known: frozenset[str], kind: str) -> None:
        self.advanced, self.only_ids = False, True
        self.ids: list[str] = []
        self._known = {name.lower(): name for name in known}
        self._kind = kind
        self._tokens: list[str] = []
        self._depth = 0
        self._range: str | None = None
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None:
                _invalid(text[at : at + 20])
            self._tokens.append(found["text"] or found["word"] or found["sign"])
            at = found.end()

    def whole(self) -> Test:
        test = self._or()
        if self._tokens:
            _invalid(self._tokens[0])
        return test

    def _or(self) -> Test:
        self._depth += 1
        if self._depth > DEEPEST:
            _invalid("(")
        tests = [self._and()]
        while self._peek() == "or":
            self._take()
            tests.append(self._and())
        self._depth -= 1
        return tests[0] if len(tests) == 1 else lambda each: any(test(each) for test in tests)

    def _and(self) -> Test:
        tests = [self._one()]
        while self._peek() == "and":
            self._take()
            self.only_ids = False
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda each: all(test(each) for test in tests)

    def _one(self) -> Test:
        word = self._take()
        if word == "(":
            test = self._or()
            self._expect(")")
            return test
        if word.lower() == "not":
            self.advanced, self.only_ids = True, False
            inner = self._one()
            return lambda each: not inner(each)
        if word.lower() in FUNCTIONS and self._peek() == "(":
            return self._function(word.lower())
        if word.endswith("/any") and self._peek() == "(":
            return self._any(word.removesuffix("/any"))
        return self._comparison(word)

    def _function(self, name: str) -> Test:
        self.only_ids = False
        self.advanced |= name != "startswith"
        self._expect("(")
        path = self._path(self._take())
        self._expect(",")
        wanted = str(self._value(self._take())).casefold()
        self._expect(")")
        checks: dict[str, Callable[[str], bool]] = {
            "startswith": lambda text: text.startswith(wanted),
            "endswith": lambda text: text.endswith(wanted),
            "contains": lambda text: wanted in text,
        }
        fits = checks[name]
        return lambda each: (value := _get(each, path)) is not None and fits(str(value).casefold())

    def _any(self, collection: str) -> Test:
        self.only_ids = False
        name = self._path(collection)
        self._expect("(")
        variable = self._take()
        if ":" in variable:  # "c:c" is one word: the variable, and what the comparison begins with
            variable, _, first = variable.partition(":")
            self._tokens.insert(0, first)
        else:
            self._expect(":")
        before, self._range = self._range, variable
        inner = self._or()
        self._range = before
        self._expect(")")

        def test(each: dict[str, Any]) -> bool:
            entries = _get(each, name)
            return any(inner({variable: entry}) for entry in entries or ())

        return test

    def _comparison(self, token: str) -> Test:
        path, sign = self._path(token), self._take().lower()
        if path != ["id"] or sign not in ("eq", "in"):
            self.only_ids = False
        if sign == "in":
            return self._in(path)
        wanted = self._value(self._take())
        if path == ["id"]:
            self.ids.append(str(wanted))
        if sign == "eq":
            self.advanced |= wanted is None and self._range is None
            return lambda each: _same(_get(each, path), wanted)
        if sign == "ne":
            self.advanced = True
            return lambda each: not _same(_get(each, path), wanted)
        if sign not in ("ge", "le", "gt", "lt"):
            _invalid(sign)
        return lambda each: _ordered(_get(each, path), sign, wanted)

    def _in(self, path: list[str]) -> Test:
        self._expect("(")
        wanted = [self._value(self._take())]
        while self._peek() == ",":
            self._take()
            wanted.append(self._value(self._take()))
        self._expect(")")
        if path == ["id"]:
            self.ids += [str(value) for value in wanted]
        return lambda each: any(_same(_get(each, path), value) for value in wanted)

    def _path(self, token: str) -> list[str]:
        steps = token.split("/")
        if self._range is not None and steps[0] == self._range:
            return steps
        name = self._known.get(steps[0].lower())
        if name is None:
            raise malformed(
                f"Invalid filter clause: Could not find a property named '{steps[0]}' on type"
                f" 'microsoft.graph.{self._kind}'."
            )
        return [name, *steps[1:]]

    def _value(self, token: str) -> Any:
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[token]
        if not re.fullmatch(r"[0-9A-Fa-f.:TZ+-]+", token):
            _invalid(token)
        return int(token) if token.isdigit() else token

    def _peek(self) -> str | None:
        return self._tokens[0] if self._tokens else None

    def _take(self) -> str:
        if not self._tokens:
            _invalid("the end")
        return self._tokens.pop(0)

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            _invalid(self._peek() or "the end")
        self._take()


def _get(each: Any, path: list[str]) -> Any:
    for step in path:
        if step == "$count":
            return len(each or ())
        if not isinstance(each, dict):
            return None
        each = each.get(step)
    return each


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return value.casefold() == wanted.casefold()
    return bool(value == wanted) and isinstance(value, bool) == isinstance(wanted, bool)


def _ordered(value: Any, sign: str, wanted: Any) -> bool:
    if type(value) is not type(wanted) or not isinstance(value, str | int):
        return False
    if sign in ("ge", "gt") and value > wanted:
        return True
    if sign in ("le", "lt") and value < wanted:
        return True
    return sign in ("ge", "le") and bool(value == wanted)
