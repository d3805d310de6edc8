"""The file itself: how it is encoded and laid out, cut off, damaged, or written while it is read."""

from __future__ import annotations

import codecs
import json
import os
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.directory.ldap_json import Config, connect
from connectors.errors import IncompleteRead, RunError
from connectors.records import Outside, Person


def person(uid: str, **attributes: Any) -> dict[str, Any]:
    given = {"objectClass": ["inetOrgPerson"], "uid": [uid], "entryUUID": [uid], **attributes}
    return {"dn": f"uid={uid},ou=People,o=x", "attributes": given}


PEOPLE = [person("eva", sn=["Malá"]), person("jan", l=["Žďár"]), person("iva")]
GROUP = {
    "dn": "cn=G",
    "attributes": {"objectClass": ["group"], "member": ["uid=eva,ou=People,o=x"]},
}
LAYOUTS = {
    "one line": lambda values: json.dumps(values),
    "a line each": lambda values: "[\n" + ",\n".join(map(json.dumps, values)) + "\n]\n",
    "a line each, tight": lambda values: "[" + ",\n".join(map(json.dumps, values)) + "]",
    "comma first": lambda values: "[\n" + "\n,".join(map(json.dumps, values)) + "\n]",
    "two a line": lambda values: "[\n" + ",".join(map(json.dumps, values)) + "\n]",
    "indented": lambda values: json.dumps(values, indent=2, ensure_ascii=False),
    "windows": lambda values: "\r\n [ \r\n" + ",\r\n".join(map(json.dumps, values)) + "\r\n]\r\n",
    "lines": lambda values: "\n".join(map(json.dumps, values)),
    "lines with gaps": lambda values: "\n\n" + "\r\n\n".join(map(json.dumps, values)) + "\n\n",
}


@pytest.fixture
def directory(tmp_path: Path) -> Callable[..., Any]:
    def make(content: str | bytes) -> Any:
        data = content if isinstance(content, bytes) else content.encode()
        (tmp_path / "people.json").write_bytes(data)
        outside = Outside(
            tmp_path,
            lambda *_: pytest.fail("no network"),
            lambda: datetime.now(UTC),
            lambda _: None,
        )
        return connect("ad", Config().load({"path": "people.json"}), outside, None)

    return make


@pytest.fixture
def keys(directory: Callable[..., Any]) -> Callable[..., Any]:
    return lambda content: [each.key for each in directory(content).read()]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_every_layout_in_every_unicode_encoding_gives_the_same_people(
    directory: Callable[..., Any], layout: Callable[..., Any], encoding: str
) -> None:
    people = list(directory(layout([*PEOPLE, GROUP]).encode(encoding)).read())
    assert [p.key for p in people] == ["eva", "jan", "iva"]
    assert people[0].resource["name"] == {"familyName": "Malá"}
    assert people[0].resource["groups"] == [{"value": "cn=G", "display": "G"}]
    assert people[1].resource["addresses"] == [{"type": "work", "locality": "Žďár"}]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(data=st.data())
def test_a_file_that_is_cut_off_anywhere_is_never_half_a_directory(
    directory: Callable[..., Any], layout: Callable[..., Any], data: st.DataObject
) -> None:
    whole = layout(PEOPLE).encode()
    cut = data.draw(st.integers(0, len(whole.rstrip()) - 1))
    people: list[str] = []
    try:
        people += [each.key for each in directory(whole[:cut]).read()]
    except IncompleteRead as error:
        told = error
    else:
        # Whole lines can be missing from JSON lines without a trace: then the others are whole.
        assert layout in (LAYOUTS["lines"], LAYOUTS["lines with gaps"])
        assert people == ["eva", "jan", "iva"][: len(people)]
        return
    assert "people.json" in told.message
    assert told.remedy


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("5", "begins with '5'"),
        ('"x"', "begins with"),
        ("null", "begins with 'n'"),
        ("<xml/>", "begins with '<'"),
        ("dn: uid=eva", "begins with 'd'"),
        (json.dumps(PEOPLE) + "x", "entry 4 can't be read: 'x' after the final"),
        (json.dumps(PEOPLE)[:-1], "entry 4 can't be read: cut off"),
        (json.dumps(PEOPLE)[:-40], "entry 3 can't be read: cut off within"),
        (json.dumps(PEOPLE) * 2, "after the final"),
        ("[" + json.dumps(PEOPLE[0]) + ",]", "entry 2 can't be read"),
        ('[{"dn": NaN}]', "NaN"),
        ('{"dn": NaN}', ":1 can't be read: NaN"),
        (json.dumps(PEOPLE[0]) + "\n{\n", r":2 can't be read"),
        (json.dumps(PEOPLE[0]) + "\n" + json.dumps(PEOPLE[1])[:-3], r":2 can't be read"),
        (json.dumps(PEOPLE[0]) + json.dumps(PEOPLE[1]), r":1 can't be read: Extra data"),
        (json.dumps({"entries": PEOPLE}, indent=1), r":1 can't be read"),
        ("[" * 200_000, "too deeply"),
        ('{"attributes":' + "[" * 200_000, "too deeply"),
        (json.dumps(PEOPLE).encode() + b"\0\0\0", "after the final"),
        (b'[{"dn": "\xff"}]', "byte 0xFF is no utf-8"),
        (b'{"dn": "\xff"}\n', "byte 0xFF is no utf-8"),
        (b'[\n{"dn": "a", "attributes": {"cn": ["\xe1"]}}\n]', "entry 1.*byte 0xE1"),
        (b"\xff\xfe[\x00\x00\xd8", "no utf-16"),
    ],
)
def test_a_file_that_breaks_the_rules_is_no_read(
    directory: Callable[..., Any], content: str | bytes, says: str
) -> None:
    with pytest.raises(IncompleteRead, match=says) as caught:
        list(directory(content).read())
    assert "people.json" in caught.value.message
    assert caught.value.remedy


def test_an_empty_list_is_a_directory_of_nobody(keys: Callable[..., Any]) -> None:
    assert keys("[]") == keys(" [\n ] \n") == []


def test_what_no_attribute_of_interest_holds_does_no_harm(keys: Callable[..., Any]) -> None:
    odd = '{"a": 1e999, "b": %s, "c": "\\ud800", "d": "\\u0000", "e": {}, "e": []}' % ("9" * 5000)
    line = json.dumps(PEOPLE[0])
    whole = line.replace('"attributes"', f'"more": {odd}, "attributes"')
    assert keys(whole) == keys(f"[{whole}]") == keys(f"[\n{whole},\n{line}\n]")[:1] == ["eva"]


def test_one_odd_entry_does_not_hide_those_on_its_lines(keys: Callable[..., Any]) -> None:
    odd = '{"dn": "uid=x,ou=People,o=x", "attributes": {"objectClass": "person", "entryUUID": "\\ud800"}}'
    lines = [json.dumps(PEOPLE[0]), odd, *map(json.dumps, PEOPLE[1:])]
    assert keys("[\n" + ",\n".join(lines) + "\n]") == ["eva", None, "jan", "iva"]
    assert keys("\n".join(lines)) == ["eva", None, "jan", "iva"]


def test_lines_are_counted_as_an_editor_counts_them(directory: Callable[..., Any]) -> None:
    lines = ["", json.dumps(PEOPLE[0]), "", "{}"]
    _, flaw = directory("\n".join(lines)).read()
    assert flaw.where == "people.json:4"


def test_a_file_that_grows_while_it_is_read_is_no_read(
    directory: Callable[..., Any], tmp_path: Path
) -> None:
    reading = directory(json.dumps(PEOPLE)).read()
    next(reading)
    with (tmp_path / "people.json").open("a") as file:
        file.write(" ")
    with pytest.raises(IncompleteRead, match="changed while it was read"):
        list(reading)


def test_a_file_that_is_rewritten_between_the_passes_is_no_read(
    directory: Callable[..., Any], tmp_path: Path
) -> None:
    reading = directory(json.dumps([GROUP, *PEOPLE])).read()
    next(reading)
    path = tmp_path / "people.json"
    path.write_text(path.read_text().replace("eva", "iva"))
    os.utime(path, ns=(1, 1))
    with pytest.raises(IncompleteRead, match="changed while it was read"):
        list(reading)


def test_a_file_that_is_replaced_while_it_is_read_is_read_to_its_end(
    directory: Callable[..., Any], tmp_path: Path
) -> None:
    reading = directory(json.dumps(PEOPLE)).read()
    first = next(reading)
    (tmp_path / "new.json").write_text("[]")
    (tmp_path / "new.json").rename(tmp_path / "people.json")
    assert [first.key, *(each.key for each in reading)] == ["eva", "jan", "iva"]


def test_a_folder_or_a_pipe_is_no_export(directory: Callable[..., Any], tmp_path: Path) -> None:
    source = directory("[]")
    (tmp_path / "people.json").unlink()
    os.mkfifo(tmp_path / "people.json")
    with pytest.raises(RunError, match="no regular file"):
        list(source.read())
    (tmp_path / "people.json").unlink()
    (tmp_path / "people.json").mkdir()
    with pytest.raises(RunError, match="no regular file"):
        source.check()


def test_a_directory_can_be_read_again(directory: Callable[..., Any]) -> None:
    source = directory(json.dumps(PEOPLE))
    assert list(source.read()) == list(source.read())


@pytest.mark.parametrize("layout", ["one line", "indented", "a line each", "lines"])
def test_memory_does_not_grow_with_the_number_of_people(
    directory: Callable[..., Any], layout: str
) -> None:
    def peak(count: int) -> int:
        people = [person(f"u{i}", description=["x" * 1000]) for i in range(count)]
        source = directory(LAYOUTS[layout](people))
        del people
        tracemalloc.start()
        assert sum(isinstance(each, Person) for each in source.read()) == count
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    assert peak(12_000) < max(1.2 * peak(6_000), 14_000_000)


def test_a_mark_of_byte_order_alone_is_an_empty_file(directory: Callable[..., Any]) -> None:
    with pytest.raises(IncompleteRead, match="is empty"):
        list(directory(codecs.BOM_UTF8).read())
