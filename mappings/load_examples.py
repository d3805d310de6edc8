"""The examples of a mapping: in the file itself, and in one beside it.

Beside `emea.yaml` that is `emea.examples.yaml`, with `examples` alone. All that is wrong with them is
said at once, each where it stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from marshmallow import Schema as Shape
from marshmallow import ValidationError

from connectors.errors import InputError, Problem
from connectors.scim_filter import Schema
from mappings.examples import Example, ExampleError, resource_of
from mappings.load import declared
from mappings.schema import ExamplesSchema, MappingSchema
from mappings.where import where_of
from mappings.yaml_file import Located, read_yaml, schema_problems
from mappings.yaml_nodes import in_order


def beside(mapping: Path) -> Path:
    """Return where a mapping's examples stand if not in its own file.

    >>> beside(Path("mappings/emea.yaml")).as_posix()
    'mappings/emea.examples.yaml'
    """
    return mapping.with_suffix(".examples.yaml")


def load_examples(mapping: Path, attributes: Schema | None) -> list[Example]:
    """Read a mapping's examples; `attributes` as load_mapping takes them.

    Raises InputError with everything that is wrong with them in either file.
    """
    located = read_yaml(mapping)
    attributes = declared(located) if attributes is None else attributes
    sources: list[tuple[Located, Shape]] = [(located, MappingSchema())]
    if beside(mapping).is_file():
        sources.append((read_yaml(beside(mapping)), ExamplesSchema()))
    examples: list[Example] = []
    problems: list[Problem] = []
    for source, shape in sources:
        found = list(_read(source, shape, attributes))
        examples += [each for each in found if isinstance(each, Example)]
        problems += source.problems
        problems += [each for each in found if isinstance(each, Problem)]
    if problems:
        raise InputError(in_order(problems, str(mapping)))
    return examples


def _read(located: Located, shape: Shape, attributes: Schema) -> Iterator[Example | Problem]:
    try:
        content = shape.load(located.data)
    except ValidationError as e:
        yield from schema_problems(e.messages_dict, located, shape)
        listed = located.get(("examples",))
        for number, data in enumerate(listed if isinstance(listed, list) else ()):
            given = data.get("given") if isinstance(data, dict) else None
            if isinstance(given, dict):
                yield from _wrong(located, number, resource_of(given, attributes)[1])
        return
    for number, data in enumerate(content["examples"]):
        yield from _example(located, number, data, attributes)


def _example(
    located: Located, number: int, data: dict[str, Any], attributes: Schema
) -> Iterator[Example | Problem]:
    at = ("examples", number)
    given, errors = resource_of(data["given"], attributes)
    yield from _wrong(located, number, errors)
    places = {n: where_of(located.where_key((*at, "expect", n))) for n in data["expect"]}
    name = data.get("name") or f"example {number + 1}"
    yield Example(name, given, data["expect"], where_of(located.where(at)), places)


def _wrong(located: Located, number: int, errors: Iterable[ExampleError]) -> Iterator[Problem]:
    for e in errors:
        named = ("examples", number, "given", e.name)
        yield Problem(located.where_key(named), f"{'.'.join(map(str, named))}: {e.message}")
