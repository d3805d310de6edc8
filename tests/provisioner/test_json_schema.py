"""The JSON Schemas say what loading says, as far as a JSON Schema can."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema

from mappings.schema import MappingSchema
from mappings.yaml_file import load_yaml
from provisioner.config_schema import ConfigSchema
from provisioner.json_schema import config_schema, mapping_file_schema

ROOT = Path(__file__).parents[2]
CONFIG = jsonschema.Draft202012Validator(config_schema())
MAPPING = jsonschema.Draft202012Validator(mapping_file_schema())

WHOLE: dict[str, Any] = {
    "version": 1,
    "join": "externalId",
    "scope": "active eq true",
    "leavers": {"do": "trash", "after": "7d"},
    "unmanaged": "report",
    "defaults": {"template": "Office"},
    "profile": {"display_name": "{displayName}"},
    "personas": {"a": {"license": "P", "packages": ["A"]}, "b": {"extends": "a", "take": ["site"]}},
    "lookups": {"s": {"Brno": "B"}, "t": {"file": "t.csv", "key": "k", "value": "v"}},
    "attributes": ["badge"],
    "rules": [
        {
            "name": "r",
            "when": "title pr",
            "persona": "a",
            "give": {
                "number": {"pool": "p"},
                "extension_number": 77,
                "credits": True,
                "delegates": ["{manager}"],
            },
            "take": ["site", {"packages": ["B"]}],
            "exclusive": ["license"],
        },
        {"name": "q", "when": "title pr", "give": {"number": "+49 89 1234"}, "exclusive": True},
    ],
    "examples": [{"given": {"userName": "u"}, "expect": {"license": None, "in_scope": True}}],
}


def verdict(schema: Schema, data: Any) -> bool:
    return not schema.validate(data)


def test_the_schemas_are_schemas() -> None:
    for made in (CONFIG.schema, MAPPING.schema):
        jsonschema.Draft202012Validator.check_schema(made)


@pytest.mark.parametrize("path", sorted((ROOT / "mappings").glob("*.yaml")), ids=lambda p: p.name)
def test_our_mappings_are_as_their_schema_says(path: Path) -> None:
    assert [e.message for e in MAPPING.iter_errors(load_yaml(path).data)] == []


@pytest.mark.parametrize("path", sorted((ROOT / "config").glob("*.yaml")), ids=lambda p: p.name)
def test_our_configs_are_as_their_schema_says(path: Path) -> None:
    assert [e.message for e in CONFIG.iter_errors(load_yaml(path).data)] == []


def described(schema: Any, path: str = "") -> list[str]:
    """Return the members that nothing is said of."""
    bare: list[str] = []
    if isinstance(schema, dict):
        for name, each in schema.get("properties", {}).items():
            if isinstance(each, dict) and "const" not in each and "description" not in each:
                bare.append(f"{path}.{name}")
        for name, each in schema.items():
            bare += described(each, f"{path}.{name}")
    elif isinstance(schema, list):
        for each in schema:
            bare += described(each, path)
    return bare


@pytest.mark.parametrize("schema", [CONFIG.schema, MAPPING.schema], ids=["config", "mapping"])
def test_every_member_is_described(schema: dict[str, Any]) -> None:
    assert described(schema) == []


@st.composite
def mutated(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with one to three of its values dropped, renamed or replaced."""
    made = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        at: Any = made
        while True:
            steps = list(at) if isinstance(at, dict) else list(range(len(at)))
            if not steps:
                break
            step = draw(st.sampled_from(steps))
            if isinstance(at[step], dict | list) and at[step] and draw(st.booleans()):
                at = at[step]
                continue
            how = draw(st.sampled_from(("drop", "rename", "replace")))
            if how == "drop":
                del at[step]
            elif how == "rename" and isinstance(at, dict):
                at[f"{step}x"] = at.pop(step)
            else:
                at[step] = copy.deepcopy(draw(VALUES))  # a later step may go into it
            break
    return made


VALUES = st.sampled_from(
    [None, True, False, 0, 7, -1, "", " ", "x", "{title}", "+49891234", "12", [], ["x"], [1], {}]
) | st.sampled_from([{"x": "y"}, {"pool": "p"}, {"packages": ["A"]}, ["license"], "license", 1.5])


@settings(max_examples=600, deadline=None)
@given(mutated(WHOLE))
def test_a_mapping_is_refused_by_both_or_by_neither(document: dict[str, Any]) -> None:
    allowed = verdict(MappingSchema(), document)

    assert MAPPING.is_valid(document) == allowed, json.dumps(document)


def zero_for_false(data: Any) -> bool:
    """Tell whether there is a 0 anywhere, which marshmallow takes for false and an editor shouldn't."""
    if isinstance(data, dict | list):
        return any(map(zero_for_false, data.values() if isinstance(data, dict) else data))
    return type(data) is int and data == 0


DEMO = load_yaml(ROOT / "config" / "demo.yaml").data


@settings(max_examples=300, deadline=None)
@given(mutated(DEMO))
def test_no_config_is_refused_that_loading_takes(document: dict[str, Any]) -> None:
    if verdict(ConfigSchema(), document) and not zero_for_false(document):
        assert CONFIG.is_valid(document), json.dumps(document)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"synks": {}},
        {"syncs": {}},
        {"syncs": {"demo": {**DEMO["syncs"]["demo"], "mapping": 7}}},
        {"syncs": {"demo": {**DEMO["syncs"]["demo"], "schedule": {"evry": "1m"}}}},
        {
            "syncs": {
                "demo": {**DEMO["syncs"]["demo"], "directories": [{"kind": "csw", "name": "x"}]}
            }
        },
        {"syncs": {"demo": {**DEMO["syncs"]["demo"], "phone_system": {"kind": "zoom"}}}},
    ],
)
def test_a_config_with_a_slip_is_refused(change: dict[str, Any]) -> None:
    document = {**DEMO, **change}

    assert not CONFIG.is_valid(document)
    assert not verdict(ConfigSchema(), document)


def test_a_secret_may_be_a_reference() -> None:
    zoom = {
        "kind": "zoom",
        "account_id": "a",
        "client_id": {"file": "id"},
        "client_secret": {"env": "ZOOM"},
    }
    document = {**DEMO, "syncs": {"demo": {**DEMO["syncs"]["demo"], "phone_system": zoom}}}

    assert CONFIG.is_valid(document)
    zoom["client_secret"] = {"enw": "ZOOM"}
    assert not CONFIG.is_valid(document)
