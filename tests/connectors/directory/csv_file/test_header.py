"""What is wrong with a header or with config is told at once, by name."""

from __future__ import annotations

import codecs
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from marshmallow import ValidationError

from connectors.directory.csv_file import Config, CsvDirectory
from connectors.errors import IncompleteRead, InputError, RunError

HEADER = "userName,externalId,displayName,email,active\n"
EVA = "eva,e1,Eva Malá,eva@example.org,true\n"
JAN = "jan,e2,Jan Novák,jan@example.org,true\n"
ADA = "ada,e3,Ada Wong,ada@example.org,true\n"


Write = Callable[..., CsvDirectory]


def test_two_columns_for_one_attribute_are_both_named(directory: Write) -> None:
    source = directory("userName,EMAIL,Email,groups,groups.display,x,x\n")

    with pytest.raises(InputError) as caught:
        source.check()

    assert [str(problem) for problem in caught.value.problems] == [
        "people.csv:1: columns 2 ('EMAIL') and 3 ('Email') both give emails[type eq \"work\"].value",
        "people.csv:1: columns 4 ('groups') and 5 ('groups.display') both give groups.display",
    ]


def test_a_mapped_column_that_is_missing_is_named_with_the_nearest(directory: Write) -> None:
    source = directory("userName,Abteilun\n", columns={"Abteilung": "department", "Zimmer": "room"})

    with pytest.raises(InputError) as caught:
        source.check()

    first, second, key = (problem.text for problem in caught.value.problems)
    assert "'Abteilung'" in first
    assert "did you mean 'Abteilun'?" in first
    assert "'Zimmer', which `columns` maps to room" in second
    assert "by which people are told apart" in key


def test_a_file_without_a_header_is_refused(directory: Write) -> None:
    with pytest.raises(InputError, match="the first line is the header"):
        list(directory("4711,Eva,Brno\n4712,Jan,Praha\n").read())


@pytest.mark.parametrize("content", [b"", b"\n \n", codecs.BOM_UTF8, codecs.BOM_UTF16_LE])
def test_an_empty_file_fails_the_read(directory: Write, content: bytes) -> None:
    with pytest.raises(IncompleteRead, match="empty"):
        list(directory(content).read())


def test_a_header_alone_is_an_empty_read(directory: Write) -> None:
    assert list(directory(HEADER).read()) == []


@pytest.mark.parametrize("header", ['userName,"externalId\n', 'userName,"external"Id\n'])
def test_a_header_with_a_stray_quote_is_refused(directory: Write, header: str) -> None:
    with pytest.raises(InputError, match="the header can't be read"):
        list(directory(header + EVA).read())


def test_check_is_content_with_a_usable_file(directory: Write) -> None:
    directory(HEADER + EVA, "group,member\nSales,e1\n").check()


def test_check_tells_what_is_wrong_with_both_files_at_once(
    tmp_path: Path, connected: Write
) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(RunError) as caught:
        connected(tmp_path, path="gone.csv", memberships="pipe").check()

    assert "gone.csv can't be read: No such file" in str(caught.value)
    assert "pipe is not a file" in str(caught.value)


def test_config_is_checked_whole() -> None:
    wrong = {
        "columns": {"A": "emial.value", "B": "name", "b": "title"},
        "encoding": "base64",
        "delimiter": "ab",
        "key": "usrName",
        "colums": {},
    }

    messages: dict[str, Any] = dict(Config().validate(wrong))

    assert messages.keys() == {"path", "columns", "encoding", "delimiter", "colums"}
    assert messages["columns"].keys() == {"A", "B", "b"}
    with pytest.raises(ValidationError, match="userName"):
        Config().load({"path": "people.csv", "key": "usrName"})


@pytest.mark.parametrize("delimiter", ["", "a", '"', "\n", " "])
def test_what_cant_part_fields_is_no_delimiter(delimiter: str) -> None:
    assert "delimiter" in Config().validate({"path": "people.csv", "delimiter": delimiter})
