"""The shape of a mapping file: which members there are, and of what type.

What stands in a text (filters, attribute paths, names of personas) is judged in load.py, so that
both kinds of problem are reported at once. Types are strict: YAML's `4077` is a number, and where
a name is meant a number or `true` is a missing pair of quotes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from marshmallow import Schema, ValidationError, fields, validate

from connectors.records import clean
from mappings.entitlements import ENTITLEMENTS, MANY, PROFILE, PoolRef, e164
from mappings.yaml_file import did_you_mean

VERSION = 1
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_DURATION = re.compile(r"([0-9]{1,6})([mhd])")
LEAVERS = ("trash", "remove_license", "deactivate", "delete", "report")


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _text(value: Any, wanted: str = "text") -> str:
    if isinstance(value, Mapping) and len(value) == 1 and None in value.values():
        (name,) = value
        raise ValidationError(f'text in braces must stand in quotes: "{{{name}}}"')
    if isinstance(value, (Mapping, list)):
        raise ValidationError(f"{wanted} is wanted here, not a {_kind(value)}")
    if not isinstance(value, str):
        raise ValidationError(
            f"{wanted} is wanted here: {_shown(value)} without quotes is no text, write quotes around it"
        )
    if not clean(value):
        raise ValidationError("must not be empty")
    return clean(value)


def _kind(value: Any) -> str:
    return "list" if isinstance(value, list) else "mapping"


class Text(fields.Field[str]):
    """Text, clean and not empty."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        return _text(value)


class ExtensionNumber(fields.Field[str]):
    """An extension number: digits, with quotes or without, or attribute text."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return str(value)
        text = _text(value, "an extension number")
        if "{" not in text and not re.fullmatch("[0-9]+", text):
            raise ValidationError(f"{text!r} is no extension number: digits alone are")
        return text


class Number(fields.Field["str | PoolRef"]):
    """A direct number as E.164 (or attribute text that gives one), or `{pool: NAME}`.

    `on_move: keep` beside the pool lets whoever holds any number keep it; `swap` is the default.
    """

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str | PoolRef:
        if isinstance(value, Mapping) and "pool" in value:
            return self._pool(value)
        if isinstance(value, int) and not isinstance(value, bool):
            raise ValidationError(f'a number begins with + and the country\'s code: "+{value}"')
        text = _text(value, "a number or {pool: NAME}")
        if "{" in text:
            return text
        number = e164(text)
        if number is None:
            raise ValidationError(f"{text!r} is no number in E.164, such as +49891234")
        return number

    def _pool(self, value: Mapping[str, Any]) -> PoolRef:
        others = {n: ["Unknown field."] for n in value if n not in ("pool", "on_move")}
        move = value.get("on_move", "swap")
        if move not in ("keep", "swap"):
            others["on_move"] = [f"{_shown(move)} isn't one of: keep, swap"]
        if others:
            raise ValidationError(others)
        try:
            name = _text(value["pool"], "a pool's name")
        except ValidationError as e:
            raise ValidationError({"pool": e.messages}) from e
        if "{" in name:
            raise ValidationError({"pool": ["a pool's name can't take attributes"]})
        return PoolRef(name, move == "keep")


class Truth(fields.Field[bool]):
    """true or false, and nothing that merely looks like it."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError(f"true or false is wanted here, not {_shown(value)}")
        return value


class Duration(fields.Field[timedelta]):
    """A time span as people write it: 30m, 24h, 7d; 0 needs no unit."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> timedelta:
        text = "0d" if value == 0 and not isinstance(value, bool) else value
        match = _DURATION.fullmatch(clean(text)) if isinstance(text, str) else None
        if match is None:
            raise ValidationError(f"{_shown(value)} is no time span, such as 30m, 24h or 7d")
        return timedelta(**{_UNITS[match[2]]: int(match[1])})


class Version(fields.Field[int]):
    """The version of the file's format."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if value != VERSION or isinstance(value, bool):
            raise ValidationError(f"{_shown(value)} isn't known here: this is version {VERSION}")
        return VERSION


class Texts(fields.List[str]):
    """A list of texts; maybe an empty one, which manages the entitlement and gives nothing."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            Text(), error_messages={"invalid": "a list is wanted, such as [NAME]"}, **kwargs
        )


class Takes(NamedTuple):
    """What is taken: entitlements `whole`, and by list those of its `values`, as written."""

    whole: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = {}


class Take(fields.Field[Takes]):
    """Names of entitlements, and mappings of a list to the values to take; one of them may stand alone."""

    def schema_of(self, data: Any) -> object:
        """Return what judges the members of `data`."""
        return TakeSchema() if isinstance(data, Mapping) else fields.List(Take())

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Takes:
        if isinstance(value, Mapping):
            return Takes((), _taken_values(value))
        if not isinstance(value, list):
            return Takes((_entitlement(value),))
        whole: list[str] = []
        values: dict[str, tuple[str, ...]] = {}
        errors: dict[int, Any] = {}
        for number, each in enumerate(value):
            try:
                if isinstance(each, Mapping):
                    for name, texts in _taken_values(each).items():
                        values[name] = (*values.get(name, ()), *texts)
                else:
                    whole.append(_entitlement(each))
            except ValidationError as e:
                errors[number] = e.messages
        if errors:
            raise ValidationError(errors)
        return Takes(tuple(whole), values)


def _taken_values(value: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    loaded: dict[str, list[str]] = TakeSchema().load(value)
    braces = {
        name: {n: ["what is taken is written out, without braces"]}
        for name, texts in loaded.items()
        for n, text in enumerate(texts)
        if "{" in text
    }
    if braces:
        raise ValidationError(braces)
    return {name: tuple(texts) for name, texts in loaded.items()}


def _entitlement(value: Any) -> str:
    text = _text(value, "an entitlement's name")
    if text not in ENTITLEMENTS:
        raise ValidationError(f"{text!r} is no entitlement; {did_you_mean(text, ENTITLEMENTS)}")
    return text


class Exclusive(fields.Field[frozenset[str]]):
    """true, or the entitlements that nothing after the rule gives."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> frozenset[str]:
        if isinstance(value, bool):
            return frozenset(ENTITLEMENTS) if value else frozenset()
        if not isinstance(value, list):
            return frozenset([_entitlement(value)])
        errors: dict[int, Any] = {}
        names: set[str] = set()
        for number, each in enumerate(value):
            try:
                names.add(_entitlement(each))
            except ValidationError as e:
                errors[number] = e.messages
        if errors:
            raise ValidationError(errors)
        return frozenset(names)


class LookupTable(fields.Field[dict[str, str]]):
    """A table written out (`default` is for what it doesn't have), or the CSV file that has it."""

    def schema_of(self, data: Any) -> object:
        """Return what judges the members of `data`."""
        return LookupFileSchema() if isinstance(data, Mapping) and "file" in data else self

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, str]:
        if not isinstance(value, Mapping):
            raise ValidationError("a table is wanted here: {Munich: DE-MUC}, or {file: PATH, …}")
        if "file" in value:
            loaded: dict[str, str] = LookupFileSchema().load(value)
            return loaded
        table: dict[str, str] = {}
        errors: dict[str, Any] = {}
        for name, each in value.items():
            try:
                table[name] = _text(each, "what stands for it, as text,")
            except ValidationError as e:
                errors[name] = e.messages
        if errors:
            raise ValidationError(errors)
        return table


class _Schema(Schema):
    error_messages = {"type": "a mapping of names to values is wanted here"}  # noqa: RUF012


class GiveSchema(_Schema):
    """What a rule, a persona or `defaults` gives."""

    license = Text()
    packages = Texts()
    template = Text()
    site = Text()
    extension_number = ExtensionNumber()
    number = Number()
    delegates = Texts()
    delegate_privileges = Texts()
    credits = Truth()
    softphone = Text()
    emergency_address = Text()


class TakeSchema(_Schema):
    """Values that are struck from lists."""

    packages = Texts()
    delegates = Texts()
    delegate_privileges = Texts()


assert set(TakeSchema().fields) == set(MANY)


class PersonaSchema(GiveSchema):
    """A named bundle; it may extend another one, and take from what that gives and from later rules."""

    extends = Text()
    take = Take()


class LookupFileSchema(_Schema):
    """A table in a CSV file: its columns `key` and `value`."""

    file = Text(required=True)
    key = Text(required=True)
    value = Text(required=True)
    default = Text()


class ProfileSchema(_Schema):
    """The attributes of the profile that are managed, as attribute text."""

    display_name = Text()
    email = Text()
    department = Text()
    job_title = Text()
    usage_location = Text()


class PlaceGiveSchema(_Schema):
    """What a rule gives a room or a common area."""

    packages = Texts()
    template = Text()
    site = Text()
    extension_number = ExtensionNumber()
    number = Number()


class PlaceRuleSchema(_Schema):
    """One rule for rooms or common areas: which (`when`, over the phone user) are given what."""

    name = Text(required=True)
    when = Text(required=True)
    give = fields.Nested(PlaceGiveSchema, required=True)


class RuleSchema(_Schema):
    """One rule: who (`when`) is given what (`persona`, `give`), and what is taken from them (`take`)."""

    name = Text(required=True)
    when = Text(required=True)
    persona = Text()
    give = fields.Nested(GiveSchema)
    take = Take()
    exclusive = Exclusive()


def _one_of(*choices: str) -> validate.OneOf:
    return validate.OneOf(choices, error="{input!r} isn't one of: {choices}")


class ExpectSchema(_Schema):
    """What an example expects: null is none."""

    license = Text(allow_none=True)
    packages = Texts(allow_none=True)
    template = Text(allow_none=True)
    site = Text(allow_none=True)
    extension_number = ExtensionNumber(allow_none=True)
    number = Number(allow_none=True)
    delegates = Texts(allow_none=True)
    delegate_privileges = Texts(allow_none=True)
    credits = Truth(allow_none=True)
    softphone = Text(allow_none=True)
    emergency_address = Text(allow_none=True)
    profile = fields.Nested(
        lambda: ProfileSchema.from_dict(
            {name: Text(allow_none=True) for name in PROFILE}, name="ExpectedProfileSchema"
        )
    )
    in_scope = Truth()
    left_alone = Texts()


assert set(ENTITLEMENTS) <= set(ExpectSchema().fields)


class ExampleSchema(_Schema):
    """An example: what somebody is (`given`), and what they should have (`expect`)."""

    name = Text()
    given = fields.Dict(
        keys=Text(),
        values=fields.Raw(allow_none=True),
        required=True,
        error_messages={"invalid": "attributes and their values are wanted here"},
    )
    expect = fields.Nested(ExpectSchema, required=True)


class LeaversSchema(_Schema):
    """What becomes of leavers, and how long after; no `after` leaves the grace to the directory."""

    do = fields.Raw(load_default="report", validate=_one_of(*LEAVERS))
    after = Duration(load_default=None)


class MappingSchema(_Schema):
    """A mapping file, whole."""

    version = Version(required=True)
    join = Text(load_default=None)
    scope = Text(load_default=None)
    existing_account = Text()
    leavers = fields.Nested(LeaversSchema, load_default=lambda: LeaversSchema().load({}))
    unmanaged = fields.Raw(load_default="report", validate=_one_of("report", "remove"))
    defaults = fields.Nested(GiveSchema, load_default=dict)
    profile = fields.Nested(ProfileSchema, load_default=dict)
    personas = fields.Dict(keys=Text(), values=fields.Nested(PersonaSchema), load_default=dict)
    lookups = fields.Dict(keys=Text(), values=LookupTable(), load_default=dict)
    rules = fields.List(fields.Nested(RuleSchema), load_default=list)
    rooms = fields.List(fields.Nested(PlaceRuleSchema))
    common_areas = fields.List(fields.Nested(PlaceRuleSchema))
    attributes = Texts(load_default=list)
    examples = fields.List(fields.Nested(ExampleSchema), load_default=list)


class ExamplesSchema(_Schema):
    """A file of examples beside its mapping."""

    examples = fields.List(fields.Nested(ExampleSchema), required=True)
