"""Transforms: what the text of an attribute goes through on its way into an entitlement.

`{location | lookup sites | upper}`: each takes the text that the one before it gave. Where there is
none (the attribute is missing, a lookup has no such entry) the rest are passed over, up to `default`.

`replace` is RE2's language, not Python's: its time is linear in the text whatever the pattern, so
that no pattern and no directory can bring a run to a halt. https://github.com/google/re2/wiki/Syntax
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from connectors.records import clean
from mappings.lookups import Lookup
from mappings.yaml_file import did_you_mean

MAX_PATTERN = 300
"""Characters of a pattern; what needs more is a lookup."""
MAX_TEXT = 1000
"""Characters that a replacement may make of a text; more is no name of anything."""
_REMEMBERED = 8192

Step: TypeAlias = Callable[[str], str | None]


class TransformError(ValueError):
    """A transform that can't be read: `argument` is the number of what is wrong, None: the transform."""

    def __init__(self, message: str, argument: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.argument = argument


class Argument(NamedTuple):
    """One word after a transform's name; `quoted`: it stood in quotes."""

    text: str
    quoted: bool


@dataclass(frozen=True, slots=True)
class Transform:
    """One transform, ready to use.

    `apply` gives the text, None where there is none to give; then `lost` says what is missing, of the
    text and the attribute. `default`: what it gives where there is nothing to take; `lookup`: the
    name of the table that it reads.
    """

    name: str
    apply: Step
    lost: Callable[[str, str], str] = lambda _, attribute: f"value left of {attribute}"
    default: str | None = None
    lookup: str | None = None


Arguments: TypeAlias = Sequence[Argument]
Lookups: TypeAlias = Mapping[str, Lookup]


def _upper(arguments: Arguments, _: Lookups) -> Transform:
    _none(arguments)
    return Transform("upper", str.upper)


def _lower(arguments: Arguments, _: Lookups) -> Transform:
    _none(arguments)
    return Transform("lower", str.lower)


def _strip(arguments: Arguments, _: Lookups) -> Transform:
    _at_most(arguments, 1, 'takes nothing, or the characters to strip: strip "0"')
    chars = arguments[0].text if arguments else None
    if chars == "":
        raise TransformError("there is nothing between the quotes", 0)
    return Transform("strip", lambda text: text.strip(chars))


def _default(arguments: Arguments, _: Lookups) -> Transform:
    if len(arguments) != 1 or not arguments[0].quoted:
        raise TransformError('takes the text to give, in quotes: default "HQ"', _last(arguments, 1))
    text = clean(arguments[0].text)
    if not text:
        raise TransformError("gives nothing: write a text between the quotes", 0)
    return Transform("default", lambda given: given, default=text)


def _replace(arguments: Arguments, _: Lookups) -> Transform:
    if len(arguments) != 2 or not all(a.quoted for a in arguments):
        raise TransformError(
            'takes a pattern and what stands for it, in quotes: replace "^0+" ""',
            _last(arguments, 2),
        )
    pattern, replacement = _pattern(arguments[0].text), _replacement(arguments[1].text)
    for group in re.findall(r"(?<!\\)(?:\\\\)*\\([0-9])", replacement):
        if int(group) > pattern.groups:
            raise TransformError(f"the pattern has no group {group}", 1)

    def apply(text: str) -> str | None:
        made: str = pattern.sub(replacement, text)
        return made if len(made) <= max(MAX_TEXT, len(text)) else None

    return Transform("replace", apply)


def _pattern(text: str) -> Any:
    import re2  # only whoever replaces waits for it

    if not text or len(text) > MAX_PATTERN:
        raise TransformError(f"a pattern has 1 to {MAX_PATTERN} characters", 0)
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(text, options)
    except re2.error as e:
        why = e.args[0].decode() if isinstance(e.args[0], bytes) else str(e.args[0])
        raise TransformError(f"the pattern can't be read: {why}", 0) from e


def _replacement(text: str) -> str:
    if re.search(r"(?<!\\)(?:\\\\)*\\(?:[^0-9\\]|$)", text):
        raise TransformError(r"a backslash stands before a group's figure (\1) or another one", 1)
    return text


def _part(arguments: Arguments, _: Lookups) -> Transform:
    how = "takes the attribute's type in the DN, and which of several: part OU 1"
    if not arguments or len(arguments) > 2:
        raise TransformError(how, _last(arguments, 2))
    type_, number = arguments[0].text, 1
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", type_):
        raise TransformError(how, 0)
    if len(arguments) == 2:
        if not re.fullmatch(r"-?[1-9][0-9]{0,2}", arguments[1].text):
            raise TransformError("counts from 1, or from the end: -1 is the last", 1)
        number = int(arguments[1].text)

    def lost(_: str, attribute: str) -> str:
        return f"{type_} {number} in {attribute}"

    return Transform("part", lambda text: dn_part(text, type_, number), lost)


def dn_part(dn: str, type_: str, number: int) -> str | None:
    """Return the value of the `number`th RDN of a type, the entry's own first; None if there is none.

    >>> dn_part("CN=Eva,OU=Sales,OU=Munich,DC=example,DC=org", "ou", -1)
    'Munich'
    """
    from connectors.directory.ldap_json.dn import DnError, parse_dn

    try:
        rdns, (((wanted, _),),) = parse_dn(dn), parse_dn(f"{type_}=x")
    except DnError:
        return None
    values = [v for rdn in rdns for t, v in rdn if t == wanted and isinstance(v, str)]
    try:
        return values[number - 1 if number > 0 else number]
    except IndexError:
        return None


def _e164(arguments: Arguments, _: Lookups) -> Transform:
    from phonenumbers import SUPPORTED_REGIONS  # half a second of metadata for who uses it

    _at_most(arguments, 1, "takes the country of numbers that name none: e164 DE")
    region = arguments[0].text.upper() if arguments else None
    if region is not None and region not in SUPPORTED_REGIONS:
        near = did_you_mean(region, SUPPORTED_REGIONS) if len(region) > 2 else "write DE, CZ, US …"
        raise TransformError(f"{arguments[0].text!r} is no country's code; {near}", 0)

    def lost(_: str, attribute: str) -> str:
        return f"phone number in {attribute}"

    return Transform("e164", lambda text: normalised(text, region), lost)


def normalised(text: str, region: str | None) -> str | None:
    """Return a phone number in E.164, read as dialled in a country (ISO 3166 code); None if it is none.

    An extension behind it is left out. What is possible passes, in use or not: new ranges are opened
    more often than this program is.

    >>> normalised("089 / 1234-567", "DE"), normalised("12", "DE")
    ('+49891234567', None)
    """
    import phonenumbers

    try:
        number = phonenumbers.parse(text.removeprefix("tel:"), region)
    except phonenumbers.NumberParseException:
        return None
    # what can be dialled within one town only is no number elsewhere
    possible = phonenumbers.ValidationResult.IS_POSSIBLE
    if phonenumbers.is_possible_number_with_reason(number) != possible:
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _lookup(arguments: Arguments, lookups: Lookups) -> Transform:
    if len(arguments) != 1:
        raise TransformError("takes the name of a lookup: lookup sites", _last(arguments, 1))
    name = arguments[0].text
    table = lookups.get(name)
    if table is None:
        hint = did_you_mean(name, lookups)
        raise TransformError(f"no lookup is called {name!r}; {hint}", 0)

    def lost(text: str, _: str) -> str:
        return f"entry for {text!r} in lookup {name}"

    return Transform("lookup", table.of, lost, lookup=name)


def _none(arguments: Arguments) -> None:
    _at_most(arguments, 0, "takes nothing behind it")


def _at_most(arguments: Arguments, most: int, how: str) -> None:
    if len(arguments) > most:
        raise TransformError(how, most)


def _last(arguments: Arguments, most: int) -> int | None:
    """Return which argument to point at: the first one too many, else the first that is not quoted."""
    if len(arguments) > most:
        return most
    return next((n for n, a in enumerate(arguments) if not a.quoted), None)


TRANSFORMS: Mapping[str, Callable[[Arguments, Lookups], Transform]] = {
    "upper": _upper,
    "lower": _lower,
    "strip": _strip,
    "default": _default,
    "replace": _replace,
    "part": _part,
    "e164": _e164,
    "lookup": _lookup,
}


def transform(name: str, arguments: Arguments, lookups: Lookups) -> Transform:
    """Return the transform so called; raises TransformError with the nearest name, or how it is used."""
    make = TRANSFORMS.get(name)
    if make is None:
        raise TransformError(f"no transform is called {name!r}; {did_you_mean(name, TRANSFORMS)}")
    try:
        return make(arguments, lookups)
    except TransformError as e:
        raise TransformError(f"{name}: {e.message}", e.argument) from e


@dataclass(slots=True)
class Pipeline:
    """Transforms one after another; what came before is remembered, within a bound."""

    steps: tuple[Transform, ...]
    _known: dict[str, str | None] = field(default_factory=dict)

    def apply(self, text: str | None) -> str | None:
        """Return what they make of a text; None where nothing is left."""
        if text is None:
            return self._run(None)
        try:
            return self._known[text]
        except KeyError:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            made = self._known[text] = self._run(text)
            return made

    def _run(self, text: str | None) -> str | None:
        made = text
        for _, made in self._walk(text):  # noqa: B007 - the last one counts
            pass
        return made

    def _walk(self, text: str | None) -> Iterator[tuple[Transform, str | None]]:
        for step in self.steps:
            text = _something(text)
            if text is not None:
                text = _something(step.apply(text))
            if text is None:
                text = step.default
            yield step, text

    def lost(self, text: str | None, attribute: str) -> str:
        """Say what is missing where `apply` gives None: the attribute, or what a transform looked for."""
        said, before = attribute, _something(text)
        for step, after in self._walk(text):
            if before is not None and after is None:
                said = step.lost(before, attribute)
            before = after
        return said


def _something(text: str | None) -> str | None:
    """Return a text clean; None if nothing is left of it."""
    return None if text is None else clean(text) or None
