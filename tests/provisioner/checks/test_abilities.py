"""What a mapping gives and its phone system can't be given, said before anybody waits for it."""

from __future__ import annotations

from pathlib import Path

from connectors.records import Abilities
from mappings import Mapping, load_mapping
from provisioner.checks.abilities import KIND_OF, beyond_abilities, lacking_a_prerequisite

EVERYTHING = Abilities(kinds=frozenset(KIND_OF.values()))


def mapping(folder: Path, text: str) -> Mapping:
    file = folder / "m.yaml"
    file.write_text("version: 1\n" + text, encoding="utf-8")
    return load_mapping(file)


def found(folder: Path, text: str, abilities: Abilities) -> list[str]:
    said = list(beyond_abilities(mapping(folder, text), abilities, "exchange"))
    assert all(each.warning for each in said)
    return [str(each).removeprefix(f"{folder}/m.yaml:") for each in said]


RULES = """\
profile: {job_title: "{title}", email: "{email}"}
personas:
  office: {license: P, template: T}
rules:
  - {name: a, when: title pr, persona: office, give: {site: S, credits: false}}
  - {name: b, when: title pr, persona: office, take: [softphone]}
defaults: {template: D}
"""


def test_everything_is_fine_where_the_phone_system_can_do_everything(tmp_path: Path) -> None:
    assert found(tmp_path, RULES, EVERYTHING) == []


def test_each_place_that_gives_what_cannot_be_given_is_named_once(tmp_path: Path) -> None:
    kinds = EVERYTHING.kinds - {"template.apply", "credit.assign", "softphone.authorize"}

    assert found(tmp_path, RULES, Abilities(kinds=kinds)) == [
        "4:34: persona office gives template, and exchange can't do that (template.apply): plans hold it back",
        "8:22: defaults gives template, and exchange can't do that (template.apply): plans hold it back",
    ]


def test_a_manual_step_can_be_carried_out(tmp_path: Path) -> None:
    abilities = Abilities(
        kinds=EVERYTHING.kinds - {"template.apply"}, manual={"template.apply": "in the portal"}
    )

    assert found(tmp_path, RULES, abilities) == []


def test_attributes_of_the_profile_without_a_place_are_named(tmp_path: Path) -> None:
    abilities = Abilities(kinds=EVERYTHING.kinds, profile=frozenset({"email"}))

    assert found(tmp_path, RULES, abilities) == [
        "2:10: profile.job_title: exchange has no place for it"
    ]


def test_what_rests_on_a_license_that_nothing_gives_is_a_warning(tmp_path: Path) -> None:
    text = """\
rules:
  - {name: cz, when: 'department eq "CZ"', give: {license: P}}
  - {name: de, when: 'department eq "DE"', give: {packages: [A]}}
"""
    (said,) = lacking_a_prerequisite(mapping(tmp_path, text))

    assert said.warning
    assert "rule de: gives packages, and no rule gives a license" in str(said)
