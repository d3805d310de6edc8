"""Whatever goes wrong, in whatever order: no change is lost, and none is done twice."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.records import Change, PhoneUser
from provisioner.store.database import open_database
from tests.provisioner.apply.world import (
    Killed,
    Phone,
    Trouble,
    World,
    change,
    gives,
    joins,
    phone_with,
)

TROUBLES: tuple[Trouble, ...] = (
    "ok", "ok", "ok", "failed", "busy", "lost before", "lost after", "forgotten", "settling",
    "refused", "killed before", "killed after",
)  # fmt: skip

CHANGES: list[Change] = [
    change(1, "license.remove", "old", "zoom_phone", None, consequences=("license zoom_phone is freed",)),
    *joins(2, "zoe", "basic", "gold"),
    *joins(6, "max", "basic"),
    change(9, "profile.update", "eva", {"department": None, "job_title": "CEO"}, {"department": "Sales", "job_title": None}),
    change(10, "number.assign", "eva", "+1", "+2"),
    gives(11, "eva", needs=(1,)),
    change(12, "package.assign", "jan", "basic", "gold"),
    change(13, "delegate.add", "jan", None, "zoe@example.org", needs=(3, 4)),
    change(14, "site.set", "zoe", None, "Munich", id=None, needs=(2, 3)),
]  # fmt: skip
WISHED = {
    "old": (None, (), (), None, ()),
    "zoe": ("zoom_phone", ("basic", "gold"), (), "Munich", ()),
    "max": ("zoom_phone", ("basic",), (), None, ()),
    "eva": ("zoom_phone", ("basic",), ("+2",), None, ()),
    "jan": ("zoom_phone", ("gold",), (), None, ("zoe@example.org",)),
}


def company() -> Phone:
    phone = phone_with("old", "eva", "jan")
    eva = PhoneUser(
        "p-eva",
        "EVA",
        email="eva@example.org",
        license="zoom_phone",
        numbers=("+1",),
        job_title="CEO",
    )
    jan = PhoneUser(
        "p-jan", "JAN", email="jan@example.org", license="zoom_phone", packages=("basic",)
    )
    phone.users |= {"p-eva": eva, "p-jan": jan}
    return phone


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """An empty store: making one for each example would take most of the time."""
    with TemporaryDirectory() as folder:
        open_database(f"sqlite:///{folder}/store.db").dispose()
        yield Path(folder) / "store.db"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    runs=st.lists(st.lists(st.sampled_from(TROUBLES), max_size=14), max_size=5),
    a_call=st.integers(1, 4),
    hides=st.integers(0, 3),
)  # fmt: skip
def test_runs_that_go_wrong_and_are_repeated_do_every_change_once(
    template: Path, runs: list[list[Trouble]], a_call: int, hides: int
) -> None:
    phone = company()
    phone.a_call, phone.hides = a_call, hides
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        shutil.copy(template, Path(folder) / "store.db")
        here = World(Path(folder), patch, phone)
        plan = here.record(*CHANGES)
        for script in runs:
            _go_wrong(here, plan, script)
        last = here.apply(plan)
        for _ in range(6):  # what was accepted in one run is shown in a later one
            phone.settle()
            last = here.apply(plan)
        states = here.states(plan)
        here.engine.dispose()

    assert last.status == 0, last.left
    assert set(states) == {"done"}
    times = Counter((kind, key, str(after)) for kind, key, after in phone.done)
    assert set(times.values()) == {1}, "nothing twice"
    assert len(times) == len(CHANGES), "nothing lost"
    held = {str(u.key).lower(): u for u in phone.users.values()}
    assert {
        name: (u.license, u.packages, u.numbers, u.site, u.delegates) for name, u in held.items()
    } == WISHED


def _go_wrong(here: World, plan: str, script: list[Trouble]) -> None:
    try:
        here.apply(plan, *script)
    except Killed:
        here.revive()
    here.phone.settle()
