"""Dates as directories write them, graces one by one, and what is wrong with them in a mapping file."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import InputError
from mappings import load_mapping
from mappings.dates import day_in, read_day
from mappings.graces import GRACES, TAKER, problems_of, stages


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-01",
        " 2026-12-01 ",
        "20261201",
        "2026-12-01T00:00:00Z",
        "2026-12-01T00:00:00+05:00",
        "2026-12-01T17:30",
        "2026-12-01 17:30:59.123",
        "20261201000000.0Z",
        "202612010000Z",
    ],
)
def test_a_day_is_read_however_a_directory_writes_it(text: str) -> None:
    assert read_day(text) == date(2026, 12, 1)


def test_a_moment_is_of_the_day_that_it_is_in_the_persons_zone() -> None:
    late = read_day("20261201223000Z")

    assert day_in(late, UTC) == date(2026, 12, 1)
    assert day_in(late, timezone(timedelta(hours=2))) == date(2026, 12, 2)
    assert day_in(read_day("20261201003000+0200"), UTC) == date(2026, 11, 30)


@pytest.mark.parametrize(
    "text",
    ["", "soon", "01.12.2026", "2026-13-01", "2026-02-30", "2026-W49-1", "1764547200", "2026-12", "20261201250000Z", "²026-12-01", "2026-12-01T25:00"],
)  # fmt: skip
def test_what_is_no_date_is_not_guessed(text: str) -> None:
    with pytest.raises(ValueError):
        read_day(text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_generalized_time_and_iso_say_the_same(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    written = moment.isoformat()
    generalized = "".join(c for c in written[:19] if c.isdigit()) + "Z"

    assert read_day(generalized) == read_day(written)


@given(
    st.dictionaries(st.sampled_from(GRACES), st.integers(0, 30).map(lambda n: timedelta(days=n))),
    st.sampled_from(["remove_license", "trash"]),
)
def test_graces_without_problems_never_outlive_what_takes_them(
    after: dict[str, timedelta], do: str
) -> None:
    if list(problems_of(do, after)):
        return
    found = stages(do, after)
    assert all(
        found[thing] <= found[taker]
        for thing, taker in TAKER.items()
        if taker in after or taker != "account"
    )
    assert after.items() <= found.items()


def test_an_account_without_a_grace_of_its_own_goes_with_the_license() -> None:
    found = stages("trash", {"license": timedelta(days=14), "credits": timedelta(0)})

    assert {n: span.days for n, span in found.items()} == {
        "account": 14, "license": 14, "packages": 14, "number": 14, "delegates": 14, "credits": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("yaml", "problem"),
    [
        ("dates: {provision: 3d}", "dates: name the attribute of the start, or of the end"),
        ("dates: {end: title, provision: 3d}", "dates.provision: goes with a start only"),
        ("dates: {start: titel}", "titel"),
        ("dates: {start: name}", "dates.start: name has no value of its own"),
        ("dates: {start: title, timezone: Europe/Berln}", "did you mean 'Europe/Berlin'?"),
        ("timezones: {Munich: [x]}", "timezones.Munich"),
        ("leave: {when: 'title eq \"x\"', do: nothing, keep: []}", "write either `do` or `keep`"),
        ("leave: {keep: [license]}", "leave.when"),
        ("leavers: {do: trash, after: {credits: 3d}}", "leavers.after: say when the account goes"),
        ("leavers: {do: remove_license, after: {license: 1d, number: 36h}}", "leavers.after.number"),
        ("leavers: {do: remove_license, after: {license: 1d, account: 1d}}", "leaves the account alone"),
        ("leavers: {do: remove_license, after: {license: 1}}", "leavers.after.license: 1 is no time span"),
        ("leavers: {do: remove_license, after: 36501d}", "36501d is too long: at most 36500d"),
        ("rules: [{name: a, when: title pr, give: {number: {pool: m, on_move: stay}}}]", "keep, swap"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, yaml: str, problem: str) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(f"version: 1\n{yaml}\n", encoding="utf-8")

    with pytest.raises(InputError) as error:
        load_mapping(path)

    assert problem in str(error.value)
    assert f"{path}:2:" in str(error.value)


def test_all_of_it_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(
        "version: 1\ndates: {provision: x}\nleave: {when: 'a eq', keep: [nothing]}\n"
        "leavers: {do: remove_license, after: {license: 1d, number: 2d}}\n",
        encoding="utf-8",
    )

    with pytest.raises(InputError) as error:
        load_mapping(path)

    places = {problem.where.rsplit(":", 2)[1] for problem in error.value.problems}
    assert places == {"2", "3", "4"}
    assert len(error.value.problems) >= 5
