"""What a snapshot's file may hold, what is refused, and what its catalog counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import connectors.phone
from connectors.errors import IncompleteRead, InputError, RunError
from connectors.phone.snapshot import Config, Snapshot, connect
from connectors.records import Catalog, Http, Outside, PhoneUser, Seats, clean
from tests.connectors.phone.snapshot.written import Write, user, written


@pytest.fixture
def write(tmp_path: Path) -> Write:
    return partial(written, tmp_path)


def test_absent_and_null_members_mean_none(write: Write) -> None:
    phone = write(user("eva", packages=None, job_title=None, vendor=None, role=None, site=""))

    (eva,) = phone.read()

    assert eva == PhoneUser(id="eva", key="k-eva", email="eva@example.org")


def test_delegates_that_were_not_asked_for_stay_unknown(write: Write) -> None:
    assert next(write(user("eva", delegates=None)).read()).delegates is None


def test_names_are_cleaned_however_they_are_written(write: Write) -> None:
    phone = write(
        b'{"id":" a\\u0020","display_name":"Mala\\u0301","packages":["P ","\\u00a0", "Q"]}\n',
        '{"id": "b", "display_name": "Mala\u0301", "site": "\u3000Brno"}\n'.encode(),
        b'{"id": "c", "numbers": ["+491 "], "department": "  "}\n',
    )

    a, b, c = phone.read()

    assert (a.id, a.display_name, a.packages) == ("a", "Malá", ("P", "Q"))
    assert (b.display_name, b.site) == ("Malá", "Brno")
    assert (c.numbers, c.department) == (("+491",), None)


@settings(deadline=None)
@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=12), ascii=st.booleans())
def test_any_text_comes_out_clean(tmp_path_factory: Any, name: str, ascii: bool) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    line = json.dumps({"id": "a", "display_name": name, "numbers": [name]}, ensure_ascii=ascii)
    path.write_text(line + "\n", encoding="utf-8", newline="")

    (found,) = Snapshot(path).read()

    assert (found.display_name or "") == clean(name)
    assert found.numbers == ((clean(name),) if clean(name) else ())


def test_what_only_the_vendor_has_is_kept_as_it_is(write: Write) -> None:
    vendor = {"suite": " E5 ", "plans": [None, {"": ""}]}

    assert next(write(user("eva", vendor=vendor)).read()).vendor == vendor


def test_an_empty_file_has_nobody(write: Write) -> None:
    assert list(write().read()) == []
    assert write().catalog() == Catalog()


def test_blank_lines_are_passed_over(write: Write) -> None:
    assert [u.id for u in write(b"\n", user("eva"), b"  \n", user("jan")).read()] == ["eva", "jan"]


def test_every_wrong_line_is_named_and_nobody_is_believed_after_the_first(write: Write) -> None:
    phone = write(
        user("eva"),
        {"id": "jan", "licence": "L"},
        user("eva"),
        b"nonsense\n",
        {"id": "  "},
        {"key": "k"},
        {"id": "max", "status": "Active"},
        {"id": "ada", "packages": "P"},
        b"[]\n",
        {"catalog": {}},
    )
    read: list[str] = []

    with pytest.raises(InputError) as error:
        read.extend(user.id for user in phone.read())

    said = [f"{p.where.rpartition(':')[2]}: {p.text}" for p in error.value.problems]
    assert read == ["eva"]
    assert said[:4] == [
        "2: 'licence' isn't known; did you mean 'license'?",
        "3: the id 'eva' comes twice",
        "4: no phone user can be read: JSON is malformed: invalid character (byte 4)",
        "5: the id is empty",
    ]
    assert [text.partition(":")[0] for text in said[4:]] == ["6", "7", "8", "9", "10"]


@pytest.mark.parametrize(
    ("ids", "repeated"),
    [("abcab", [4, 5]), ("aab", [2]), ("cbab", [4]), ("abcd", []), ("dcba", []), ("acbc", [4])],
)
def test_an_id_that_comes_twice_is_noticed_in_any_order(
    write: Write, ids: str, repeated: list[int]
) -> None:
    phone = write(*({"id": id} for id in ids))
    noticed: list[int] = []
    try:
        assert [user.id for user in phone.read()] == list(ids)
    except InputError as error:
        noticed = [int(p.where.rpartition(":")[2]) for p in error.problems]

    assert noticed == repeated


def test_a_file_of_another_kind_is_told_in_twenty_problems(write: Write) -> None:
    with pytest.raises(InputError) as error:
        list(write(*[b"userName,mail\n"] * 500).read())

    assert len(error.value.problems) == 20


@pytest.mark.parametrize("cut", [1, 2, 10, 30])
def test_a_last_line_that_is_cut_off_is_no_read(write: Write, cut: int) -> None:
    line = json.dumps(user("eva", display_name="Malá"), ensure_ascii=False).encode()

    with pytest.raises(IncompleteRead, match=r":2: the last line is cut off"):
        list(write(user("jan"), line[:-cut]).read())


def test_a_last_line_without_a_line_break_is_whole_if_its_object_is(write: Write) -> None:
    assert [u.id for u in write(b'{"id":"eva"}\n{"id":"jan"}').read()] == ["eva", "jan"]


def test_a_file_that_grows_while_it_is_read_is_no_read(write: Write) -> None:
    phone = write(user("eva"))
    users = phone.read()
    next(users)
    with phone.path.open("ab") as file:
        file.write(b'{"id":"jan"}\n')

    with pytest.raises(IncompleteRead, match="changed while it was read"):
        list(users)


def test_a_file_that_is_not_there_fails_the_check_with_its_name(tmp_path: Path) -> None:
    phone = Snapshot(tmp_path / "none.jsonl")

    for attempt in (phone.check, phone.catalog, lambda: list(phone.read())):
        with pytest.raises(RunError, match=r"none\.jsonl can't be read: No such file"):
            attempt()


def test_it_is_found_in_the_folder_of_the_config(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text('{"id": "eva"}\n')

    def no_http(*_: object) -> Http:
        raise AssertionError("a snapshot needs no network")

    outside = Outside(tmp_path, no_http, lambda: datetime.now(UTC), lambda _: None)
    module = connectors.phone.module("snapshot")
    phone = connect(module.Config().load({"path": "s.jsonl"}), outside)

    assert [u.id for u in phone.read()] == ["eva"]
    assert Config().validate({}) == {"path": ["Missing data for required field."]}


def test_a_catalog_counts_seats_and_what_is_free(write: Write) -> None:
    told = {
        "licenses": {"L": 3, "Free": None},
        "packages": {"P": 2},
        "templates": ["Office", ["Desk", "Brno"]],
        "sites": ["Brno"],
        "numbers": ["+491", ["+492", "Brno"], "+493"],
    }
    phone = write(
        {"catalog": told},
        user("eva", license="l", packages=["P"], numbers=["+491"]),
        user("jan", license="L", packages=["P"], numbers=["+493"], status="trashed"),
        user("area", kind="common_area", license="L"),
    )

    assert phone.catalog() == Catalog(
        licenses={"L": Seats(3, 2), "Free": Seats(None, 0)},
        packages={"P": Seats(2, 1)},
        templates=(("Office", None), ("Desk", "Brno")),
        sites=("Brno",),
        numbers=(("+492", "Brno"), ("+493", None)),
    )
    assert len(list(phone.read())) == 3


def test_a_family_that_the_catalog_leaves_out_is_not_limited(write: Write) -> None:
    assert write({"catalog": {"sites": []}}).catalog() == Catalog(sites=())


@pytest.mark.parametrize(
    "catalog",
    [{"license": {}}, {"licenses": ["L"]}, {"templates": [1]}, [], {"packages": {"P": "1"}}],
)
def test_a_catalog_that_makes_no_sense_is_refused_with_its_line(
    write: Write, catalog: object
) -> None:
    with pytest.raises(InputError, match=r"s\.jsonl:1: the catalog can't be read"):
        write({"catalog": catalog}).check()
