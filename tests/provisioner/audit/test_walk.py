"""Walking the chain: whatever single thing is done to it, the walk finds it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from provisioner.audit.walk import Broken, Walked, exported, stored
from provisioner.store.chain import NOTHING, Row, detail_text, hash_of, line_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
LENGTH = 6


def chain(count: int = LENGTH, prev: str = NOTHING, first: int = 1) -> list[Row]:
    """Return so many entries that hang together."""
    rows: list[Row] = []
    for number in range(first, first + count):
        detail = detail_text({"why": f"žluť {number}"})
        row = Row(number, "2026-11-23T09:00:00Z", "emea", "r", 7, number, "change.sent", detail, "")
        rows.append(row._replace(hash=hash_of(prev, row)))
        prev = rows[-1].hash
    return rows


CHAIN = chain()
LINES = [line_of(NOTHING, CHAIN[0])] + [line_of(a.hash, b) for a, b in pairwise(CHAIN)]


def walk_rows(rows: Sequence[Row]) -> Walked:
    """Walk rows as a store holds them: each with the hash of the one whose id is one lower."""
    hashes = {row.id: row.hash for row in rows}
    ordered = sorted(rows, key=lambda row: row.id)
    walked = Walked(next_id=1)
    walked.over(stored((hashes.get(row.id - 1, NOTHING), row) for row in ordered))
    return walked


def walk_lines(lines: Sequence[str], *, extract: bool = False, sought: str | None = None) -> Walked:
    walked = Walked(extract=extract, sought=sought)
    walked.over(exported((line + "\n").encode() for line in lines))
    return walked


def test_a_chain_that_nobody_touched_holds() -> None:
    for walked in (walk_rows(CHAIN), walk_lines(LINES)):
        assert (walked.entries, walked.last and walked.last.hash) == (LENGTH, CHAIN[-1].hash)
    assert walk_rows([]).entries == 0


MEMBERS = ("at", "sync", "run", "plan", "seq", "kind", "detail", "hash")


@given(
    at=st.integers(0, LENGTH - 1),
    member=st.sampled_from(MEMBERS),
    text=TEXTS,
    number=st.integers(0, 9),
)
def test_an_altered_member_is_found(at: int, member: str, text: str, number: int) -> None:
    value: Any = number if member in ("plan", "seq") else text
    assume(getattr(CHAIN[at], member) != value)
    rows = [*CHAIN]
    rows[at] = rows[at]._replace(**{member: value})

    with pytest.raises(Broken, match=rf"entry {at + 1} .*is not as it was written"):
        walk_rows(rows)


@given(at=st.integers(0, LENGTH - 2), text=TEXTS)
def test_an_altered_entry_whose_hash_was_made_anew_is_found_at_the_next(at: int, text: str) -> None:
    rows = [*CHAIN]
    changed = rows[at]._replace(detail=detail_text({"why": text}))
    prev = rows[at - 1].hash if at else NOTHING
    rows[at] = changed._replace(hash=hash_of(prev, changed))

    with pytest.raises(Broken, match=rf"entry {at + 2} .*is not as it was written after"):
        walk_rows(rows)


@given(at=st.integers(0, LENGTH - 2), many=st.integers(1, LENGTH))
def test_removed_entries_are_named(at: int, many: int) -> None:
    assume(at + many < LENGTH)
    last = at + many
    said = f"entry {last} is" if many == 1 else f"entries {at + 1} to {last} are"

    with pytest.raises(Broken, match=f"{said} missing"):
        walk_rows(CHAIN[:at] + CHAIN[last:])
    if at:  # a file may begin anywhere
        with pytest.raises(Broken, match=f"{said} missing"):
            walk_lines(LINES[:at] + LINES[last:])


@given(one=st.integers(0, LENGTH - 1), other=st.integers(0, LENGTH - 1), whole=st.booleans())
def test_entries_that_changed_places_are_found(one: int, other: int, whole: bool) -> None:
    assume(one < other)
    rows, lines = [*CHAIN], [*LINES]
    rows[one], rows[other] = CHAIN[other]._replace(id=one + 1), CHAIN[one]._replace(id=other + 1)
    lines[one], lines[other] = LINES[other], LINES[one]

    with pytest.raises(Broken, match=rf"entry {one + 1} "):
        walk_rows(rows)
    with pytest.raises(Broken):
        walk_lines(lines)


@given(at=st.integers(0, LENGTH), hashed=st.booleans())
def test_an_entry_that_was_put_in_is_found(at: int, hashed: bool) -> None:
    """In the store the ones that follow have to move up, and their ids are in their hashes."""
    assume(at < LENGTH)
    prev = CHAIN[at - 1].hash if at else NOTHING
    forged = Row(at + 1, "2026-11-23T09:00:00Z", "emea", "r", 7, 1, "change.sent", "{}", "0" * 64)
    if hashed:
        forged = forged._replace(hash=hash_of(prev, forged))
    moved = [row._replace(id=row.id + 1) for row in CHAIN[at:]]

    with pytest.raises(Broken, match=rf"entry {at + (2 if hashed else 1)} "):
        walk_rows([*CHAIN[:at], forged, *moved])
    with pytest.raises(Broken):
        walk_lines([*LINES[:at], line_of(prev, forged), *LINES[at:]])


@given(at=st.integers(0, LENGTH - 1), data=st.data())
def test_a_line_in_which_any_letter_was_changed_removed_or_put_in_is_found(
    at: int, data: st.DataObject
) -> None:
    line = LINES[at]
    start = data.draw(st.integers(0, len(line) - 1))
    letters = data.draw(TEXTS.filter(lambda text: "\n" not in text))
    changed = line[:start] + letters + line[start + data.draw(st.integers(0, 2)) :]
    assume(changed != line and changed != line + "\r")
    lines = [*LINES]
    lines[at] = changed

    with pytest.raises(Broken):
        walk_lines(lines)


@given(st.lists(st.binary(max_size=300), max_size=3))
def test_a_file_of_anything_else_is_told_to_be_none(junk: list[bytes]) -> None:
    assume(junk)

    with pytest.raises(Broken, match="line 1 is no entry of an audit"):
        Walked().over(exported(junk))


def test_a_file_may_begin_anywhere() -> None:
    walked = walk_lines(LINES[2:])

    assert (walked.entries, walked.first and walked.first.id) == (LENGTH - 2, 3)


@given(st.sets(st.integers(0, LENGTH - 1), min_size=1))
def test_an_extract_holds_with_whatever_is_left_out(kept: set[int]) -> None:
    assert walk_lines([LINES[n] for n in sorted(kept)], extract=True).entries == len(kept)


def test_in_an_extract_too_an_altered_line_is_found() -> None:
    with pytest.raises(Broken, match=r"entry 4 .*altered"):
        walk_lines([LINES[1], LINES[3].replace("change.sent", "change.done")], extract=True)


def test_in_an_extract_too_what_stands_in_the_wrong_order_is_found() -> None:
    with pytest.raises(Broken, match=r"entry 2 .*stands after entry 4"):
        walk_lines([LINES[3], LINES[1]], extract=True)


def test_in_an_extract_too_neighbours_must_hang_together() -> None:
    forged = CHAIN[1]._replace(detail="{}")
    line = line_of(CHAIN[0].hash, forged._replace(hash=hash_of(CHAIN[0].hash, forged)))

    with pytest.raises(Broken, match=r"entry 3 .*doesn't follow from entry 2"):
        walk_lines([line, LINES[2]], extract=True)


def test_a_hash_that_is_looked_for_is_found_wherever_it_stands() -> None:
    assert walk_lines(LINES, sought=CHAIN[2].hash).found == 3
    assert walk_lines(LINES, sought="f" * 64).found is None


def test_a_chain_that_was_written_anew_holds_but_has_none_of_the_old_hashes() -> None:
    forged = CHAIN[1]._replace(kind="change.done", hash="")
    forged = forged._replace(hash=hash_of(CHAIN[0].hash, forged))
    anew = [CHAIN[0], forged, *chain(LENGTH - 2, forged.hash, 3)]

    assert walk_rows(anew).entries == LENGTH
    assert not {row.hash for row in anew[1:]} & {row.hash for row in CHAIN}
