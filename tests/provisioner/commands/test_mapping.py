"""`provisioner mapping test | lint` and `provisioner schema`: what they print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from provisioner.cli import provisioner

RULES = """\
version: 1
attributes: [helper]
scope: 'active eq true and groups.display eq "Phone Users"'
lookups:
  sites: {Brno: Brno, Oslo: Osloo}
rules:
  - name: sales
    when: 'groups.display eq "Salse"'
    give: {license: zoom_phon, site: '{location | lookup sites}', delegates: ['{helper}']}
  - name: dead
    when: 'active eq false'
    give: {template: Ofice}
"""
GOOD = """\
examples:
  - given: {userName: u, active: true, groups: [Phone Users, Salse], location: Brno, helper: h}
    expect: {license: zoom_phon, delegates: [h], site: Brno}
"""
CONFIG = """\
version: 1
store: sqlite:///p.db
syncs:
  a:
    directories: [{kind: csv, name: hr, path: p.csv, columns: {Helper: helper}}]
    mapping: m.yaml
    phone_system: {kind: snapshot, path: s.jsonl}
"""
PEOPLE = """\
userName,externalId,email,location,active,groups,Helper
u1,k1,u1@x.org,Brno,true,Phone Users;Sales,
u2,k2,u2@x.org,Oslo,true,Phone Users,
"""
CATALOG = {
    "licenses": {"zoom_phone": 5},
    "packages": {},
    "templates": ["Office"],
    "sites": ["Brno", "Oslo"],
}


@pytest.fixture
def company(tmp_path: Path) -> Path:
    (tmp_path / "m.yaml").write_text(RULES + GOOD, encoding="utf-8")
    (tmp_path / "c.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "p.csv").write_text(PEOPLE, encoding="utf-8")
    (tmp_path / "s.jsonl").write_text(json.dumps({"catalog": CATALOG}) + "\n", encoding="utf-8")
    return tmp_path


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(provisioner, [str(a) for a in arguments])
    error = result.exception
    said = "" if error is None or isinstance(error, SystemExit) else str(error)
    return result.exit_code, result.output + said


def test_a_mapping_alone_is_held_against_its_examples(company: Path) -> None:
    assert run("mapping", "test", company / "m.yaml") == (0, "1 example, none failed\n")


def test_with_a_config_each_syncs_mapping_is_held_against_its_examples(company: Path) -> None:
    assert run("mapping", "test", "-c", company / "c.yaml") == (0, "1 example, none failed\n")


def test_an_example_that_fails_is_shown_with_place_and_rule(company: Path) -> None:
    file = company / "m.yaml"
    file.write_text(RULES + GOOD.replace("license: zoom_phon,", "license: other,"), "utf-8")

    status, said = run("mapping", "test", file)

    assert status == 1
    assert said == (
        f"{file}:14:5: example 1\n"
        "  license (line 15)\n"
        "    expected 'other'\n"
        "    actual   'zoom_phon': by rule sales (m.yaml:7)\n"
        "1 example, 1 failed\n"
    )


def test_no_example_at_all_is_no_success(company: Path) -> None:
    (company / "m.yaml").write_text(RULES, encoding="utf-8")

    status, said = run("mapping", "test", company / "m.yaml")

    assert status == 1
    assert "no examples here, nor in m.examples.yaml" in said


def test_a_mapping_alone_that_reads_what_a_directory_adds_is_told_to_declare_it(
    company: Path,
) -> None:
    text = RULES.replace("attributes: [helper]\n", "")
    (company / "m.yaml").write_text(text + GOOD, encoding="utf-8")

    for command in ("test", "lint"):
        status, said = run("mapping", command, company / "m.yaml")
        assert status == 1
        assert "m.yaml:8:81: rules.0.give.delegates.0: unknown attribute 'helper'" in said
        assert "`attributes: [NAME]`" in said
    assert run("mapping", "test", "-c", company / "c.yaml")[0] == 0  # there a directory has it


def test_what_is_wrong_with_rules_and_with_examples_is_told_in_the_order_of_the_file(
    company: Path,
) -> None:
    examples = "examples: [{given: {titel: x}, expect: {credits: true}}]\n"
    file, other = company / "m.yaml", company / "m.examples.yaml"
    file.write_text("version: 1\n" + examples + "scope: titel pr\nlookups: {x: 1}\n", "utf-8")
    other.write_text(examples, "utf-8")

    status, said = run("mapping", "test", file)

    assert status == 1
    wheres = [line.split(": ")[0] for line in said.splitlines() if line.startswith("/")]
    assert [where.replace(f"{company}/", "") for where in wheres] == [
        *("m.yaml:2:21", "m.yaml:3:8", "m.yaml:4:14"),
        "m.examples.yaml:1:21",
    ]


def test_every_syncs_mapping_that_is_wrong_is_told(company: Path) -> None:
    second = CONFIG[CONFIG.index("  a:") :].replace("a:", "b:", 1).replace("m.yaml", "n.yaml")
    (company / "c.yaml").write_text(CONFIG + second, "utf-8")
    for name in ("m", "n"):
        (company / f"{name}.yaml").write_text("version: 1\nscope: titel pr\n", "utf-8")

    for command in ("test", "lint"):
        said = run("mapping", command, "-c", company / "c.yaml")[1]
        assert "n.yaml:2:8" in said
        assert "m.yaml:2:8" in said


def test_lint_of_a_mapping_alone_finds_what_the_file_shows(company: Path) -> None:
    status, said = run("mapping", "lint", company / "m.yaml")

    assert status == 1
    assert said.count("error:") == 1
    assert "m.yaml:10:5: rule dead: can never match anybody in scope" in said


def test_lint_with_a_config_knows_groups_attributes_and_the_catalog(company: Path) -> None:
    status, said = run("mapping", "lint", "-c", company / "c.yaml", "--sync", "a")

    assert status == 1
    lines = [line.replace(f"{company}/m.yaml:", "") for line in said.splitlines()]
    assert lines == [
        "error: 5:3: lookups.sites: the phone system has no site 'Osloo'; did you mean 'Oslo'?",
        "error: 7:5: rule sales: no directory has a group 'Salse'; did you mean 'Sales'?",
        "warning: 7:5: helper is read here, and none of 2 people has it",
        "error: 9:21: rules.0.give.license: the phone system has no license 'zoom_phon'; did you mean 'zoom_phone'?",
        'error: 10:5: rule dead: can never match anybody in scope (active eq true and groups.display eq "Phone Users"): active eq false',
        "error: 12:22: rules.1.give.template: the phone system has no template 'Ofice'; did you mean 'Office'?",
        "5 errors, 1 warning",
    ]
    assert not (company / "p.db").exists()


def test_lint_says_how_many_a_lost_group_had_at_the_last_accepted_read(company: Path) -> None:
    file = company / "m.yaml"
    file.write_text(RULES.replace("Salse", "Sales"), encoding="utf-8")
    assert run("plan", "-c", company / "c.yaml")[0] == 0
    (company / "p.csv").write_text(PEOPLE.replace("Sales", "Sellers"), encoding="utf-8")

    said = run("mapping", "lint", "-c", company / "c.yaml")[1]

    assert "no directory has a group 'Sales'; " in said
    assert "at the last accepted read it had 1 member" in said


def test_lint_knows_the_groups_that_leave_and_accounts_of_their_own_ask_for(company: Path) -> None:
    text = """\
version: 1
leave: {when: 'groups.display eq "Away"'}
existing_account: 'groups.display eq "Partners"'
rules: []
"""
    (company / "m.yaml").write_text(text, encoding="utf-8")

    status, said = run("mapping", "lint", "-c", company / "c.yaml")

    assert status == 1
    assert "m.yaml:2:8: leave: no directory has a group 'Away'" in said
    assert "m.yaml:3:19: existing_account: no directory has a group 'Partners'" in said


@pytest.mark.parametrize(
    "when",
    [
        'groups.display eq "Salse"',
        'groups[value eq "Salse" and type ne "indirect"]',
        'groups[display eq "Salse"].value pr',
        'not (groups[type pr and (display eq "Salse")].display eq "Sales")',
    ],
)
def test_lint_knows_a_group_however_a_filter_names_it(company: Path, when: str) -> None:
    text = f"version: 1\nrules:\n  - name: r\n    when: '{when}'\n    give: {{site: Brno}}\n"
    (company / "m.yaml").write_text(text, encoding="utf-8")

    said = run("mapping", "lint", "-c", company / "c.yaml")[1]

    assert said.count("no directory has a group 'Salse'; did you mean 'Sales'?") == 1
    assert said.count("no directory has a group") == 1


def test_lint_ends_with_0_where_there_are_warnings_alone(company: Path) -> None:
    text = "version: 1\npersonas: {idle: {license: P}}\nrules: []\n"
    (company / "m.yaml").write_text(text, encoding="utf-8")

    status, said = run("mapping", "lint", company / "m.yaml")

    assert status == 0
    assert said.splitlines()[-1] == "no errors, 1 warning"


def test_a_directory_that_cannot_be_read_is_said_and_its_groups_are_not_judged(
    company: Path,
) -> None:
    (company / "p.csv").unlink()

    said = run("mapping", "lint", "-c", company / "c.yaml")[1]

    assert "directory hr can't be read, so groups are not judged" in said
    assert "no directory has a group" not in said


def test_without_mapping_and_config_it_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROVISIONER_CONFIG", raising=False)

    assert "name a mapping, or a config" in run("mapping", "test")[1]
    assert "--sync goes with -c" in run("mapping", "lint", "m.yaml", "--sync", "a")[1]


def test_the_samples_own_examples_hold() -> None:
    root = Path(__file__).parents[3]

    assert run("mapping", "test", root / "mappings" / "demo.yaml") == (
        0,
        "3 examples, none failed\n",
    )


def test_the_schema_is_printed_or_written(tmp_path: Path) -> None:
    status, said = run("schema", "mapping")
    assert (status, json.loads(said)["title"]) == (0, "Mapping of provisioner")

    assert run("schema", "config", "--output", tmp_path / "c.json") == (0, "")
    assert json.loads((tmp_path / "c.json").read_text())["title"] == "Config of provisioner"
