"""The plan as others read it: JSON, JSON lines and CSV, byte for byte the same for the same input."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.installation import (
    FIELDS,
    Installation,
    csv_text,
    person,
    phone_user,
    phone_users,
    staff,
)

PLAN = {
    "format", "id", "sync", "created_at", "as_of", "base", "summary", "clusters", "changes",
    "blocked", "waiting", "conflicts", "warnings",
}  # fmt: skip
SUMMARY = {
    "people", "unchanged", "changes", "removals", "held", "blocked", "waiting", "manual",
    "api_calls", "pools",
}  # fmt: skip
CHANGE = {
    "seq", "kind", "user", "key", "id", "before", "after", "rule", "cluster", "cause", "because",
    "risk", "needs", "consequences", "state",
}  # fmt: skip
RISK_OF_KIND = {
    "user.create": {"safe"},
    "profile.update": {"safe"},
    "license.assign": {"safe", "service"},
    "package.assign": {"safe", "service"},
    "license.remove": {"destructive"},
    "package.remove": {"destructive", "service"},
    "site.set": {"service"},
    "number.assign": {"safe", "service"},
    "number.release": {"destructive"},
    "delegate.add": {"service"},
    "delegate.remove": {"service"},
}
CSV_HEADER = ["kind", "user", "key", "before", "after", "rule", "cause", "risk", "state", "because"]


def busy(folder: Path, columns: dict[str, str] | None = None) -> Installation:
    """An installation with joiners, movers, leavers, conflicts, shortages and warnings in one plan."""
    emea = Installation(folder)
    emea.mapping(
        profile={"display_name": "{displayName}", "department": "{department}"},
        rules=[
            {"name": "all", "when": "userName pr", "give": {"license": "zoom_phone"}},
            {"name": "sales", "when": 'department eq "Sales"', "give": {"packages": ["basic"]}},
            {"name": "it", "when": 'department eq "IT"', "give": {"packages": ["gold"]}},
            {"name": "site", "when": "userName pr", "give": {"site": "{location}"}},
            {
                "name": "number",
                "when": 'location eq "Munich"',
                "give": {"number": {"pool": "munich"}},
            },
            {"name": "boss", "when": 'title eq "Boss"', "give": {"delegates": ["user2"]}},
        ],
    )
    emea.configure(pools={"munich": {"ranges": ["+49891000-+49891003"]}})
    emea.people(busy_people())
    lines = [phone_user(n, site="Brno", department="Sales") for n in range(1, 20)]
    lines[4] |= {"packages": ["gold"]}
    lines[5] |= {"numbers": ["+49891000"], "delegates": ["user2@example.org"]}
    emea.phone(
        lines,
        licenses={"zoom_phone": 24},
        packages={"basic": 30, "gold": 2},
        sites=["Munich", "Brno"],
        numbers=["+49891000", "+49891001", "+49891002", "+49891003"],
    )
    return emea


def busy_people() -> list[dict[str, str]]:
    rows = staff(18, location="Brno", title="")
    rows[0] |= {"title": "Boss"}
    rows[1] |= {"department": "IT"}
    rows[2] |= {"department": "IT", "location": "Munich"}
    rows[3] |= {"location": ""}
    rows[7] |= {"displayName": "=HYPERLINK(1)"}
    rows += [person(n, location="Munich", title="") for n in range(30, 36)]
    rows.append(person(40, email="user7@example.org", location="Brno", title=""))
    return rows


def without_marks(text: str) -> str:
    """A plan's text without its id and created_at."""
    return re.sub(r'"(id": "\d+", "sync|id": "\d+",\n "sync|created_at": "[^"]*)"', "", text)


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    return busy(tmp_path)


def test_a_plan_has_every_member_that_is_promised(emea: Installation) -> None:
    plan = emea.run("plan", "--format", "json").plan

    assert set(plan) >= PLAN
    assert set(plan["base"]) == {"directory", "phone", "mapping", "memory"}
    for digest in plan["base"].values():
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", digest)
    assert set(plan["summary"]) >= SUMMARY
    for moment in (plan["created_at"], plan["as_of"]):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", moment)
    assert plan["format"] == "provisioner-plan/1"
    assert plan["sync"] == "emea"
    assert plan["conflicts"]
    assert plan["blocked"]
    assert plan["warnings"]


def test_every_change_has_every_member_and_a_fitting_risk(emea: Installation) -> None:
    plan = emea.run("plan", "--format", "json").plan

    assert len(plan["changes"]) > 20
    for change in plan["changes"]:
        assert set(change) - {"reason"} == CHANGE
        assert change["risk"] in RISK_OF_KIND[change["kind"]], change
        assert change["cause"] == "first_run"
        if change["kind"] in ("license.assign", "package.assign"):
            assert change["risk"] == ("safe" if change["before"] is None else "service")
    for change in (*plan["blocked"], *plan["waiting"]):
        assert set(change) >= CHANGE - {"seq", "cluster"}
        assert change["reason"]


def test_changes_are_numbered_in_an_order_that_can_be_carried_out(emea: Installation) -> None:
    plan = emea.run("plan", "--format", "json").plan

    assert [change["seq"] for change in plan["changes"]] == [*range(1, len(plan["changes"]) + 1)]
    for change in plan["changes"]:
        assert all(need < change["seq"] for need in change["needs"])


def test_the_summary_counts_what_the_plan_holds(emea: Installation) -> None:
    plan = emea.run("plan", "--format", "json").plan
    summary = plan["summary"]

    counted: dict[str, int] = {}
    for change in plan["changes"]:
        counted[change["kind"]] = counted.get(change["kind"], 0) + 1
    assert summary["changes"] == counted
    assert summary["blocked"] == len(plan["blocked"])
    assert summary["waiting"] == len(plan["waiting"])
    assert summary["held"] == sum(c["state"] == "held" for c in plan["changes"])
    assert summary["people"] - summary["unchanged"] == len({c["key"] for c in plan["changes"]})
    for use in summary["pools"].values():
        assert set(use) == {"total", "used", "after", "claimed", "freed", "short"}
        assert use["after"] == use["used"] + use["claimed"] - use["freed"]
        assert use["total"] is None or use["after"] <= use["total"]


def test_every_change_belongs_to_a_cluster_and_the_destructive_ones_stand_first(
    emea: Installation,
) -> None:
    plan = emea.run("plan", "--format", "json").plan

    clusters = {cluster["id"]: cluster for cluster in plan["clusters"]}
    assert all(set(c) >= {"id", "title", "people", "risk"} for c in clusters.values())
    for change in plan["changes"]:
        assert change["cluster"] in clusters
    for name, cluster in clusters.items():
        keys = {c["key"] for c in plan["changes"] if c["cluster"] == name}
        assert len(keys) == cluster["people"]
    order = ["destructive", "service", "safe"]
    risks = [order.index(cluster["risk"]) for cluster in plan["clusters"]]
    assert risks == sorted(risks)


def test_json_lines_are_the_plan_without_changes_and_then_a_change_a_line(
    emea: Installation,
) -> None:
    emea.run("plan")
    plan = emea.run("show", "1", "--format", "json").plan
    lines = [json.loads(x) for x in emea.run("show", "1", "--format", "jsonl").out.splitlines()]

    changes = plan.pop("changes")
    assert lines[0] == plan
    assert lines[1:] == changes


def test_the_csv_has_a_row_for_each_change_and_no_formula(emea: Installation) -> None:
    emea.run("plan")
    plan = emea.run("show", "1", "--format", "json").plan

    rows = list(csv.reader(io.StringIO(emea.run("show", "1", "--format", "csv").out)))

    assert rows[0] == CSV_HEADER
    assert len(rows) - 1 == len(plan["changes"])
    assert [row[0] for row in rows[1:]] == [change["kind"] for change in plan["changes"]]
    for row in rows[1:]:
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell
    assert any("=HYPERLINK" in cell for row in rows for cell in row)


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "csv", "html", "markdown"])
def test_each_format_names_the_people_of_the_plan(emea: Installation, form: str) -> None:
    ran = emea.run("plan", "--format", form)

    assert "user30@example.org" in ran.out
    assert "basic" in ran.out


def test_html_is_one_file_that_needs_no_network(emea: Installation) -> None:
    page = emea.run("plan", "--format", "html").out

    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?:https?:)?//""", page)
    assert not re.findall(r"url\(\s*['\"]?(?:https?:)?//", page)


def test_html_shows_what_people_are_called_and_runs_none_of_it(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.mapping(profile={"display_name": "{displayName}"})
    emea.people([person(1, displayName="</script><script>alert(1)</script>")])

    page = emea.run("plan", "--format", "html").out

    assert "<script>alert" not in page
    assert "alert(1)" in page


def test_markdown_is_not_broken_by_what_people_are_called(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.mapping(profile={"display_name": "{displayName}"})
    emea.people([person(1, displayName="a|b\nc")])

    page = emea.run("plan", "--format", "markdown").out

    tables = [line for line in page.splitlines() if line.startswith("|")]
    joiner = next(line for line in tables if "a" in line and "profile.update" in line)
    rule = next(line for line in tables if set(line) <= set("|-: "))
    assert len(re.findall(r"(?<!\\)\|", joiner)) == len(re.findall(r"\|", rule))


def test_identical_input_gives_the_identical_plan_but_for_id_and_created_at(
    tmp_path: Path,
) -> None:
    texts = []
    for name in ("one", "two"):
        emea = busy(tmp_path / name)
        for _ in range(2):
            ran = emea.run("plan", "--format", "json", "--as-of", "2026-01-31")
            texts.append(without_marks(ran.out))

    assert '"created_at"' not in texts[0]
    # the second plan of each knows of the first: its memory may differ, nothing else may
    forgetful = [re.sub(r'"memory": "[^"]*"', "", text) for text in texts]
    assert texts[0] == texts[2]
    assert texts[1] == texts[3]
    assert len(set(forgetful)) == 1


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_rows_and_columns_changes_nothing_in_a_plan(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    emea, shuffled = busy(tmp_path / "one"), busy(tmp_path / "two")
    people = busy_people()
    chance.shuffle(people)
    header = [*FIELDS, "location", "title"]
    chance.shuffle(header)
    out = io.StringIO()
    writer = csv.DictWriter(out, header, lineterminator="\r\n", delimiter=";")
    writer.writeheader()
    writer.writerows(people)
    shuffled.write("people.csv", out.getvalue())
    catalog, *lines = (shuffled.folder / "phone.jsonl").read_text().splitlines()
    chance.shuffle(lines)
    shuffled.write("phone.jsonl", "\n".join([catalog, *lines]) + "\n")

    plans = [
        without_marks(each.run("plan", "--format", "json", "--as-of", "2026-01-31").out)
        for each in (emea, shuffled)
    ]

    places = re.compile(r"people\.csv:\d+")  # where somebody stands is told, and may differ
    assert places.sub("", plans[0]) == places.sub("", plans[1])


def test_the_order_of_the_mappings_lists_and_members_changes_no_hash(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.people(staff(3))
    first = emea.plan()
    text = (emea.folder / "mapping.yaml").read_text()
    emea.write("mapping.yaml", "# a comment\n" + text.replace("version: 1\n", "") + "version: 1\n")

    assert emea.plan()["base"]["mapping"] == first["base"]["mapping"]


def test_a_plan_whose_reasons_name_lines_has_another_base_when_the_lines_move(
    tmp_path: Path,
) -> None:
    emea = Installation(tmp_path)
    emea.people(staff(3))
    emea.phone([], licenses={"zoom_phone": 1})
    first = emea.plan()
    text = (emea.folder / "mapping.yaml").read_text()
    emea.write("mapping.yaml", "# a comment\n" + text)
    moved = emea.plan()

    assert "mapping.yaml:" in first["blocked"][0]["reason"]
    assert moved["blocked"][0]["reason"] != first["blocked"][0]["reason"]
    assert moved["base"]["mapping"] != first["base"]["mapping"]
    assert {change["cause"] for change in moved["blocked"]} == {"first_run"}


def test_a_recorded_plan_shows_as_it_was_made(emea: Installation) -> None:
    made = emea.run("plan", "--format", "json").out

    assert emea.run("show", "1", "--format", "json").out == made


def test_runs_are_listed_in_every_format(tmp_path: Path) -> None:
    emea = Installation(tmp_path)
    emea.people(staff(3))
    emea.phone(phone_users(2))
    emea.carry_out()

    listed: dict[str, Any] = json.loads(emea.run("runs", "--format", "json").out)
    assert [plan["id"] for plan in listed["plans"]] == ["1"]
    assert listed["runs"][0]["command"] == "apply"
    assert [json.loads(x) for x in emea.run("runs", "--format", "jsonl").out.splitlines()]
    assert list(csv.reader(io.StringIO(emea.run("runs", "--format", "csv").out)))
    for form in ("text", "html", "markdown"):
        assert "emea" in emea.run("runs", "--format", form).out


def test_an_inventory_is_a_snapshot_that_plans_the_same(tmp_path: Path) -> None:
    emea = busy(tmp_path / "one")
    before = emea.run("plan", "--format", "json", "--as-of", "2026-01-31").plan
    inventory = emea.run("inventory").out

    copy = busy(tmp_path / "two")
    copy.write("phone.jsonl", inventory)
    after = copy.run("plan", "--format", "json", "--as-of", "2026-01-31").plan

    assert after["changes"] == before["changes"]
    assert after["summary"] == before["summary"]


def test_csv_text_of_these_tests_reads_back() -> None:
    assert next(iter(csv.reader(io.StringIO(csv_text(staff(1)))))) == list(FIELDS)
