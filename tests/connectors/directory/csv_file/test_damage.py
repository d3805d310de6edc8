"""No damage to a file makes a leaver of anybody: it fails the read, or is a flaw."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.directory.csv_file import CsvDirectory
from connectors.errors import IncompleteRead, InputError, RunError
from connectors.records import Flaw, Person

HEADER = "userName,externalId,displayName,email,active\n"
EVA = "eva,e1,Eva Malá,eva@example.org,true\n"
JAN = "jan,e2,Jan Novák,jan@example.org,true\n"
ADA = "ada,e3,Ada Wong,ada@example.org,true\n"


Write = Callable[..., CsvDirectory]


def flaws(directory: CsvDirectory) -> list[tuple[str, str | None]]:
    return [(each.where, each.key) for each in directory.read() if isinstance(each, Flaw)]


def names(directory: CsvDirectory) -> list[str]:
    return [each.resource["displayName"] for each in directory.read() if isinstance(each, Person)]


@given(cut=st.integers(0, len((HEADER + EVA + JAN + ADA).encode()) - 1))
def test_a_file_cut_anywhere_is_no_read_or_a_read_of_whole_rows(
    tmp_path_factory: pytest.TempPathFactory, connected: Write, cut: int
) -> None:
    base = tmp_path_factory.mktemp("csv")
    whole = (HEADER + EVA + JAN + ADA).encode()
    (base / "people.csv").write_bytes(whole[:cut])
    source = connected(base)
    try:
        found = list(source.read())
    except RunError:
        return
    # A cut in the last field of the last row can't be told, but that it has all its fields can.
    rows = whole[:cut].decode().splitlines()[1:]
    assert len(found) == len(rows)
    assert all(row.count(",") == HEADER.count(",") for row in rows)


def test_a_last_line_that_breaks_off_fails_the_read(directory: Write) -> None:
    source = directory(HEADER + EVA + "jan,e2,Jan")

    with pytest.raises(IncompleteRead, match=r"people.csv:3: .*cut off"):
        list(source.read())


def test_rows_with_too_few_or_too_many_fields_are_flaws_and_the_rest_goes_on(
    directory: Write,
) -> None:
    source = directory(HEADER + EVA + "jan,e2,Novák, Jan,j@x.org,1\nleo,e4\n" + ADA)

    assert flaws(source) == [("people.csv:3", "e2"), ("people.csv:4", "e4")]
    assert names(source) == ["Eva Malá", "Ada Wong"]


def test_a_surplus_field_is_not_taken_for_an_empty_column_at_the_end(directory: Write) -> None:
    rows = "userName,displayName,email\neva,Eva,eva@x.org\njan,Novák, Jan,\n"

    assert flaws(directory(rows, key="userName")) == [("people.csv:3", "jan")]


def test_a_key_that_a_stray_delimiter_shifted_is_found_or_not_told(directory: Write) -> None:
    rows = "displayName,externalId,title\nEva,e1,Clerk\nNovák, Jan,e2,Clerk\na3, b3,e3,Clerk\n"

    assert flaws(directory(rows)) == [("people.csv:3", "e2"), ("people.csv:4", None)]


@pytest.mark.parametrize("people_after", [1, 10_000])  # within the limit of a field, and beyond
def test_an_unclosed_quote_that_swallows_the_rest_fails_the_read(
    directory: Write, people_after: int
) -> None:
    source = directory(HEADER + EVA + 'jan,e2,"Jan,j@x.org,1\n' + ADA * people_after)

    with pytest.raises(IncompleteRead, match=r"people.csv:3: a quote .* never closed"):
        list(source.read())


@pytest.mark.parametrize(
    "rows",
    [
        'jan,e2,"Jan,j@x.org,1\nleo,e4,"Leo",l@x.org,1\n',
        'jan,e2,"Jan,j@x.org,1\nleo,e4,Leo",l@x.org,1\n',
        'jan,e2,Jan,j@x.org,"1\nleo,e4,Leo,l@x.org,1"\n',
        'jan,e2,"Jan,j@x.org,1\n\nleo,e4,Leo,l@x.org,1\nmia,e5,Mia",m@x.org,1\n',
    ],
    ids=["closed by another quote", "in one column twice", "in the last column", "over many rows"],
)
def test_rows_between_two_stray_quotes_are_missed(directory: Write, rows: str) -> None:
    source = directory(HEADER + EVA + rows + ADA)

    assert flaws(source) == [("people.csv:3", None)]
    assert names(source) == ["Eva Malá", "Ada Wong"]


def test_text_around_a_quoted_field_is_a_flaw(directory: Write) -> None:
    source = directory(HEADER + 'jan,e2,"Jan" Novák,j@x.org,1\n' + ADA)

    assert flaws(source) == [("people.csv:2", None)]
    assert names(source) == ["Ada Wong"]


def test_a_field_beyond_the_size_limit_is_a_flaw(directory: Write) -> None:
    source = directory(HEADER + f"jan,e2,{'x' * 200_000},j@x.org,1\n" + ADA)

    assert flaws(source) == [("people.csv:2", None)]
    assert names(source) == ["Ada Wong"]


def test_a_line_without_end_fails_the_read_in_bounded_memory(directory: Write) -> None:
    source = directory(HEADER.encode() + b"x" * (40 << 20))

    with pytest.raises(IncompleteRead, match="a line of more than"):
        list(source.read())


def test_nul_bytes_mean_that_somebody_may_be_missing(directory: Write) -> None:
    source = directory(HEADER + EVA + "jan,e2,Jan\0\0\0,j@x.org,1\n" + ADA)

    assert flaws(source) == [("people.csv:3", None)]
    assert names(source) == ["Eva Malá", "Ada Wong"]


def test_a_file_that_ends_in_nul_bytes_is_cut_off(directory: Write) -> None:
    with pytest.raises(IncompleteRead, match=r"people.csv:3: .*cut off"):
        list(directory(HEADER + EVA + "\0" * 4096).read())


@pytest.mark.parametrize("encoding", ["utf-8", None])
def test_a_byte_that_is_not_in_the_encoding_fails_the_read_and_names_the_line(
    directory: Write, encoding: str | None
) -> None:
    raw = (HEADER + EVA).encode() + ADA.encode() * 5000 + "jan,e2,René,j@x.org,1\n".encode("cp1252")

    with pytest.raises(IncompleteRead, match=r"people.csv:5003: byte 0xE9 .*utf-8"):
        list(directory(raw, encoding=encoding).read())


def test_a_file_in_two_encodings_is_refused_whichever_comes_first(directory: Write) -> None:
    filler = ADA * 5000
    latin_first = HEADER.encode() + EVA.encode("cp1252") + filler.encode() + JAN.encode()

    with pytest.raises(IncompleteRead, match=r"people.csv:5003: byte 0xC3 .*UTF-8"):
        list(directory(latin_first).read())


def test_half_a_letter_of_utf_16_at_the_end_fails_the_read(directory: Write) -> None:
    with pytest.raises(IncompleteRead, match=r"people.csv:3: .*truncated"):
        list(directory((HEADER + EVA + JAN).encode("utf-16")[:-1]).read())


def test_an_encoding_that_contradicts_the_byte_order_mark_is_refused(directory: Write) -> None:
    source = directory(codecs.BOM_UTF8 + (HEADER + EVA).encode(), encoding="cp1252")

    with pytest.raises(InputError, match=r"byte-order mark of utf-8.*cp1252"):
        source.check()


@pytest.mark.parametrize("when", ["while rows are taken", "after the last row"])
def test_a_file_that_grows_while_it_is_read_fails_the_read(
    directory: Write, tmp_path: Path, when: str
) -> None:
    rows = directory(HEADER + EVA + JAN * (50_000 if when == "while rows are taken" else 1)).read()
    next(rows)
    with (tmp_path / "people.csv").open("a", encoding="utf-8") as file:
        file.write(ADA)

    with pytest.raises(IncompleteRead, match="still being written"):
        list(rows)


@pytest.mark.parametrize("size", [0, 1_000_000])
def test_a_file_that_shrinks_while_it_is_read_fails_the_read(
    directory: Write, tmp_path: Path, size: int
) -> None:
    rows = directory(HEADER + EVA + JAN * 50_000).read()
    next(rows)
    os.truncate(tmp_path / "people.csv", size)

    with pytest.raises(IncompleteRead, match="still being written"):
        list(rows)


def test_a_file_renamed_over_the_one_being_read_changes_nothing(
    directory: Write, tmp_path: Path
) -> None:
    rows = directory(HEADER + EVA + JAN * 50_000).read()
    first = next(rows)
    (tmp_path / "new.csv").write_text(HEADER + ADA, encoding="utf-8")
    (tmp_path / "new.csv").rename(tmp_path / "people.csv")

    assert len([first, *rows]) == 50_001
