"""The shape of a mapping file: which members there are, and of what type.

What stands in a text (filters, attribute paths, names of personas) is judged in load.py, so that
both kinds of problem are reported at once. Types are strict: YAML's `4077` is a number, and where
a name is meant a number or `true` is a missing pair of quotes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from marshmallow import ValidationError, fields

from mappings.entitlements import ENTITLEMENTS, MANY, PROFILE
from mappings.life_cycle_schema import DatesSchema, LeaversSchema, LeaveSchema
from mappings.scalars import (
    ExtensionNumber,
    Number,
    Strict,
    Text,
    Texts,
    Truth,
    Version,
    Zone,
    one_of,
    plain_text,
)
from mappings.yaml_file import did_you_mean


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
    text = plain_text(value, "an entitlement's name")
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
                table[name] = plain_text(each, "what stands for it, as text,")
            except ValidationError as e:
                errors[name] = e.messages
        if errors:
            raise ValidationError(errors)
        return table


class GiveSchema(Strict):
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


class TakeSchema(Strict):
    """Values that are struck from lists."""

    packages = Texts()
    delegates = Texts()
    delegate_privileges = Texts()


assert set(TakeSchema().fields) == set(MANY)


class PersonaSchema(GiveSchema):
    """A named bundle; it may extend another one, and take from what that gives and from later rules."""

    extends = Text()
    take = Take()


class LookupFileSchema(Strict):
    """A table in a CSV file: its columns `key` and `value`."""

    file = Text(required=True)
    key = Text(required=True)
    value = Text(required=True)
    default = Text()


class ProfileSchema(Strict):
    """The attributes of the profile that are managed, as attribute text."""

    display_name = Text()
    email = Text()
    department = Text()
    job_title = Text()
    usage_location = Text()


class PlaceGiveSchema(Strict):
    """What a rule gives a room or a common area."""

    packages = Texts()
    template = Text()
    site = Text()
    extension_number = ExtensionNumber()
    number = Number()


class PlaceRuleSchema(Strict):
    """One rule for rooms or common areas: which (`when`, over the phone user) are given what."""

    name = Text(required=True)
    when = Text(required=True)
    give = fields.Nested(PlaceGiveSchema, required=True)


class RuleSchema(Strict):
    """One rule: who (`when`) is given what (`persona`, `give`), and what is taken from them (`take`)."""

    name = Text(required=True)
    when = Text(required=True)
    persona = Text()
    give = fields.Nested(GiveSchema)
    take = Take()
    exclusive = Exclusive()


class ExpectSchema(Strict):
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


class ExampleSchema(Strict):
    """An example: what somebody is (`given`), and what they should have (`expect`)."""

    name = Text()
    given = fields.Dict(
        keys=Text(),
        values=fields.Raw(allow_none=True),
        required=True,
        error_messages={"invalid": "attributes and their values are wanted here"},
    )
    expect = fields.Nested(ExpectSchema, required=True)


class MappingSchema(Strict):
    """A mapping file, whole."""

    version = Version(required=True)
    join = Text(load_default=None)
    scope = Text(load_default=None)
    existing_account = Text()
    leavers = fields.Nested(LeaversSchema, load_default=lambda: LeaversSchema().load({}))
    dates = fields.Nested(DatesSchema)
    timezones = fields.Dict(keys=Text(), values=Zone())
    leave = fields.Nested(LeaveSchema)
    unmanaged = fields.Raw(load_default="report", validate=one_of("report", "remove"))
    defaults = fields.Nested(GiveSchema, load_default=dict)
    profile = fields.Nested(ProfileSchema, load_default=dict)
    personas = fields.Dict(keys=Text(), values=fields.Nested(PersonaSchema), load_default=dict)
    lookups = fields.Dict(keys=Text(), values=LookupTable(), load_default=dict)
    rules = fields.List(fields.Nested(RuleSchema), load_default=list)
    rooms = fields.List(fields.Nested(PlaceRuleSchema))
    common_areas = fields.List(fields.Nested(PlaceRuleSchema))
    attributes = Texts(load_default=list)
    examples = fields.List(fields.Nested(ExampleSchema), load_default=list)


class ExamplesSchema(Strict):
    """A file of examples beside its mapping."""

    examples = fields.List(fields.Nested(ExampleSchema), required=True)
