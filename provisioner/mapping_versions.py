"""Versions of a mapping: one text that says all that it says, tables included, and can be read again.

A later plan asks an earlier mapping what it would have given: that tells what the new one changed.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from connectors.errors import InputError
from connectors.scim_filter import USER, Schema
from mappings.load import load_mapping
from mappings.mapping import Mapping
from mappings.yaml_file import load_yaml


def whole_text(file: Path, mapping: Mapping) -> str:
    """Return a mapping's file as JSON, with the tables of its lookups in it and its examples left out."""
    content: dict[str, Any] = load_yaml(file).data
    told = {name: value for name, value in content.items() if name not in ("lookups", "examples")}
    if mapping.lookups:
        told["lookups"] = {
            name: {**table.values, **({} if table.default is None else {"default": table.default})}
            for name, table in mapping.lookups.items()
        }
    return json.dumps(told, ensure_ascii=False)


def read_again(text: str, sha256: str, attributes: Schema = USER) -> Mapping | None:
    """Return the mapping that `whole_text` wrote; None if it is no longer the one of that hash.

    An attribute that no directory provides any more makes an old mapping one that can't be read.
    """
    with tempfile.TemporaryDirectory(prefix="provisioner-") as folder:
        file = Path(folder) / "mapping.yaml"
        file.write_text(text, encoding="utf-8")
        try:
            mapping = load_mapping(file, attributes)
        except InputError:
            return None
    return mapping if mapping.sha256 == sha256 else None
