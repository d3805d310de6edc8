"""A plan file in an operator's hands: whole it stands for its plan; edited, cut or foreign it is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import RunError
from provisioner.commands.plans import plan_id, site_of
from provisioner.plan.document import read_plan
from provisioner.store import plans as plan_store
from provisioner.store.database import reading
from provisioner.wiring import Site
from tests.scenarios.installation import Installation, person, phone_user, phone_users, staff

FORMS = ("json", "jsonl")


class Written:
    """An installation whose plan 2 holds removals, a joiner and a warning, decided in part; and its files."""

    def __init__(self, folder: Path) -> None:
        self.emea = emea = Installation(folder)
        emea.people(staff(6))
        emea.phone(phone_users(6))
        emea.carry_out()
        emea.phone([*phone_users(6), phone_user(9, key=None, display_name="Žofie \\u00e9")])
        emea.configure(approval={"second": ["destructive"]})
        emea.people([*staff(4), person(7, displayName="Jürgen")])
        emea.plan()
        emea.run("approve", "2", "--only", "license.remove", "--by", "eva")
        self.site: Site = site_of(folder / "config.yaml")
        self.texts = {form: emea.run("show", "2", "--format", form).out for form in FORMS}

    def taken(self, text: str) -> str | None:
        """Return the plan that a file with this text stands for, None if it is refused."""
        with reading(self.site.engine) as connection:
            try:
                return plan_store.check_file(connection, read_plan(text))
            except RunError:
                return None


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    return Written(tmp_path_factory.mktemp("files"))


@pytest.mark.parametrize("form", FORMS)
def test_a_file_may_be_formatted_anew(written: Written, form: str) -> None:
    lines = [json.loads(line) for line in written.texts["jsonl"].splitlines()]
    head, *changes = lines
    anew = {
        "json": json.dumps({**dict(reversed(head.items())), "changes": changes}, indent=3),
        "jsonl": "\r\n".join(json.dumps(line, separators=(",", ":")) for line in lines) + "\n\n",
    }

    assert written.taken(written.texts[form]) == "2"
    assert written.taken(anew[form]) == "2"


@pytest.mark.parametrize("form", FORMS)
def test_a_file_cut_off_at_whatever_byte_is_refused(written: Written, form: str) -> None:
    data = written.texts[form].rstrip("\n").encode()

    taken = [cut for cut in range(len(data)) if written.taken(data[:cut].decode(errors="replace"))]

    assert taken == []


@pytest.mark.parametrize("lines", [1, 2, 3])
def test_a_file_cut_off_at_a_lines_end_says_how_much_of_it_there_is(
    written: Written, lines: int
) -> None:
    whole = written.texts["jsonl"].splitlines()
    path = written.emea.write("cut.jsonl", "\n".join(whole[:lines]) + "\n")

    with pytest.raises(RunError, match=f"holds {lines - 1} of {len(whole) - 1} changes"):
        plan_id(written.site, str(path))


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=400, deadline=None)
@given(at=st.integers(min_value=0), byte=st.integers(0, 255))
def test_one_changed_byte_is_refused_or_says_the_same(
    written: Written, form: str, at: int, byte: int
) -> None:
    data = bytearray(written.texts[form].encode())
    at %= len(data)
    was, data[at] = data[at], byte
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return  # refused as no text

    if byte != was and written.taken(text) is not None:
        values = [json.loads(line) for line in text.strip().split("\n")] if form == "jsonl" else json.loads(text)  # fmt: skip
        whole = written.texts[form]
        same = [json.loads(line) for line in whole.strip().split("\n")] if form == "jsonl" else json.loads(whole)  # fmt: skip
        assert values == same


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=200, deadline=None)
@given(at=st.integers(min_value=0), more=st.binary(min_size=1, max_size=3))
def test_inserted_bytes_are_refused_or_say_the_same(
    written: Written, form: str, at: int, more: bytes
) -> None:
    data = written.texts[form].encode()
    at %= len(data)
    try:
        text = (data[:at] + more + data[at:]).decode()
    except UnicodeDecodeError:
        return

    if written.taken(text) is not None:
        assert "".join(text.split()) == "".join(written.texts[form].split())


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda d: d["changes"][0].update(state="approved"), id="approved by hand"),
        pytest.param(lambda d: d["changes"][0].update(state="rejected"), id="rejected by hand"),
        pytest.param(lambda d: d["changes"][0].update(reason="because"), id="reason"),
        pytest.param(lambda d: d["decisions"][0].pop("lacks"), id="second approver"),
        pytest.param(lambda d: d["decisions"][0].update(by=["eva", "jan"]), id="approvers"),
        pytest.param(lambda d: d.pop("decisions"), id="decisions"),
        pytest.param(lambda d: d.pop("states"), id="hash"),
        pytest.param(lambda d: d.update(approved=True), id="a member of their own"),
        pytest.param(lambda d: d["changes"][0].update(skip=True), id="a change's own member"),
        pytest.param(lambda d: d["changes"].pop(), id="one less"),
        pytest.param(lambda d: d.update(id="1"), id="another plan's id"),
        pytest.param(lambda d: d.update(id="017"), id="an id that is none"),
        pytest.param(lambda d: d.update(created_at="2026-01-01T00:00:00Z"), id="moment"),
        pytest.param(lambda d: d.update(format="provisioner-plan/2"), id="version"),
        pytest.param(lambda d: d.update(sync="apac"), id="sync"),
        pytest.param(lambda d: d["changes"][0].update(seq=10**30), id="a number beyond all"),
    ],
)  # fmt: skip
def test_a_file_that_was_edited_by_hand_is_refused_and_nothing_is_decided(
    written: Written, edit: Callable[[dict[str, Any]], object]
) -> None:
    emea = written.emea
    document = json.loads(written.texts["json"])
    edit(document)
    path = emea.write("edited.json", json.dumps(document))
    before = emea.run("show", "2", "--format", "json").out

    for command in ("approve", "reject", "apply", "show"):
        ran = emea.run(command, str(path))
        assert ran.status == 1, ran.said
        assert "edited.json" in ran.err
        assert "Traceback" not in ran.said
    assert emea.run("show", "2", "--format", "json").out == before


def test_the_file_of_another_installation_is_refused_with_both_their_names(
    written: Written, tmp_path: Path
) -> None:
    other = Installation(tmp_path)
    sync = other.sync
    other.yaml("config.yaml", {"version": 1, "store": "sqlite:///s.db", "syncs": {"apac": sync}})
    other.people(staff(2))
    other.plan()
    other.plan()
    path = other.write("theirs.json", other.run("show", "2", "--format", "json").out)

    ran = written.emea.run("apply", str(path))

    assert ran.status == 1
    assert "another store's" in ran.err
    assert "sync 'apac'" in ran.err
    assert "sync 'emea'" in ran.err


def test_a_plan_of_another_version_is_refused_by_its_format(written: Written) -> None:
    text = written.texts["json"].replace("provisioner-plan/1", "provisioner-plan/2")

    with pytest.raises(RunError, match=r"format provisioner-plan/1.*found 'provisioner-plan/2'"):
        read_plan(text)
