"""An earlier mapping can be asked what it would have given."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.records import Person
from mappings import load_mapping
from provisioner.mapping_versions import read_again, whole_text

MAPPING = """
version: 1
scope: 'active eq true'
leavers: {do: remove_license, after: 7d}
lookups:
  sites: {file: sites.csv, key: town, value: site}
  grades: {CEO: Executive, default: Office}
personas:
  base: {license: A}
  office: {extends: base, take: [{packages: [world]}], packages: [basic]}
rules:
  - {name: all, when: userName pr, persona: office, give: {site: '{location | lookup sites}'}}
  - {name: last, when: title pr, give: {template: '{title | lookup grades}'}, exclusive: true}
"""
EVA = Person(
    "E1",
    {"userName": "eva", "title": "CEO", "addresses": [{"type": "work", "locality": "Brno"}]},
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "sites.csv").write_text("town,site\nBrno,BRQ\n", encoding="utf-8")
    path = tmp_path / "mapping.yaml"
    path.write_text(MAPPING, encoding="utf-8")
    return path


def test_a_version_says_what_the_file_said_though_file_and_tables_are_gone(file: Path) -> None:
    mapping = load_mapping(file)
    text = whole_text(file, mapping)
    file.unlink()
    (file.parent / "sites.csv").unlink()

    again = read_again(text, mapping.sha256)

    assert again is not None
    assert again.sha256 == mapping.sha256
    assert again.entitlements(EVA) == mapping.entitlements(EVA)
    assert again.entitlements(EVA).single["site"].value == "BRQ"


def test_a_version_that_says_something_else_by_now_is_not_taken_for_it(file: Path) -> None:
    mapping = load_mapping(file)
    text = whole_text(file, mapping)

    assert read_again(text.replace("BRQ", "PRG"), mapping.sha256) is None


def test_a_version_that_can_no_longer_be_read_is_none(file: Path) -> None:
    mapping = load_mapping(file)
    text = whole_text(file, mapping)

    assert read_again(text.replace("userName pr", "badge pr"), mapping.sha256) is None
