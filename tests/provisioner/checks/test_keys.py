"""Keys that can change are warned of: by what config names, else by what the first people show."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.records import Flaw, Person
from provisioner.checks.keys import changing_keys
from provisioner.config import load_config

MAIL = [{"value": "Eva@example.org", "type": "work"}]


class People:
    """A directory of one bad row and one person."""

    name = "hr"

    def __init__(self, key: str, resource: dict[str, Any]) -> None:
        self._person = Person(key, resource)
        self.closed = False

    def read(self) -> Iterator[Person | Flaw]:
        try:
            yield Flaw("people.csv:2", None, "it has no key", "give it one")
            yield self._person
            raise AssertionError("nobody needs to read on")
        finally:
            self.closed = True

    def check(self) -> None:
        """Always there."""


def warned(folder: Path, people: People, **options: str) -> list[str]:
    directory = {"kind": "csv", "name": "hr", "path": "people.csv"} | options
    (folder / "mapping.yaml").write_text("version: 1\n")
    sync: dict[str, Any] = {"directories": [directory], "mapping": "mapping.yaml"}
    sync["phone_system"] = {"kind": "snapshot", "path": "phone.jsonl"}
    (folder / "config.yaml").write_text(yaml.safe_dump({"version": 1, "syncs": {"emea": sync}}))
    loaded = load_config(folder / "config.yaml").syncs["emea"]
    findings = list(changing_keys("here", loaded, loaded.directories[0], people))
    assert all(finding.warning for finding in findings)
    return [finding.problem.text for finding in findings]


@pytest.mark.parametrize(
    "key", ["userName", "email", "displayName", 'emails[type eq "home"].value']
)
def test_a_key_that_config_names_is_warned_of_if_it_can_change(tmp_path: Path, key: str) -> None:
    (text,) = warned(tmp_path, People("k1", {}), key=key)

    assert "which can change" in text


@pytest.mark.parametrize("key", ["externalId", "employeeNumber"])
def test_a_key_that_never_changes_is_fine(tmp_path: Path, key: str) -> None:
    path = {
        "employeeNumber": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber"
    }

    assert warned(tmp_path, People("k1", {}), key=path.get(key, key)) == []


@pytest.mark.parametrize(
    ("key", "resource", "by"),
    [
        ("eva@EXAMPLE.org", {"emails": MAIL}, "their mail address"),
        (
            "eva@example.org",
            {"emails": MAIL, "externalId": "eva@example.org"},
            "their mail address",
        ),
        ("Eva", {"userName": "eva"}, "userName"),
    ],
)
def test_people_known_by_what_can_change_are_told_without_naming_them(
    tmp_path: Path, key: str, resource: dict[str, Any], by: str
) -> None:
    people = People(key, resource)

    (text,) = warned(tmp_path, people)

    assert f"told apart by {by}" in text
    assert "eva" not in text.lower()
    assert people.closed


@pytest.mark.parametrize(
    ("key", "resource"),
    [
        ("k1", {"externalId": "k1", "userName": "eva", "emails": MAIL}),
        ("e1", {"externalId": "e1", "userName": "e1"}),
    ],
)
def test_people_known_by_an_id_are_fine(tmp_path: Path, key: str, resource: dict[str, Any]) -> None:
    assert warned(tmp_path, People(key, resource)) == []
