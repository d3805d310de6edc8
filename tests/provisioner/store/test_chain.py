"""The chain: an entry as a line, and what its hash stands for."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from provisioner.store.chain import NOTHING, Row, detail_text, hash_of, line_of, parted

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
DETAILS = st.dictionaries(TEXTS, st.recursive(TEXTS | st.integers() | st.none(), st.lists))
ROWS = st.builds(
    Row,
    id=st.integers(1, 2**40),
    at=TEXTS,
    sync=TEXTS | st.none(),
    run=TEXTS | st.none(),
    plan=st.integers(0, 2**31) | st.none(),
    seq=st.integers(0, 2**31) | st.none(),
    kind=TEXTS,
    detail=st.builds(detail_text, DETAILS),
    hash=st.just(""),
)


def hashed(row: Row, prev: str = NOTHING) -> Row:
    return row._replace(hash=hash_of(prev, row))


@given(ROWS, DETAILS)
def test_a_line_is_json_that_says_all_of_the_entry(row: Row, detail: dict[str, Any]) -> None:
    row = hashed(row._replace(detail=detail_text(detail)))

    line = line_of(NOTHING, row)

    assert "\n" not in line
    assert json.loads(line) == {
        "prev": NOTHING, "id": row.id, "at": row.at, "sync": row.sync, "run": row.run,
        "plan": None if row.plan is None else str(row.plan), "seq": row.seq, "kind": row.kind,
        "detail": detail, "hash": row.hash,
    }  # fmt: skip


@given(ROWS)
def test_a_lines_hash_is_that_of_the_line_without_it(row: Row) -> None:
    row = hashed(row)
    line = line_of(NOTHING, row)

    bare = line.removesuffix(f',"hash":"{row.hash}"}}') + "}"

    assert hashlib.sha256(bare.encode()).hexdigest() == row.hash
    assert parted(line.encode()) == (row.hash, row.hash)


@given(ROWS, ROWS)
def test_entries_that_differ_have_hashes_that_differ(one: Row, other: Row) -> None:
    same = one._replace(detail="") == other._replace(detail="") and one.detail == other.detail

    assert (hashed(one).hash == hashed(other).hash) is same


def test_the_same_entry_elsewhere_in_the_chain_has_another_hash() -> None:
    row = Row(2, "", None, None, None, None, "call", "{}", "")

    assert hash_of(NOTHING, row) != hash_of("1" * 64, row)


def test_half_a_letter_out_of_a_vendors_message_is_kept() -> None:
    assert json.loads(detail_text({"reason": "no \ud800 seat"})) == {"reason": "no \ud800 seat"}
    hashed(Row(1, "", None, None, None, None, "call", detail_text({"reason": "\ud800"}), ""))


def test_what_is_no_entrys_line_has_no_parts() -> None:
    for line in (b"", b"{}", b"[1]", b"\xff" * 200, b'{"hash":"' + b"0" * 64 + b'"}'):
        assert parted(line) is None
