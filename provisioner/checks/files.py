"""Config and mappings together: what is wrong in any of the files, at once.

The mappings that a config names are looked at even if the config can't be used itself, so that nobody
mends one file only to learn of the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from connectors.errors import InputError, Problem
from connectors.scim_schema import Schema
from mappings import Mapping, load_mapping
from mappings.yaml_file import read_yaml
from provisioner.config import Config, load_config
from provisioner.people_schema import people_schema


def load_files(path: Path) -> Config:
    """Return the config if all its mappings can be used, too.

    Raises InputError with every problem of every file, each once.
    """
    try:
        config = load_config(path)
    except InputError as error:
        found = [*error.problems, *problems_beside(path)]
    else:
        syncs = config.syncs.values()
        found = [p for s in syncs for p in mapping_of(s.mapping, s.people)[1]]
    if found:
        raise InputError(dict.fromkeys(found))  # two syncs may share a mapping
    return config


def mapping_of(path: Path, attributes: Schema) -> tuple[Mapping | None, tuple[Problem, ...]]:
    """Return a mapping and no problem, or None and every problem of it."""
    try:
        return load_mapping(path, attributes), ()
    except InputError as error:
        return None, error.problems


def problems_beside(path: Path) -> Iterator[Problem]:
    """Yield what is wrong with the mappings of a config that can't be used itself."""
    try:
        data = read_yaml(path).data
    except InputError:
        return
    syncs = data.get("syncs") if isinstance(data, dict) else None
    for sync in syncs.values() if isinstance(syncs, dict) else ():
        mapping = sync.get("mapping") if isinstance(sync, dict) else None
        if isinstance(mapping, str) and (path.parent / mapping).is_file():
            listed = sync.get("directories")
            entries = [d for d in listed if isinstance(d, dict)] if isinstance(listed, list) else []
            yield from mapping_of(path.parent / mapping, people_schema(entries))[1]
