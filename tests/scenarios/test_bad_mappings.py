"""Whatever is wrong in a mapping is said at once, each where it stands, and nothing is planned."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from provisioner.cli import provisioner
from tests.scenarios.installation import Installation, staff

CONFIG = """\
version: 1
store: sqlite:///p.db
syncs:
  a:
    directories: [{kind: csv, name: hr, path: p.csv}]
    mapping: m.yaml
    phone_system: {kind: snapshot, path: s.jsonl}
"""
SLIPS = """\
version: 1
lookups:
  sites: {file: sites.csv, key: city, value: site}
personas:
  a: {extends: b}
  b: {extends: a}
rules:
  - name: filter
    when: 'dispalyName eq "x" and title eqq "y"'
    give: {license: P}
  - name: texts
    when: 'title pr'
    persona: offfice
    give: {site: "{location | lookup sitess}", template: "{title", softphone: "{nickName | uper}"}
  - name: texts
    when: 'title eq "x'
    give: {licence: P, number: "{title | e164 DEU}"}
"""
EXPECTED = (
    "m.yaml:5:16: personas.a.extends: 'a' (line 5), 'b' (line 6) extend one another in a circle",
    "m.yaml:9:12: rules.0.when: unknown attribute 'dispalyName': did you mean displayName?",
    "m.yaml:13:14: rules.1.persona: no persona is called 'offfice'",
    "rules.1.give.site: lookup: no lookup is called 'sitess'; did you mean 'sites'?",
    "rules.1.give.template: '{' isn't closed",
    "rules.1.give.softphone: no transform is called 'uper'; did you mean 'upper'?",
    "m.yaml:15:11: rules.2.name: there are two rules 'texts', the first in line 11",
    "m.yaml:16:23: rules.2.when: expected the closing quote",
    "m.yaml:17:12: rules.2.give.licence: isn't known here; did you mean 'license'?",
    "rules.2.give.number: e164: 'DEU' is no country's code",
    "sites.csv:1: there is no column 'site'; did you mean 'sites'?",
)


@pytest.fixture
def company(tmp_path: Path) -> Path:
    (tmp_path / "c.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "p.csv").write_text("userName,externalId,email\nu,k,u@x.org\n", encoding="utf-8")
    (tmp_path / "s.jsonl").write_text("", encoding="utf-8")
    (tmp_path / "sites.csv").write_text("city,sites\nBrno,B\n", encoding="utf-8")
    return tmp_path


def failed(company: Path, mapping: str, *command: str) -> str:
    (company / "m.yaml").write_text(mapping, encoding="utf-8")
    result = CliRunner().invoke(provisioner, [*command, "-c", str(company / "c.yaml")])
    assert result.exit_code == 1
    said = "" if isinstance(result.exception, SystemExit) else str(result.exception)
    return (result.output + said).replace(f"{company}/", "")


@pytest.mark.parametrize("command", [("plan",), ("check",), ("mapping", "lint")])
def test_every_slip_is_said_at_once(company: Path, command: tuple[str, ...]) -> None:
    said = failed(company, SLIPS, *command)

    for expected in EXPECTED:
        assert expected in said
    assert "changes" not in said


@pytest.mark.parametrize(
    ("mapping", "says"),
    [
        ("version: 1\nversion: 1\n", "m.yaml:2:1: 'version' stands here twice, first in line 1"),
        ("version: 1\nrules:\n\t- {name: r}\n", "m.yaml:3:1: a tab can't indent YAML: use blanks"),
        (
            "version: 1\na: &a [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(
                f"b{n}: &b{n} [{', '.join([f'*b{n - 1}' if n else '*a'] * 10)}]\n" for n in range(6)
            ),
            "aliases multiply: they stand for more than 100,000 values",
        ),
    ],
)
def test_yaml_that_means_something_else_is_refused(company: Path, mapping: str, says: str) -> None:
    assert says in failed(company, mapping, "plan")
    assert not list(company.glob("plan*"))


def test_a_repeated_key_hides_nothing_else_that_is_wrong(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.people(staff(1))
    emea.write(
        "mapping.yaml",
        "version: 1\nscope: 'active eq true'\nscope: 'title pr'\nrules:\n"
        "  - {name: a, when: 'userNam pr', give: {license: x, license: y, site: '{locatoin}'}}\n",
    )

    ran = emea.run("plan")

    assert ran.status == 1
    places = re.findall(r"mapping\.yaml:(\d+:\d+): ", ran.err)
    assert places == ["3:1", "5:22", "5:54", "5:74"]


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2027-02-29"])
def test_a_day_that_cant_be_planned_for_is_refused_in_words(tmp_path: Path, day: str) -> None:
    emea = Installation(tmp_path)
    emea.people(staff(1))

    ran = emea.shell("plan", "--as-of", day)

    assert ran.status == 1
    assert "Error: --as-of takes a day" in ran.err
    assert "Traceback" not in ran.err
