"""Reading filters and paths: a recursive descent through the grammar of RFC 7644, figure 1.

Names and types are checked on the way, so every error knows its place. Each character is looked at
a bounded number of times, and length, depth and numbers are capped: no text takes long.
"""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import NoReturn, cast

from connectors.scim_filter_compare import OPERATORS, SUBSTRING, Literal, refuse_operator, typed
from connectors.scim_filter_tree import And, Compare, Node, Not, Or, Path, Present, ValuePath
from connectors.scim_schema import Attribute, Schema, closest

MAX_LENGTH = 64 * 1024
"""Characters that a filter or path may have."""
MAX_DEPTH = 64
"""How deep parentheses and brackets may nest."""
_MAX_NUMBER = 100
"""Characters that a number may have: enough for any double, and int() stays cheap."""
_NAMES_KEPT = 1000

WORD = re.compile(r"[\w$.:-]+")
SIGN = re.compile(r"[=<>!~&|]+")
_BLANKS = re.compile(r"\s*")
_UNCLOSED = re.compile(r'"[^"\\\x00-\x1f]*+(?:\\[^\x00-\x1f][^"\\\x00-\x1f]*+)*+')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?(?![\w.+-])")
_BARE = re.compile(r"\s*((?!')[^\s\"()\[\]{}\\]+)")
_TEXTS = frozenset({"string", "reference"})
_KEYWORDS: dict[str, Literal] = {"true": True, "false": False, "null": None}
_SIGNS = {
    **dict.fromkeys(("=", "=="), "eq"),
    **dict.fromkeys(("!=", "<>"), "ne"),
    ">": "gt",
    ">=": "ge",
    "<": "lt",
    "<=": "le",
    "~": "co",
    **dict.fromkeys(("is", "equal", "equals"), "eq"),
    "contains": "co",
    "startswith": "sw",
    "endswith": "ew",
    **dict.fromkeys(("exists", "present"), "pr"),
    **dict.fromkeys(("&", "&&"), "and"),
    **dict.fromkeys(("|", "||"), "or"),
}
"""What other languages write for our words."""
_ALL_OPERATORS = (*OPERATORS, "pr")
_NOT_BARE = frozenset({*_ALL_OPERATORS, "and", "or", "not"})
AN_OPERATOR = f"an operator ({', '.join(_ALL_OPERATORS)})"


class FilterError(ValueError):
    """A filter or path can't be read.

    `message` says what was expected and what was found; `position` is the offset into the text
    (from 0) where that is. `unknown`: it is well-formed, but names what the schema doesn't have.
    `in_brackets`: the fault is in a value path's filter.
    """

    def __init__(self, message: str, position: int, *, unknown: bool = False) -> None:
        super().__init__(f"{message}, at character {position + 1}")
        self.message = message
        self.position = position
        self.unknown = unknown
        self.in_brackets = False


class _Scanner:
    """A text and the place in it that was reached: reads words, operators, literals and blanks."""

    def __init__(self, text: str, schema: Schema) -> None:
        self.text = text
        self.schema = schema
        self.at = 0
        if len(text) > MAX_LENGTH:
            raise FilterError(f"expected at most {MAX_LENGTH} characters", MAX_LENGTH)
        self.blanks()

    def operator(self) -> str:
        word = self.word()
        op = word.lower()
        if op not in _ALL_OPERATORS:
            self.fail(AN_OPERATOR, hint=self.meant(_ALL_OPERATORS))
        self.at += len(word)
        return op

    def literal(self) -> Literal:
        """A JSON string or number, or true, false, null in any case."""
        if self.text.startswith('"', self.at):
            return self.string()
        word = self.word()
        if word.lower() in _KEYWORDS:
            self.at += len(word)
            return _KEYWORDS[word.lower()]
        found = _NUMBER.match(self.text, self.at)
        if not found:
            self.fail("a value (text in double quotes, a number, true, false or null)")
        return self.number(found[0])

    def bare(self) -> str | None:
        """Text without quotes, up to `and`, `or`, a bracket or the end; None if there is none."""
        end = self.at
        while (found := _BARE.match(self.text, end)) and found[1].lower() not in _NOT_BARE:
            if end == self.at and found[1].lower() in _KEYWORDS:
                return None
            end = found.end()
        text, self.at = self.text[self.at : end], end
        return text or None

    def string(self) -> str:
        """A JSON string, its opening quote being here."""
        found = _UNCLOSED.match(self.text, self.at)
        end = found.end() if found else self.at
        if not self.text.startswith('"', end):
            if end < len(self.text) - 1:
                raise FilterError("a control character stands in text as it is: escape it", end)
            raise FilterError("expected the closing quote, found the end", len(self.text))
        try:
            value: str = json.loads(self.text[self.at : end + 1])
        except ValueError:
            raise FilterError("this text has an escape that JSON doesn't know", self.at) from None
        if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
            raise FilterError("this text has half of a surrogate pair", self.at)
        self.at = end + 1
        return value

    def number(self, digits: str) -> int | float:
        if len(digits) > _MAX_NUMBER:
            raise FilterError(f"expected at most {_MAX_NUMBER} characters of a number", self.at)
        value = float(digits) if set(digits) & set(".eE") else int(digits)
        if not math.isfinite(value):
            raise FilterError(f"{digits} is beyond all numbers that can be compared", self.at)
        self.at += len(digits)
        return value

    def word(self) -> str:
        """Return the word that begins here, "" if none does, without going past it."""
        found = WORD.match(self.text, self.at)
        return found[0] if found else ""

    def name(self) -> str:
        """Return an attribute's name like `word`; before it may stand a URN, whatever it holds."""
        uri = self.schema.urn_before(self.text, self.at)
        if not uri:
            return self.word()
        found = WORD.match(self.text, self.at + len(uri))
        return self.text[self.at : found.end()] if found else uri

    def blanks(self) -> None:
        self.at = self.blanks_after(self.at)

    def blanks_after(self, at: int) -> int:
        """Return where the blanks that begin at `at`, if any do, end."""
        found = _BLANKS.match(self.text, at)
        return found.end() if found else len(self.text)

    def blank(self, then: str) -> None:
        """Go past the blank that the grammar demands before what comes `then`."""
        before = self.at
        self.blanks()
        if self.at == len(self.text):
            self.fail(then)
        if self.at == before:
            self.fail(f"a blank, then {then}")

    def fail(self, expected: str, at: int | None = None, hint: str = "") -> NoReturn:
        at = self.at if at is None else at
        raise FilterError(f"expected {expected}, found {self.excerpt(at)}{hint}", at)

    def meant(self, words: tuple[str, ...]) -> str:
        """Return the hint at which of these words is meant by the word, or the sign, that stands here."""
        sign = SIGN.match(self.text, self.at)
        written = sign[0] if sign else self.word().lower()
        near = _SIGNS.get(written) or closest(written, dict(zip(words, words, strict=True)), 0.6)
        return f": did you mean {near}?" if near in words else ""

    def excerpt(self, at: int) -> str:
        if at >= len(self.text):
            return "the end"
        if text := _UNCLOSED.match(self.text, at):
            return _short(self.text[at : text.end() + 1])
        word = WORD.match(self.text, at) or SIGN.match(self.text, at)
        return _short(word[0] if word else self.text[at])


class Parser(_Scanner):
    """One pass over a text from the left; every method reads one thing of the RFC's grammar.

    Inside brackets `value_of` is the attribute whose sub-attributes are the names. `quoted`: text must
    be in quotes, as the grammar has it.
    """

    def __init__(self, text: str, schema: Schema, *, quoted: bool = True) -> None:
        super().__init__(text, schema)
        self.quoted = quoted
        self.depth = 0
        self.value_of: Attribute | None = None

    def either(self) -> Node:
        """FILTER: what `or` joins, which binds less than `and`."""
        parts = [self.both()]
        while self.joined_by("or"):
            parts.append(self.both())
        return _joined(Or, parts)

    def both(self) -> Node:
        parts = [self.single()]
        while self.joined_by("and"):
            parts.append(self.single())
        return _joined(And, parts)

    def single(self) -> Node:
        """A group, a negated group, a value path or one test."""
        if self.text.startswith("(", self.at):
            return self.group()
        word = self.word()
        if word.lower() == "not":
            after = self.blanks_after(self.at + len(word))
            if self.text.startswith("(", after):
                self.at = after
                return Not(self.group())
            if self.schema.find(word) is None:
                self.fail("'(' after not", after)
        return self.test()

    def group(self) -> Node:
        self.opening("(")
        part = self.either()
        self.closing(")")
        return part

    def test(self) -> Node:
        """`path pr`, `path op value`, or a path whose brackets are a test by themselves."""
        start = self.at
        path = self.path(tested=True)
        if path.part and not path.sub:
            whole = Path(path.uri, path.attribute, definition=path.definition)
            return ValuePath(whole, path.part)
        self.blank(AN_OPERATOR)
        at, op = self.at, self.operator()
        if op == "pr":
            return Present(path)
        if not self.text.startswith('"', self.at):  # RFC 7644 section 3.5.2.2 has `value eq"2819…"`
            self.blank("a value")
        literal_at, literal = self.at, self.value_for(path, op)
        return self.compare(path, op, literal, (start, at, literal_at))

    def value_for(self, path: Path, op: str) -> Literal:
        """Read a literal; text may be without quotes where nothing else can be meant."""
        kind = None if self.quoted or path.leaf is None else path.leaf.type
        if kind == "dateTime" or (kind in _TEXTS and (op in ("eq", "ne") or op in SUBSTRING)):
            text = self.bare()
            if text is not None:
                return text
        return self.literal()

    def compare(
        self, path: Path, op: str, literal: Literal, where: tuple[int, int, int]
    ) -> Compare:
        """Check operator and literal against the attribute's type."""
        leaf = path.leaf
        if leaf is None:
            if literal is None and op in ("eq", "ne"):
                return Compare(path, op, None)
            names = ", ".join(f"{path}.{each.name}" for each in path.definition.sub)
            expected = f"expected one of {names}" if names else "expected pr after it"
            raise FilterError(f"{path} has no value of its own: {expected}", where[0])
        try:
            refuse_operator(leaf, op)
        except ValueError as error:
            raise FilterError(f"{path} {op}: {error}", where[1]) from None
        try:
            return Compare(path, op, typed(leaf, op, literal))
        except ValueError as error:
            found = self.excerpt(where[2])
            raise FilterError(f"{path} {op}: {error}, found {found}", where[2]) from None

    def path(self, *, tested: bool = False) -> Path:
        """attrPath or valuePath, then perhaps a sub-attribute; a short name alone.

        In a filter what is `tested` in brackets may be of one value; elsewhere they choose among several.
        """
        start = self.at
        word = self.name()
        if not word:
            self.fail("an attribute name")
        known = None if self.value_of is not None else self.schema.read_before.get(word)
        if known is not None and not self.text.startswith("[", start + len(word)):
            self.at = start + len(word)
            return cast(Path, known)
        if self.value_of is None and (short := self.short(word)):
            return self.kept(word, short)
        path = self.named(word, start)
        self.at = start + len(word)
        if not self.text.startswith("[", self.at):
            return path if self.value_of is not None else self.kept(word, path)
        if self.value_of is not None or path.sub:
            raise FilterError("brackets follow a whole attribute and don't nest", self.at)
        if not tested and not path.definition.multi_valued and path.definition.parts:
            raise FilterError(f"{path} has one value only: brackets choose among several", self.at)
        return self.bracketed(path)

    def kept(self, word: str, path: Path) -> Path:
        """Remember what a name stands for: of filters that come in numbers all name the same few."""
        if len(self.schema.read_before) < _NAMES_KEPT:
            self.schema.read_before[word] = path
        return path

    def bracketed(self, path: Path) -> Path:
        attribute = path.definition
        if not attribute.parts:
            raise FilterError(f"{path} has no sub-attributes for brackets to choose by", self.at)
        self.opening("[")
        self.value_of = attribute
        part = self.either()
        self.closing("]")
        self.value_of = None
        sub = None
        if self.text.startswith(".", self.at):
            self.at += 1
            sub = self.sub_name(attribute, path.text)
        return Path(path.uri, path.attribute, sub, part, definition=attribute)

    def sub_name(self, attribute: Attribute, owner: str) -> str:
        word = self.word()
        found = attribute.part(word)
        if found is None:
            raise FilterError(_no_part(owner, attribute, word), self.at, unknown=bool(word))
        self.at += len(word)
        return found.name

    def short(self, word: str) -> Path | None:
        """A short name of the schema, as the path that it stands for."""
        canonical = self.schema.short_for(word)
        if canonical is None:
            return None
        self.at += len(word)
        return _short_path(canonical, self.schema)

    def named(self, word: str, start: int) -> Path:
        """The canonical path for a name with its URN and sub-attribute."""
        if self.value_of is not None:
            part = self.value_of.part(word)
            if part is None:
                message = _no_part(self.value_of.name, self.value_of, word)
                raise FilterError(message, start, unknown=True)
            return Path(None, part.name, definition=part)
        found = self.schema.find(word)
        if found is None:
            self.unknown(word, start)
        sub = found.sub.name if found.sub else None
        return Path(found.uri, found.attribute.name, sub, definition=found.attribute)

    def unknown(self, word: str, start: int) -> NoReturn:
        uri = self.schema.urn_before(word)
        at = start + len(uri) + 1 if uri else start
        name = self.text[at : start + len(word)]
        top, dot, sub = name.partition(".")
        owner = self.schema.find(word[: at - start] + top) if dot else None
        if owner:
            message = _no_part(owner.text, owner.attribute, sub)
            raise FilterError(message, at + len(top) + 1, unknown=True)
        near = self.schema.nearest(word)
        hint = f": did you mean {near}?" if near else ""
        raise FilterError(f"unknown attribute {_short(name)}{hint}", at, unknown=True)

    def joined_by(self, joiner: str) -> bool:
        """Go past a blank, `and` or `or`, and a blank; or stay."""
        if self.at == len(self.text):
            return False
        at = self.blanks_after(self.at)
        word = WORD.match(self.text, at)
        if not word or word[0].lower() != joiner:
            return False
        if at == self.at:
            self.fail(f"a blank before '{joiner}'")
        self.at = word.end()
        self.blank("another test")
        return True

    def opening(self, bracket: str) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FilterError(f"nested more than {MAX_DEPTH} deep", self.at)
        self.at += len(bracket)
        self.blanks()

    def closing(self, bracket: str) -> None:
        self.blanks()
        if not self.text.startswith(bracket, self.at):
            self.refuse_rest(bracket)
        self.at += 1
        self.depth -= 1

    def refuse_rest(self, bracket: str = "") -> NoReturn:
        """Refuse what stands where another test may be joined, or the brackets around be closed."""
        after = WORD.match(self.text, self.blanks_after(self.at + len(self.word())))
        attribute = after is not None and after[0].lower() in _ALL_OPERATORS
        self.fail(
            f"'and', 'or' or '{bracket}'" if bracket else "'and' or 'or'",
            hint="" if attribute else self.meant(("and", "or")),
        )

    def end_of_filter(self) -> None:
        self.blanks()
        if self.at < len(self.text):
            self.refuse_rest()

    def end(self, expected: str) -> None:
        self.blanks()
        if self.at < len(self.text):
            self.fail(expected)


@lru_cache(maxsize=256)
def _short_path(canonical: str, schema: Schema) -> Path:
    return Parser(canonical, schema).path()


def _joined(join: type[And] | type[Or], parts: list[Node]) -> Node:
    """Join parts flatly: `(a and b) and c` is one And of three."""
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, join) else (part,))
    return flat[0] if len(flat) == 1 else join(tuple(flat))


def _no_part(owner: str, attribute: Attribute, word: str) -> str:
    if not attribute.parts:
        return f"{owner} has no sub-attributes"
    near = closest(word, {each.name.lower(): each.name for each in attribute.parts})
    names = ", ".join(each.name for each in attribute.parts)
    hint = f": did you mean {near}?" if near else f": expected one of {names}"
    return f"{owner} has no sub-attribute {_short(word)}{hint}"


def _short(text: str) -> str:
    """Quote what was found for a message: never more than a line of it."""
    return repr(text if len(text) <= 40 else f"{text[:37]}...")
