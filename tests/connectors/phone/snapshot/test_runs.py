"""Several changes carried out together, and the file rewritten in one step."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import IncompleteRead, RunError, TransientError
from connectors.phone.snapshot import Snapshot, in_order
from connectors.records import PhoneUser
from tests.connectors.phone.snapshot.written import (
    FULL,
    Write,
    carry_out,
    change,
    read,
    refused,
    user,
    written,
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return partial(written, tmp_path)


def test_a_joiner_is_made_and_equipped_in_one_run(write: Write) -> None:
    phone = write(user("jan"))
    eva = {"id": None, "user": "eva@example.org", "key": "8C1F"}

    outcomes = carry_out(
        phone,
        change("eva", "user.create", None, {"display_name": "Eva Malá"}, seq=1, **eva),
        change("eva", "license.assign", None, "L", seq=2, needs=(1,), **eva),
        change("eva", "package.assign", None, "P", seq=3, needs=(2,), **eva),
    )

    made = read(phone)[outcomes[0].id or ""]
    assert [o.state for o in outcomes] == ["done"] * 3
    assert made == PhoneUser(
        id=made.id,
        key="8C1F",
        email="eva@example.org",
        display_name="Eva Malá",
        license="L",
        packages=("P",),
    )


def test_the_same_key_always_makes_the_same_id(write: Write) -> None:
    ids = [
        carry_out(write(), change("eva", "user.create", id=None, key=key))[0].id
        for key in ("8C1F", "8c1f")
    ]

    assert ids[0] == ids[1] is not None


def test_an_id_that_somebody_else_has_is_not_given_again(write: Write) -> None:
    (made,) = carry_out(write(), change("eva", "user.create", id=None))
    phone = write({"id": made.id, "key": "another"})

    assert "is taken" in refused(phone, change("eva", "user.create", id=None))


@pytest.mark.parametrize(
    ("there", "reason"),
    [
        (user("old", status="trashed", key="K-EVA"), "in the trash: restore it"),
        (user("eva", key="another"), "belongs to phone user eva"),
    ],
)
def test_nobody_is_made_beside_the_user_they_already_have(
    write: Write, there: dict[str, Any], reason: str
) -> None:
    assert reason in refused(write(there), change("eva", "user.create", id=None))


def test_after_a_failure_the_rest_of_that_person_is_left_and_who_needs_it_too(write: Write) -> None:
    phone = write(
        {"catalog": {"licenses": {"L": 0}}}, user("eva"), user("jan", **FULL), user("ada", **FULL)
    )

    outcomes = carry_out(
        phone,
        change("eva", "license.assign", None, "L", seq=1),
        change("eva", "package.assign", None, "P", seq=2),
        change("jan", "delegate.add", None, "eva@example.org", seq=3, needs=(2,)),
        change("ada", "package.remove", "P", seq=4),
    )

    assert [o.state for o in outcomes] == ["failed", "failed", "failed", "done"]
    assert outcomes[1].reason == "not tried: change 1 before it is failed"
    assert outcomes[2].reason == "not tried: change 2 before it is failed"


def test_changes_are_ordered_by_seq_but_each_after_its_needs() -> None:
    first, second, third = (
        change("eva", "site.set", seq=1, needs=(3,)),
        change("jan", "site.set", seq=2),
        change("ada", "site.set", seq=3),
    )

    ordered = in_order([third, second, first])

    assert ordered.index(third) < ordered.index(first)
    assert sorted(ordered, key=lambda c: c.seq) == [first, second, third]


def test_changes_that_need_each_other_are_given_back_all_the_same() -> None:
    circle = [change("eva", "a.b", seq=1, needs=(2,)), change("jan", "a.b", seq=2, needs=(1,))]

    assert in_order(circle) == circle


@settings(deadline=None)
@given(needs=st.lists(st.lists(st.integers(1, 12), max_size=3), max_size=12), data=st.data())
def test_grouping_is_pure_and_keeps_every_need(needs: list[list[int]], data: st.DataObject) -> None:
    changes = [
        change("eva", "site.set", seq=seq, needs=tuple(n for n in given if n < seq))
        for seq, given in enumerate(needs, 1)
    ]
    shuffled = data.draw(st.permutations(changes))
    phone = Snapshot(Path("s.jsonl"))

    calls = phone.calls(shuffled)

    assert calls == phone.calls(changes)
    assert [c for call in calls for c in call.changes] == changes
    assert len(calls) == bool(changes)


def test_all_other_lines_stay_byte_for_byte(write: Write) -> None:
    odd = b'  { "vendor" : {"x":1.0},   "id":"jan" , "license":null }\r\n'
    catalog = b'{ "catalog": {"licenses": {"L": 3}} }\n'
    phone = write(catalog, odd, user("eva"), b"\n", b'{"id":"last"}')

    carry_out(
        phone, change("eva", "license.assign", None, "L"), change("new", "user.create", id=None)
    )

    written = phone.path.read_bytes().splitlines(keepends=True)
    assert written[:2] == [catalog, odd]
    assert json.loads(written[2])["license"] == "L"
    assert written[3:5] == [b"\n", b'{"id":"last"}\n']
    assert json.loads(written[5])["email"] == "new@example.org"
    assert len(written) == 6


def test_a_users_other_members_survive_a_change(write: Write) -> None:
    phone = write(user("eva", vendor={"suite": ["E5"]}, role="admin", delegates=None, site="Brno"))

    carry_out(phone, change("eva", "license.assign", None, "L"))

    eva = read(phone)["eva"]
    assert (eva.vendor, eva.role, eva.delegates, eva.site) == (
        {"suite": ["E5"]},
        "admin",
        None,
        "Brno",
    )


def test_a_run_with_nothing_to_do_does_not_touch_the_file(write: Write) -> None:
    phone = write(user("eva", **FULL))
    before = os.stat(phone.path)

    (outcome,) = carry_out(phone, change("eva", "license.assign", None, "L"))

    after = os.stat(phone.path)
    assert outcome.state == "done"
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_a_rewrite_keeps_permissions_and_links_and_leaves_nothing_behind(
    write: Write, tmp_path: Path
) -> None:
    real = write(user("eva")).path
    real.chmod(0o640)
    folder = tmp_path / "links"
    folder.mkdir()
    link = folder / "link.jsonl"
    link.symlink_to(real)

    carry_out(Snapshot(link), change("eva", "license.assign", None, "L"))

    assert link.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert read(Snapshot(real))["eva"].license == "L"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["links", "s.jsonl"]


def test_a_crash_before_the_last_step_leaves_the_old_file(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = write(user("eva"))
    before = phone.path.read_bytes()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(KeyboardInterrupt):
        carry_out(phone, change("eva", "license.assign", None, "L"))

    assert phone.path.read_bytes() == before


def test_a_full_disk_is_told_and_changes_nothing(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = write(user("eva"))
    before = phone.path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="can't be written: No space left on device"):
        carry_out(phone, change("eva", "license.assign", None, "L"))

    assert phone.path.read_bytes() == before
    assert [p.name for p in phone.path.parent.iterdir()] == ["s.jsonl"]


def test_what_somebody_else_wrote_meanwhile_is_not_overwritten(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = write(user("eva"))
    fsync = os.fsync

    def and_meanwhile(handle: int) -> None:
        fsync(handle)
        with phone.path.open("ab") as file:
            file.write(b'{"id":"jan"}\n')

    monkeypatch.setattr(os, "fsync", and_meanwhile)
    with pytest.raises(TransientError, match="written by somebody else"):
        carry_out(phone, change("eva", "license.assign", None, "L"))

    monkeypatch.undo()
    assert {id: u.license for id, u in read(phone).items()} == {"eva": None, "jan": None}


def test_nothing_is_carried_out_on_a_file_that_can_not_be_read_whole(write: Write) -> None:
    phone = write(user("eva"), b'{"id":"ja')
    before = phone.path.read_bytes()

    with pytest.raises(IncompleteRead):
        carry_out(phone, change("eva", "license.assign", None, "L"))

    assert phone.path.read_bytes() == before


def test_runs_at_the_same_time_wait_for_each_other_and_lose_nothing(write: Write) -> None:
    names = [f"u{n}" for n in range(24)]
    phone = write(*map(user, names))

    def run(name: str) -> str:
        (outcome,) = Snapshot(phone.path).carry_out([change(name, "license.assign", None, "L")])
        return outcome.state

    with ThreadPoolExecutor(8) as pool:
        states = list(pool.map(run, names))

    assert states == ["done"] * len(names)
    assert {u.license for u in phone.read()} == {"L"}
