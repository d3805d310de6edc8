"""What the folder's README shows is what the language does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.scim_filter import USER
from mappings import load_mapping
from mappings.examples import differences
from mappings.load_examples import load_examples
from mappings.lookups import Lookup
from mappings.text import parse_text
from mappings.transforms import TRANSFORMS

README = (Path(__file__).parents[2] / "mappings" / "README.md").read_text(encoding="utf-8")
LOOKUPS = {"sites": Lookup("sites", {"munich": "DE-MUC"})}
TRANSFORM_ROWS = re.findall(r"^\| [`\w].* \| `(\{.*?\})`.* \| .* \| .* \|$", README, re.MULTILINE)


def test_the_whole_file_that_it_shows_is_a_mapping_and_its_example_holds(tmp_path: Path) -> None:
    shown = re.findall(r"```yaml\n(version: 1\n.*?)```", README, re.DOTALL)
    assert len(shown) == 1
    file = tmp_path / "m.yaml"
    file.write_text(shown[0], encoding="utf-8")

    mapping, (example,) = load_mapping(file, None), load_examples(file, None)

    assert list(differences(mapping, example)) == []


def test_every_transform_has_a_row() -> None:
    shown = " ".join(TRANSFORM_ROWS)

    assert [name for name in TRANSFORMS if f"| {name}" not in shown.replace("\\|", "|")] == []


@pytest.mark.parametrize("text", TRANSFORM_ROWS)
def test_what_stands_in_the_table_of_transforms_can_be_read(text: str) -> None:
    parse_text(text.replace("\\|", "|"), USER, LOOKUPS)
