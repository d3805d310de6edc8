"""What a person of a sync may have: a User's attributes, and those that its directories add.

Directories add plain ones by `columns`, and whole schema extensions by `extensions`. The mapping, the
filters of config and the receiver all read this one schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from marshmallow import ValidationError

from connectors.scim_filter import FilterError, parse_path
from connectors.scim_schema import USER, Schema
from provisioner.scim.schemas.custom import ExtensionSchema
from provisioner.scim.schemas.types import Extension

_BARE_NAME = re.compile(r"[A-Za-z][\w-]*", re.ASCII)


def people_schema(directories: Iterable[Mapping[str, Any]]) -> Schema:
    """Return the schema of the people of some directories, whose options are given.

    Options are as config loaded them or as they were written; what is wrong in them is left out,
    because it is reported already.
    """
    listed = tuple(directories)
    extensions = (each for options in listed for each in _extensions(options.get("extensions")))
    return _schema(
        added_names(options.get("columns") for options in listed),
        tuple(each for each in extensions if each.of == "User"),
    )


@lru_cache(maxsize=64)
def _schema(names: frozenset[str], extensions: tuple[Extension, ...]) -> Schema:
    return USER.extended(names, {each.uri: each.attributes for each in extensions})


def added_names(columns: Iterable[Any]) -> frozenset[str]:
    """Return the attributes that directories' `columns` add to those that a User has.

    They are the targets that are a bare name which the schema doesn't know.
    """
    targets = [t for c in columns if isinstance(c, dict) for t in c.values() if isinstance(t, str)]
    return frozenset(t for t in targets if _BARE_NAME.fullmatch(t) and not _is_known(t))


def _is_known(name: str) -> bool:
    try:
        parse_path(name)
    except FilterError:
        return False
    return True


def _extensions(given: Any) -> Iterable[Extension]:
    for each in given if isinstance(given, list | tuple) else ():
        if isinstance(each, Extension):
            yield each
            continue
        try:
            yield ExtensionSchema().load(each)
        except ValidationError:
            continue
