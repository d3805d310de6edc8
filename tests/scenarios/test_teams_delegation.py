"""Call delegation in Microsoft Teams: steps for a person, their script, and what it printed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.scenarios.installation import Installation, kinds, person, rule
from tests.scenarios.teams_tenant import PHONE, caller, installed, seats, tenant

BOSS, ONE, OTHER = (f"user{n}@example.org" for n in (1, 2, 3))
ALL = rule("all", license=PHONE)


def deputies(*mails: str, privileges: str = "MakeCalls") -> dict[str, Any]:
    """Return the rule that says who answers for the first person."""
    return rule(
        "deputies",
        f'emails.value eq "{BOSS}"',
        delegates=list(mails),
        delegate_privileges=[privileges],
    )


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Installation]:
    """Three callers; the second answers for the first, and was found so when all began."""
    with tenant([seats(), caller(1), caller(2), caller(3)]) as graph:
        company = installed(tmp_path, graph, ALL, deputies(ONE))
        company.configure(limits={"changes": "100%"})
        company.people([person(1), person(2), person(3)])
        assert company.carry_out()["changes"] == []
        yield company


def changed(company: Installation, *mails: str, privileges: str = "MakeCalls") -> dict[str, Any]:
    """Have the mapping say who answers for the first person, and plan."""
    company.mapping(rules=[ALL, deputies(*mails, privileges=privileges)])
    return company.plan()


def script(company: Installation) -> str:
    """Return the lines of the script that carry steps out."""
    ran = company.run("manual list", "--format", "powershell")
    assert ran.status == 0, ran.said
    return ran.out.partition("catch { Write-Step 'failed' $kind $User $Value")[2].partition(
        "}\n}\n"
    )[2]


def handed_back(company: Installation, *lines: str) -> tuple[int, str]:
    """Hand a script's output back; return the exit status and what was said."""
    file = company.write("delegation.txt", "".join(f"{line}\n" for line in lines))
    ran = company.run("manual done", "--output-of", str(file))
    return ran.status, ran.said


def test_a_new_delegate_is_a_step_with_a_script_that_shows_first_what_it_would_do(
    company: Installation,
) -> None:
    plan = changed(company, OTHER)

    written = script(company)

    assert [(c["kind"], c["state"]) for c in plan["changes"]] == [
        ("delegate.remove", "manual"),
        ("delegate.add", "manual"),
    ]
    assert written.split("\n")[1:3] == [
        f"Remove-Delegate '{BOSS}' '{ONE}'",
        f"Add-Delegate '{BOSS}' '{OTHER}' @()",
    ]
    whole = company.run("manual list", "--format", "powershell").out
    assert "param([switch]$WhatIf = $true)" in whole
    assert "$Most = 25" in whole


def test_windows_powershell_is_told_that_the_script_is_utf_8(
    company: Installation, tmp_path: Path
) -> None:
    changed(company, OTHER)
    written = tmp_path / "delegation.ps1"
    company.run("manual list", "--format", "powershell", "--output", str(written))

    assert written.read_bytes().startswith(b"\xef\xbb\xbf#Requires -Modules MicrosoftTeams")


def test_two_syncs_with_steps_need_a_script_each(company: Installation) -> None:
    document = yaml.safe_load((company.folder / "config.yaml").read_text())
    document["syncs"]["other"] = document["syncs"]["emea"]
    company.yaml("config.yaml", document)
    adopting = company.run("plan", "--sync", "other", "--format", "json").plan
    assert company.run("approve", adopting["id"]).status == 0
    company.mapping(rules=[ALL, deputies(OTHER)])
    for sync in ("emea", "other"):
        assert company.run("plan", "--sync", sync).status == 0

    both = company.run("manual list", "--format", "powershell")
    one = company.run("manual list", "--sync", "other", "--format", "powershell")

    assert (both.status, one.status) == (1, 0), both.said
    assert "the syncs emea, other need a script each" in both.err
    assert one.out.count("[CmdletBinding()]") == 1


def test_what_the_script_did_is_ticked_off_and_not_planned_again(company: Installation) -> None:
    changed(company, OTHER)

    status, said = handed_back(
        company,
        "WARNING: a module is old",
        f"done\tdelegate.remove\t{BOSS}\t{ONE}\tremoved",
        f"done\tdelegate.add\t{BOSS}\t{OTHER}\tadded",
    )

    assert status == 0, said
    assert company.plan()["changes"] == []


def test_what_the_script_only_showed_or_failed_at_stays_open(company: Installation) -> None:
    changed(company, OTHER)

    status, said = handed_back(
        company,
        f"missing\tdelegate.remove\t{BOSS}\t{ONE}\twould be removed",
        f"failed\tdelegate.add\t{BOSS}\t{OTHER}\thas 25 delegates",
    )

    assert status == 0
    assert "has 25 delegates" in said
    assert [kind for kind, _ in kinds(company.plan())] == ["delegate.remove", "delegate.add"]


def test_an_output_that_tells_of_no_step_is_refused(company: Installation) -> None:
    changed(company, OTHER)

    status, said = handed_back(company, "nothing of ours")

    assert (status, "tells of no step" in said) == (1, True)


def test_privileges_are_one_step_for_all_delegates_and_remembered_once_done(
    company: Installation,
) -> None:
    plan = changed(company, ONE, privileges="JoinActiveCalls")

    written = script(company)
    handed_back(company, f"done\tdelegation.set\t{BOSS}\tJoinActiveCalls\t1 changed")

    assert [kind for kind, _ in kinds(plan)] == ["delegation.set"]
    assert f"Set-Delegates '{BOSS}' 'JoinActiveCalls' @('JoinActiveCalls')" in written
    assert company.plan()["changes"] == []
    assert json.loads(company.run("manual list", "--format", "json").out)["steps"] == []


def test_a_leavers_delegations_are_steps_before_the_license_goes(company: Installation) -> None:
    company.people([person(1, active="false"), person(2), person(3)])

    plan = company.plan()

    states = {c["kind"]: c["state"] for c in plan["changes"]}
    waiting = {c["kind"] for c in plan["waiting"]}
    assert states.get("delegate.remove") == "manual"
    assert "license.remove" in waiting | states.keys()
