"""Whoever is sought by a list of ids is looked up: SQLite never goes through everybody to find a few.

Counted in the steps of SQLite's machine, which are the same on every computer.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from provisioner.store import scim_people
from provisioner.store.direct import Direct, Session
from provisioner.store.scim_members import resolve
from provisioner.store.scim_users import UserKeys, insert
from tests.provisioner.store.made import KINDS, store

IDS = [f"{n:032x}" for n in range(30)]


def fill(session: Session, until: int) -> None:
    """Have users from the first on, so many of them."""
    for n in range(session.rows("SELECT COUNT(*) FROM scim_users")[0][0], until):
        resource = {"userName": f"u{n}", "externalId": f"E{n}"}
        keys, at = UserKeys.of(resource), "2026-11-23T09:00:00.000Z"
        insert(session, "emea", f"{n:032x}", keys, "{}", at, anew=False)


def steps(direct: Direct, work: Callable[[Session], object]) -> int:
    """Return how many steps SQLite takes for it."""
    count = 0

    def one() -> int:
        nonlocal count
        count += 1
        return 0

    def counted(session: Session) -> None:
        session.connection.set_progress_handler(one, 1)
        try:
            work(session)
        finally:
            session.connection.set_progress_handler(None, 1)

    direct.read(counted)
    return count


@pytest.mark.parametrize(
    "work",
    [
        lambda session: resolve(session, "emea", IDS, kept=True),
        lambda session: scim_people.among(session, "emea", "id", IDS),
        lambda session: scim_people.among(
            session, "emea", "external_id", [f"E{n}" for n in range(30)]
        ),
    ],
    ids=["members", "marked by id", "marked by externalId"],
)
def test_a_few_cost_the_same_among_few_and_among_many(
    work: Callable[[Session], object], tmp_path: Path
) -> None:
    with store("sqlite", tmp_path) as engine:
        direct = Direct(engine)
        direct.write(lambda session: fill(session, 60))
        among_few = steps(direct, work)
        direct.write(lambda session: fill(session, 600))
        among_many = steps(direct, work)
        direct.close()

    assert among_few > 30
    assert among_many < 1.2 * among_few


def nest(session: Session) -> None:
    """Have groups a, b and c, of which a is in both others, and b in c."""
    for name in "abc":
        session.rows(
            "INSERT INTO scim_groups (sync, id, created, last_modified, version, document)"
            " VALUES ('emea', :id, '', '', 1, '{}') RETURNING seq",
            id=name,
        )
    seqs: dict[str, int] = dict(session.rows("SELECT id, seq FROM scim_groups"))
    for inner, outer in (("a", "b"), ("b", "c"), ("a", "c")):
        session.rows(
            "INSERT INTO scim_nested (group_seq, child_seq, sync) VALUES (:outer, :inner, 'emea')"
            " RETURNING group_seq",
            outer=seqs[outer],
            inner=seqs[inner],
        )


@pytest.mark.parametrize("kind", KINDS)
def test_of_some_groups_it_is_known_which_are_in_which(kind: str, tmp_path: Path) -> None:
    with store(kind, tmp_path) as engine:
        direct = Direct(engine)
        direct.write(nest)
        every = direct.read(lambda session: scim_people.nesting(session, "emea", ["a", "b", "c"]))
        some = direct.read(lambda session: scim_people.nesting(session, "emea", ["a", "c"]))
        direct.close()

    assert every == [("a", "b"), ("a", "c"), ("b", "c")]
    assert some == [("a", "c")]
