"""Credits entered by hand: kept as they were written, with who entered them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from connectors.credits import Entry
from provisioner.store import credits
from provisioner.store.database import reading
from provisioner.store.tables import audit
from tests.provisioner.store.made import KINDS, NOW, store


@pytest.fixture(params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    with store(request.param, tmp_path) as engine:
        yield engine


def test_entries_come_back_exactly_and_by_sync(engine: Engine) -> None:
    bought = Entry(date(2026, 11, 1), Decimal("500.00"))
    used = Entry(date(2026, 11, 2), Decimal("0.0001"))

    with engine.begin() as connection:
        credits.add(connection, "emea", "purchase", bought, "ops", "PO 7", NOW)
        credits.add(connection, "emea", "usage", used, "ops", None, NOW)
        credits.add(connection, "apac", "usage", bought, "ops", None, NOW)

    with reading(engine) as connection:
        assert credits.entries(connection, "emea") == ((bought,), (used,))
        assert credits.entries(connection, "nowhere") == ((), ())
        kinds = connection.execute(select(audit.c.kind)).scalars().all()
    assert list(kinds).count("credits.added") == 3
