"""Awkward but valid files are read whole, whatever their encoding and dialect."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.directory.csv_file import CsvDirectory
from connectors.records import Flaw, Person, clean

HEADER = "userName,externalId,displayName,email,active\n"
EVA = "eva,e1,Eva Malá,eva@example.org,true\n"
JAN = "jan,e2,Jan Novák,jan@example.org,true\n"
ADA = "ada,e3,Ada Wong,ada@example.org,true\n"


Write = Callable[..., CsvDirectory]


def people(directory: CsvDirectory) -> list[Person]:
    return [each for each in directory.read() if isinstance(each, Person)]


def flaws(directory: CsvDirectory) -> list[tuple[str, str | None]]:
    return [(each.where, each.key) for each in directory.read() if isinstance(each, Flaw)]


def names(directory: CsvDirectory) -> list[str]:
    return [each.resource["displayName"] for each in directory.read() if isinstance(each, Person)]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_the_encoding_is_found_out(directory: Write, encoding: str) -> None:
    assert names(directory((HEADER + EVA).encode(encoding))) == ["Eva Malá"]


def test_the_first_letter_beyond_ascii_decides_however_late_it_comes(directory: Write) -> None:
    plain = HEADER + "u,e0,Plain,u@x.org,true\n" * 10_000

    for encoding in ("utf-8", "cp1252"):
        assert names(directory((plain + EVA).encode(encoding)))[-1] == "Eva Malá"
        assert names(directory((plain + EVA[:-1]).encode(encoding)))[-1] == "Eva Malá"


def test_an_encoding_in_config_is_used(directory: Write) -> None:
    czech = (HEADER + "jan,e2,Kovář Žluťoučký,j@x.org,1\n").encode("cp1250")

    assert names(directory(czech, encoding="cp1250")) == ["Kovář Žluťoučký"]


def test_latin_1_in_config_has_the_quotes_and_dashes_of_windows(directory: Write) -> None:
    raw = (HEADER + "pat,e2,Pat O’Neil,p@x.org,1\n").encode("cp1252")

    assert names(directory(raw, encoding="latin-1")) == ["Pat O’Neil"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(directory: Write, delimiter: str) -> None:
    assert names(directory((HEADER + EVA).replace(",", delimiter))) == ["Eva Malá"]


def test_the_delimiter_is_the_one_that_yields_known_names(directory: Write) -> None:
    rows = "userName;externalId;Note, remark, aside, and more\neva;e1;a, b, c, d\n"

    assert [each.key for each in people(directory(rows))] == ["e1"]


def test_a_delimiter_in_config_is_used(directory: Write) -> None:
    rows = (HEADER + EVA).replace(",", "^")

    assert names(directory(rows, delimiter="^")) == ["Eva Malá"]
    assert names(directory((HEADER + EVA).replace(",", "\t"), delimiter="tab")) == ["Eva Malá"]


def test_excels_hint_at_the_delimiter_is_heeded(directory: Write) -> None:
    (person,) = people(directory("sep=^\r\n" + (HEADER + EVA).replace(",", "^")))

    assert person.where == "people.csv:3"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_will_do(directory: Write, end: str) -> None:
    assert names(directory((HEADER + EVA + JAN).replace("\n", end))) == ["Eva Malá", "Jan Novák"]


def test_a_last_line_with_all_fields_needs_no_line_end(directory: Write) -> None:
    assert names(directory(HEADER + EVA + JAN.rstrip())) == ["Eva Malá", "Jan Novák"]


def test_a_person_is_found_on_the_line_where_their_row_begins(directory: Write) -> None:
    rows = '\n\n"userName",externalId,"display\nName"\n\neva,e1,"two\nlines"\n\n  \n,,\njan,e2,x\n'

    found = people(directory(rows, columns={"display\nName": "displayName"}))

    assert [(each.key, each.where) for each in found] == [
        ("e1", "people.csv:6"),
        ("e2", "people.csv:11"),
    ]
    assert found[0].resource["displayName"] == "two\nlines"


@pytest.mark.parametrize(
    "rows",
    [
        "userName,email,,\neva,eva@x.org,,\njan,jan@x.org,,\n",
        "userName,email,,\neva,eva@x.org\njan,jan@x.org\n",
        "userName,email\neva,eva@x.org,\njan,jan@x.org,\n",
    ],
    ids=["everywhere", "in the header only", "in the rows only"],
)
def test_empty_columns_at_the_end_are_nothing(directory: Write, rows: str) -> None:
    assert [each.key for each in people(directory(rows))] == ["eva@x.org", "jan@x.org"]


def test_blanks_after_a_delimiter_dont_hide_a_quote(directory: Write) -> None:
    assert names(directory(HEADER + 'eva, e1, "Malá, Eva", eva@x.org, 1\n')) == ["Malá, Eva"]


_CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(
    rows=st.lists(st.tuples(_CELLS, _CELLS), max_size=6),
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_whatever_a_csv_writer_wrote_is_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    connected: Write,
    rows: list[tuple[str, str]],
    delimiter: str,
    encoding: str,
    end: str,
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    # Enough columns that no cell of eight characters can look like the seam of two rows.
    writer.writerow(["externalId", "displayName", "title", *"abcdefghij"])
    writer.writerows([f"e{i}", *row, *"abcdefghij"] for i, row in enumerate(rows))
    base = tmp_path_factory.mktemp("csv")
    (base / "people.csv").write_bytes(text.getvalue().encode(encoding))

    source = connected(base)

    found = [
        (each.resource.get("displayName", ""), each.resource.get("title", ""))
        for each in people(source)
    ]
    assert found == [(clean(name), clean(title)) for name, title in rows]
    assert not flaws(source)
