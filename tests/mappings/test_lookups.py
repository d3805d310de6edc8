"""Lookups: tables in the mapping and in CSV files, and everything that may be wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.errors import InputError
from connectors.records import Person
from mappings import Given, Mapping, load_mapping
from mappings.lookups import read_table

RULE = "rules:\n  - {name: r, when: userName pr, give: {site: '{location | lookup sites}'}}\n"


def load(tmp_path: Path, lookups: str, table: str | None = None) -> Mapping:
    if table is not None:
        (tmp_path / "sites.csv").write_text(table, encoding="utf-8")
    file = tmp_path / "m.yaml"
    file.write_text(f"version: 1\nlookups: {lookups}\n{RULE}", encoding="utf-8")
    return load_mapping(file)


def problems(tmp_path: Path, lookups: str, table: str | None = None) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(tmp_path, lookups, table)
    return [str(p).removeprefix(f"{tmp_path}/") for p in caught.value.problems]


def at(town: str) -> Person:
    return Person("1", {"userName": "u", "addresses": [{"type": "work", "locality": town}]})


@pytest.mark.parametrize(
    ("lookups", "table"),
    [
        ("{sites: {Munich: DE-MUC, Brno: CZ-BRQ}}", None),
        (
            "{sites: {file: sites.csv, key: city, value: site}}",
            "\ufeffcity,site\n munich,DE-MUC\nBrno,CZ-BRQ\n\n",
        ),
        (
            "{sites: {file: sites.csv, key: city, value: site}}",
            'n;site;city\n1;"DE-MUC";"Munich"\n2;CZ-BRQ;Brno\n',
        ),
    ],
)
def test_a_lookup_translates_whatever_its_case(
    tmp_path: Path, lookups: str, table: str | None
) -> None:
    mapping = load(tmp_path, lookups, table)

    assert mapping.entitlements(at("MUNICH ")).single == {"site": Given("DE-MUC", "r")}
    assert mapping.entitlements(at("Brno")).single == {"site": Given("CZ-BRQ", "r")}


def test_what_the_table_does_not_have_is_missing_and_named_and_what_is_held_stays(
    tmp_path: Path,
) -> None:
    given = load(tmp_path, "{sites: {Munich: DE-MUC}}").entitlements(at("Oslo"))

    assert given.single == {}
    assert given.left_alone == {"site"}
    assert given.missing == (("site", "r", "entry for 'Oslo' in lookup sites"),)


@pytest.mark.parametrize(
    ("lookups", "table"),
    [
        ("{sites: {Munich: DE-MUC, default: HQ}}", None),
        ("{sites: {file: sites.csv, key: c, value: s, default: HQ}}", "c,s\nMunich,DE-MUC\n"),
    ],
)
def test_a_default_is_for_what_the_table_does_not_have(
    tmp_path: Path, lookups: str, table: str | None
) -> None:
    mapping = load(tmp_path, lookups, table)

    assert mapping.entitlements(at("Oslo")).single == {"site": Given("HQ", "r")}


def test_the_hash_is_of_what_the_table_says_wherever_it_stands(tmp_path: Path) -> None:
    of_file = "{sites: {file: sites.csv, key: c, value: s}}"
    inline = load(tmp_path, "{sites: {Munich: A}}").sha256

    assert load(tmp_path, of_file, "c,s\nMunich,A\n").sha256 == inline
    assert load(tmp_path, of_file, "c,s\nMunich,B\n").sha256 != inline


def test_a_table_is_checked_whole_with_lines(tmp_path: Path) -> None:
    lookups = "{sites: {file: sites.csv, key: city, value: site}}"
    table = "city,site\nMunich,A\nmunich ,B\nBrno,\n,C\nOslo\n"

    assert problems(tmp_path, lookups, table) == [
        "m.yaml:2:25: lookups.sites.file: sites.csv can't be used: 4 to mend there",
        "sites.csv:3: 'munich' stands here twice, first in line 2",
        "sites.csv:4: 'site' is empty",
        "sites.csv:5: 'city' is empty",
        "sites.csv:6: 1 cells, where the header has 2",
    ]


def test_columns_that_are_not_there_are_named_with_the_nearest(tmp_path: Path) -> None:
    lookups = "{sites: {file: sites.csv, key: town, value: sites}}"

    assert problems(tmp_path, lookups, "city,site\nMunich,A\n")[1:] == [
        "sites.csv:1: there is no column 'town'; it has: city, site",
        "sites.csv:1: there is no column 'sites'; did you mean 'site'?",
    ]


@pytest.mark.parametrize(
    ("lookups", "says"),
    [
        ("{sites: {file: none.csv, key: a, value: b}}", "none.csv: can't be read"),
        ("{sites: {file: sites.csv, key: a}}", "m.yaml:2:18: lookups.sites.value: is missing"),
        ("{sites: {file: s.csv, kee: a, value: b}}", "did you mean 'key'?"),
        ("{sites: {Munich: 7}}", "m.yaml:2:27: lookups.sites.Munich: what stands for it"),
        ("{sites: {}}", "lookups.sites: the table is empty"),
        ("{sites: [a]}", "lookups.sites: a table is wanted here"),
        ("{sites: {Munich: a, MUNICH: b}}", "'MUNICH' is there twice: case makes no difference"),
    ],
)
def test_what_is_wrong_with_a_lookup_is_said_where_it_stands(
    tmp_path: Path, lookups: str, says: str
) -> None:
    assert any(says in problem for problem in problems(tmp_path, lookups))


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"", "1: the file is empty"),
        (b"a,b\n\xff,1\n", "2: byte 0xff isn't UTF-8"),
        (b'a,b\n"x,1\n', "no CSV"),
        (b"a,a,b\n1,2,3\n", "1: the column 'a' is there twice"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, raw: bytes, says: str) -> None:
    file = tmp_path / "t.csv"
    file.write_bytes(raw)

    with pytest.raises(InputError) as caught:
        read_table(file, "a", "b")

    assert says in str(caught.value)
