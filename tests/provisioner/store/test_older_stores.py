"""A store that an older version made, opened by this one: nothing that was decided is lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, create_engine, text

from provisioner.plan.content import content_of
from provisioner.store import database
from provisioner.store import decisions as decision_store
from provisioner.store import plans as plan_store
from provisioner.store import runs as run_store
from provisioner.store.database import open_database, reading
from tests.provisioner.store.made import KINDS, NOW, a_plan, change
from tests.provisioner.store.made import database as made_database

MIGRATIONS = Path(database.__file__).parent / "migrations"


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with made_database(request.param, tmp_path) as url:
        yield url


def migrate(engine: Engine, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def test_decisions_of_the_first_version_hold_and_their_approver_is_known(url: str) -> None:
    plan = a_plan(change(1), change(2, who="jan"))
    contents = [content_of(each) for each in plan.changes]
    old = create_engine(url)
    migrate(old, "0001")
    row = {
        "sync": "emea",
        "at": "2026-11-23T09:00:00.000000Z",
        "until": "2026-12-07T09:00:00.000000Z",
    }
    with old.begin() as connection:
        connection.execute(
            text(
                """INSERT INTO plans (sync, created_at, scope, mapping, sha256, head, approved_at,
                approved_by) VALUES (:sync, :at, 'full', 'm', 's', '{}', :at, 'Eva Malá')"""
            ),
            row,
        )
        for content, decision in zip(contents, ("approved", "rejected"), strict=True):
            connection.execute(
                text(
                    "INSERT INTO decisions VALUES (:sync, :content, :what, 'Eva Malá', :at, :until, 1)"
                ),
                {**row, "content": content, "what": decision},
            )
    old.dispose()

    engine = open_database(url)

    with engine.begin() as connection:
        recorded = plan_store.record(connection, plan)
        assert [c.state for c in recorded.changes] == ["approved", "rejected"]
        again = decision_store.decide(
            connection, recorded, "approved", "EVA MALÁ", NOW, timedelta(1), second={"safe"}
        )
        assert again == 2
    with reading(engine) as connection:
        verdicts = decision_store.verdicts_of(connection, recorded, NOW)
        listed = {row.id: row.reviews for row in run_store.plans_listed(connection)}
    assert {verdict.by for verdict in verdicts.values()} == {("EVA MALÁ",)}, "one person, not two"
    assert [(r.decision, r.by, r.until) for r in listed["1"]] == [("approved", "Eva Malá", None)]
    engine.dispose()
