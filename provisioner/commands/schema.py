"""`provisioner schema config | mapping`: the JSON Schema of a file that people write."""

from __future__ import annotations

import json
from pathlib import Path

import click

from connectors.errors import RunError
from provisioner.json_schema import config_schema, mapping_file_schema


def run_schema(what: str, output: Path | None) -> int:
    """Write the schema to a file, or to stdout, and return the exit status."""
    schema = config_schema() if what == "config" else mapping_file_schema()
    text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    if output is None:
        click.echo(text, nl=False)
        return 0
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as e:
        raise RunError(f"{output} can't be written: {e.strerror}") from e
    return 0
