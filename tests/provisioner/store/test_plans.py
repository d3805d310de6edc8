"""Plans on record: counted, bound to their content, and remembered for the next one."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from connectors.errors import RunError
from connectors.records import Change, Outcome
from provisioner.plan.document import read_plan
from provisioner.plan.model import Adoption, Cluster, Plan, Summary
from provisioner.report import write_report
from provisioner.store import changes as change_store
from provisioner.store import decisions as decision_store
from provisioner.store import plans as plan_store
from provisioner.store import tables
from provisioner.store.database import reading
from tests.provisioner.store.made import KINDS, NOW, a_plan, change, store

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
JOINER = change(1, "user.create", "jan", after="jan@example.org", id=None)


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Engine]:
    with store("sqlite", tmp_path) as engine:
        yield engine


def record(engine: Engine, *changes: Change, covers: Sequence[str] = (), **members: Any) -> Plan:
    with engine.begin() as connection:
        return plan_store.record(connection, a_plan(*changes, **members), covers)


def done(engine: Engine, plan: Plan, *seqs: int, hours_ago: float = 0, state: Any = "done") -> None:
    known = [(c, Outcome(c.seq, state)) for c in plan.changes if c.seq in seqs]
    with engine.begin() as connection:
        change_store.mark(connection, plan, known, NOW - hours_ago * HOUR)


def written(plan: Plan, form: str = "json") -> str:
    out = io.StringIO()
    write_report(plan, form, out)
    return out.getvalue()


# ids


def test_plans_are_counted_over_all_syncs(engine: Engine) -> None:
    assert [record(engine, sync=s).id for s in ("emea", "apac", "emea")] == ["1", "2", "3"]


def test_two_processes_that_plan_at_once_get_two_ids(engine: Engine) -> None:
    ids: list[str] = []

    def work() -> None:
        ids.extend(record(engine, change(1)).id for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(map(int, ids)) == list(range(1, 31))


def test_an_id_is_not_given_again_after_a_plan_was_removed(sqlite: Engine) -> None:
    plan = record(sqlite)
    with sqlite.begin() as connection:
        connection.execute(tables.plans.delete())

    assert int(record(sqlite).id) > int(plan.id)


@pytest.mark.parametrize(
    "given", ["2", "0", "-1", "01", "1.0", " 1", "٣", "9" * 40, "", "plan.json"]
)
def test_an_id_that_was_never_given_is_an_unknown_plan(sqlite: Engine, given: str) -> None:
    record(sqlite)

    with reading(sqlite) as connection:
        assert not plan_store.exists(connection, given)
        with pytest.raises(RunError, match="there is no plan"):
            plan_store.load(connection, given)


def test_the_newest_plan_is_the_one_made_last_whatever_the_clock_says(engine: Engine) -> None:
    record(engine, created_at=NOW)
    last = record(engine, created_at=NOW - WEEK)

    with reading(engine) as connection:
        assert plan_store.newest_full(connection, "emea") == last.id


# content


def test_a_plan_is_loaded_as_it_was_recorded(engine: Engine) -> None:
    plan = record(
        engine,
        change(1, consequences=("number +4989 is released",), needs=(), rule="sales"),
        change(2, "profile.update", before={"title": None}, after={"title": "Žofie \x00 🎉"}),
        change(3, state="held", reason="212 people"),
        clusters=(Cluster("c1", "joined", 1, "safe"),),
        waiting=(change(0, "license.assign", reason="pending"),),
        adoption=Adoption(matched={"join": 3}),
        warnings=("a", "b"),
    )

    with reading(engine) as connection:
        assert plan_store.load(connection, plan.id) == plan


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_written_plan_is_known_whatever_became_of_it_since(sqlite: Engine, form: str) -> None:
    plan = record(sqlite, JOINER, change(2), change(3, state="held", reason="212 people"))
    before = written(plan, form)
    with sqlite.begin() as connection:
        decision_store.decide(connection, plan, "approved", "eva", NOW, WEEK)
        made = [
            (JOINER, Outcome(1, "done", None, "p-7")),
            (plan.changes[1], Outcome(2, "failed", "no")),
        ]
        change_store.mark(connection, plan, made, NOW)
        after = written(plan_store.load(connection, plan.id), form)

    assert before != after
    with reading(sqlite) as connection:
        for text in (before, after):
            assert plan_store.check_file(connection, read_plan(text)) == plan.id


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda d: d["changes"][0].update(after="gold"), id="after"),
        pytest.param(lambda d: d["changes"][0].update(before="gold"), id="before"),
        pytest.param(lambda d: d["changes"][0].update(kind="package.remove"), id="kind"),
        pytest.param(lambda d: d["changes"][0].update(key="JAN"), id="key"),
        pytest.param(lambda d: d["changes"][0].update(id="p-jan"), id="vendor's id"),
        pytest.param(lambda d: d["changes"][0].update(user="jan@example.org"), id="user"),
        pytest.param(lambda d: d["changes"][0].update(risk="destructive"), id="risk"),
        pytest.param(lambda d: d["changes"][0].update(because="so"), id="because"),
        pytest.param(lambda d: d["changes"][0].update(consequences=["none"]), id="consequences"),
        pytest.param(lambda d: d["changes"][1].update(needs=[1]), id="needs"),
        pytest.param(lambda d: d["changes"].pop(), id="one less"),
        pytest.param(lambda d: d["changes"].reverse(), id="other order"),
        pytest.param(lambda d: d["changes"].append(d["changes"][0]), id="one more"),
        pytest.param(lambda d: d.update(sync="apac"), id="sync"),
        pytest.param(lambda d: d.update(scope="preview"), id="scope"),
        pytest.param(lambda d: d["base"].update(phone="sha256:0"), id="base"),
        pytest.param(lambda d: d["summary"].update(removals=9), id="summary"),
        pytest.param(lambda d: d.update(warnings=["w"]), id="warnings"),
    ],
)  # fmt: skip
def test_a_plan_file_that_was_edited_is_refused(sqlite: Engine, edit: Any) -> None:
    document = json.loads(written(record(sqlite, change(1), change(2, who="jan"))))
    edit(document)

    with reading(sqlite) as connection, pytest.raises(RunError, match="edited or cut off"):
        plan_store.check_file(connection, read_plan(json.dumps(document)))


def test_a_plan_file_cut_off_between_two_lines_is_refused(sqlite: Engine) -> None:
    lines = written(record(sqlite, change(1), change(2, who="jan")), "jsonl").splitlines()

    with reading(sqlite) as connection, pytest.raises(RunError, match="cut off"):
        plan_store.check_file(connection, read_plan("\n".join(lines[:-1])))


def test_the_plan_file_of_another_store_is_refused(sqlite: Engine, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with store("sqlite", tmp_path / "other") as other:
        record(other, change(1))
        theirs = record(other, change(1))
    record(sqlite, change(1, who="jan"))

    with reading(sqlite) as connection:
        with pytest.raises(
            RunError, match="plan '2' of sync 'emea', which this store doesn't know"
        ):
            plan_store.check_file(connection, theirs)
        with pytest.raises(RunError, match="another store's"):
            plan_store.check_file(connection, msgspec.structs.replace(theirs, id="1"))


# what planning remembers


def test_the_last_24_hours_count_what_reached_the_phone_system(engine: Engine) -> None:
    takes = {"before": "zoom_phone", "after": None}
    plan = record(
        engine,
        *(change(n, "license.remove", f"p{n}", **takes) for n in range(1, 6)),
        change(6, who="given"),
    )
    done(engine, plan, 1, 6, hours_ago=1)
    done(engine, plan, 2, hours_ago=25)
    done(engine, plan, 3, state="sent")
    done(engine, plan, 4, state="failed")

    with reading(engine) as connection:
        memory = plan_store.remembered(connection, "emea", NOW)

    assert memory.lost == {"p1", "p3"}
    assert memory.changed == {"p1", "p3", "given"}


def test_what_is_not_done_keeps_its_reason_for_the_next_plan(engine: Engine) -> None:
    plan = record(
        engine,
        change(1, cause="mapping", because="a rule", cluster="c1"),
        change(2, who="jan"),
        clusters=(Cluster("c1", "a rule changed: 1 person", 1, "safe"),),
    )
    done(engine, plan, 2)

    with reading(engine) as connection:
        memory = plan_store.remembered(connection, "emea", NOW)

    assert [(r.cause, r.title) for r in memory.reasons.values()] == [
        ("mapping", "a rule changed: 1 person")
    ]
    assert memory.mapping == "sha256:m"


def test_a_number_rests_whatever_change_released_it(engine: Engine) -> None:
    said = ("calling package basic is removed", "number +3 is released")
    plan = record(
        engine,
        change(1, "number.release", "a", before="+1", after=None),
        change(2, "number.assign", "b", before="+2", after="+9"),
        change(3, "license.remove", "c", before="zoom_phone", consequences=said),
        change(4, "user.deactivate", "d", before="d", consequences=("number +4 is released",)),
        change(5, "package.remove", "e", consequences=("number +5 is released",)),
        change(6, "number.assign", "f", before=None, after="+6"),
        change(7, "number.release", "g", before="+7", after=None),
        change(8, "number.release", "h", before="+8", after=None),
    )
    done(engine, plan, 1, 2, 3, 4, 5, 6)
    done(engine, plan, 7, state="failed")
    done(engine, plan, 8, hours_ago=30)

    with reading(engine) as connection:
        released = plan_store.releases_since(connection, "emea", NOW - 24 * HOUR)

    assert sorted(each.number for each in released) == ["+1", "+2", "+3", "+4", "+5"]
    assert {each.at for each in released} == {NOW}


def test_the_population_is_the_newest_full_plans(engine: Engine) -> None:
    with reading(engine) as connection:
        assert plan_store.population(connection, "emea") == 0
    record(engine, change(1))
    record(engine, change(1), summary=Summary(people=3, unchanged=0, changes={}), scope="users")

    with reading(engine) as connection:
        assert plan_store.population(connection, "emea") == 10
