"""What the benchmark of a large Zoom account takes for the fewest, tried on a small one."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.zoom_account import fewest_pages, joiners


@pytest.mark.parametrize(("users", "pages"), [(1, 3), (100, 3), (101, 4), (50_000, 502)])
def test_the_fewest_pages_are_full_ones_and_one_each_of_rooms_and_common_areas(
    users: int, pages: int
) -> None:
    assert fewest_pages(users) == pages


def test_joiners_take_a_call_for_each_account_and_one_for_ten_phones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert joiners(tmp_path, 12)

    table = capsys.readouterr().out
    assert "writes logged: 14, fewest 14" in table
    assert "license.assign" in table
