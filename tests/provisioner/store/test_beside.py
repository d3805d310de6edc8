"""Files beside a SQLite store: made once, by whichever of its processes comes first."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import insert, make_url, select

from provisioner.store.beside import beside, open_beside
from provisioner.store.database import StoreError
from provisioner.store.rate_board import metadata, rates


def test_many_may_open_a_new_file_at_the_same_moment(tmp_path: Path) -> None:
    for n in range(20):
        path, ready = tmp_path / f"store{n}-rates.db", Barrier(8)

        def opened(who: int, path: Path = path, ready: Barrier = ready) -> None:
            ready.wait()
            engine = open_beside(path, "the file", metadata)
            with engine.begin() as connection:
                connection.execute(insert(rates).values(account=f"{who}", version=1, places=b""))
            engine.dispose()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(opened, range(8)))
        with open_beside(path, "the file", metadata).connect() as connection:
            assert len(connection.execute(select(rates.c.account)).all()) == 8


def test_a_file_is_its_owners_alone_and_an_error_names_it(tmp_path: Path) -> None:
    path = tmp_path / "store-rates.db"
    open_beside(path, "the file", metadata)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    with pytest.raises(StoreError, match=r"the file .*nowhere"):
        open_beside(tmp_path / "nowhere" / "store-rates.db", "the file", metadata)


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_store_in_memory_has_no_file_beside_it(url: str) -> None:
    assert beside(make_url(url), "rates") is None
