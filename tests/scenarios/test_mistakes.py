"""Mistakes in what operators write: all of them at once, with file, line and column; nothing is planned.

And secrets: whatever happens, they are in nothing that is printed or kept.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.scenarios.installation import (
    Installation,
    person,
    phone_users,
    shell,
    staff,
    zoom_account,
)


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    emea = Installation(tmp_path)
    emea.people(staff(3))
    emea.phone(phone_users(3))
    return emea


BAD_MAPPING = """\
version: 1
join: externalID2
scope: 'active eq tru'
leavers: {do: vanish}
profil: {display_name: "{displayName}"}
rules:
  - name: one
    when: 'groups.dispaly eq "Phone"'
    give: {licence: zoom_phone}
  - name: one
    when: 'title eq'
    persona: nobody
    give: {site: "{twon}"}
"""

BAD_CONFIG = """\
version: 1
store: sqlite:///store.db
syncs:
  emea:
    directories:
      - {kind: cvs, name: hr, path: people.csv}
      - {kind: csv, name: hr, pth: people.csv}
    mapping: mapping.yaml
    phone_system: {kind: snapshot}
    schedule: {every: 15 parsecs}
    limits: {removals: lots}
    protected: 'titel eq "CEO"'
    colour: blue
"""


def where(said: str, name: str) -> set[int]:
    """Return the lines of `name` that were named with a column."""
    return {int(line) for line in re.findall(rf"{re.escape(name)}:(\d+):\d+", said)}


def test_all_mistakes_of_a_mapping_are_told_at_once_with_their_places(emea: Installation) -> None:
    emea.write("mapping.yaml", BAD_MAPPING)

    ran = emea.run("plan", "--format", "json")

    assert (ran.status, ran.out) == (1, "")
    assert where(ran.err, "mapping.yaml") >= {2, 3, 4, 5, 8, 9, 11, 12, 13}, ran.err
    assert "displayName" not in ran.err or "profile" in ran.err
    for nearest in ("externalId", "profile", "license", "display"):
        assert nearest in ran.err, f"the nearest name {nearest} is told"


def test_all_mistakes_of_a_config_are_told_at_once_with_their_places(emea: Installation) -> None:
    emea.write("config.yaml", BAD_CONFIG)

    ran = emea.run("plan")

    assert (ran.status, ran.out) == (1, "")
    assert where(ran.err, "config.yaml") >= {6, 7, 9, 10, 11, 12, 13}, ran.err
    for nearest in ("csv", "path", "title"):
        assert nearest in ran.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("version: 1\nversion: 1\n", "version", id="duplicate key"),
        pytest.param("version: 1\n\tsyncs: {}\n", "tab", id="tab"),
        pytest.param("version: [1\n", "config.yaml", id="unclosed"),
        pytest.param("", "config.yaml", id="empty"),
        pytest.param("just a text\n", "config.yaml", id="no mapping"),
        pytest.param("- a\n- b\n", "config.yaml", id="a list"),
        pytest.param("version: 2\n", "version", id="another version"),
        pytest.param("version: 1\nsyncs: {on: no}\n", "config.yaml", id="booleans as names"),
        pytest.param(
            "a: &a [x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n"
                      for n in range(9)),
            "config.yaml",
            id="alias bomb",
        ),
        pytest.param("version: !!python/object/apply:os.system ['true']\n", "config.yaml", id="tag"),
    ],
)  # fmt: skip
def test_a_config_that_is_no_config_is_refused_in_plain_words(
    emea: Installation, text: str, said: str
) -> None:
    emea.write("config.yaml", text)

    ran = emea.run("plan")

    assert (ran.status, ran.out) == (1, "")
    assert said in ran.err
    assert "Traceback" not in ran.err
    assert len(ran.err) < 5000


def test_a_config_in_another_encoding_is_refused_in_plain_words(emea: Installation) -> None:
    emea.write("config.yaml", "version: 1 # ž\n".encode("iso-8859-2"))

    ran = emea.run("plan")

    assert ran.status == 1
    assert "config.yaml" in ran.err


def test_a_mapping_that_is_not_there_is_named(emea: Installation) -> None:
    emea.configure(mapping="elsewhere.yaml")

    ran = emea.run("plan")

    assert ran.status == 1
    assert "elsewhere.yaml" in ran.err


def test_a_pool_that_config_does_not_have_is_a_mistake(emea: Installation) -> None:
    give = {"license": "zoom_phone", "number": {"pool": "munchen"}}
    emea.mapping(rules=[{"name": "r", "when": "userName pr", "give": give}])
    emea.configure(pools={"munich": {"ranges": ["+491-+493"]}})

    ran = emea.run("plan")

    assert (ran.status, ran.out) == (1, "")
    assert "munchen" in ran.err
    assert "munich" in ran.err


def test_a_column_that_config_maps_but_the_file_lacks_is_told(emea: Installation) -> None:
    emea.configure(
        directories=[
            {"kind": "csv", "name": "hr", "path": "people.csv", "columns": {"Mail": "email"}}
        ]
    )

    ran = emea.run("plan")

    assert ran.status == 1, ran.said
    assert "Mail" in ran.err


def test_two_directories_of_one_name_are_a_mistake(emea: Installation) -> None:
    one = {"kind": "csv", "name": "hr", "path": "people.csv"}
    emea.configure(directories=[one, one])

    ran = emea.run("plan")

    assert ran.status == 1
    assert "hr" in ran.err


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("{", id="no JSON"),
        pytest.param('{"id": "p1", "email": "a@x"}\n{"id": "p1", "email": "b@x"}\n', id="one id twice"),
        pytest.param('{"email": "a@x"}\n', id="no id"),
        pytest.param('{"id": "p1", "license": 7}\n', id="a number for a name"),
        pytest.param('{"id": "p1", "packages": "basic"}\n', id="a text for a list"),
        pytest.param('{"id": "p1", "status": "asleep"}\n', id="no such status"),
        pytest.param('{"catalog": {"licenses": []}}\n', id="no catalog"),
        pytest.param('{"id": "p1", "email": "user1@example.org", "lic', id="cut off"),
    ],
)  # fmt: skip
def test_a_snapshot_that_is_none_ends_with_1_and_names_the_line(
    emea: Installation, content: str
) -> None:
    emea.write("phone.jsonl", content)

    ran = emea.run("plan", "--format", "json")

    assert (ran.status, ran.out) == (1, ""), ran.said
    assert "phone.jsonl" in ran.err
    assert "Traceback" not in ran.err


# secrets


def test_a_secret_that_is_not_there_is_named_by_its_variable(emea: Installation) -> None:
    emea.configure(
        phone_system={
            "kind": "zoom", "account_id": "a", "client_id": "c",
            "client_secret": {"env": "NO_SUCH_SECRET"},
        }
    )  # fmt: skip

    ran = emea.run("plan")

    assert ran.status == 1
    assert "NO_SUCH_SECRET" in ran.err
    assert where(ran.err, "config.yaml")


@pytest.mark.parametrize("refused", [False, True])
def test_a_secret_is_in_nothing_that_is_printed_or_kept(emea: Installation, refused: bool) -> None:
    secret, lines = "s3cr3t-0f-the-acc0unt", [{"id": "p1", "email": "user1@example.org"}]
    options = {"client_secret": "another" if refused else secret, "client_id": "client"}
    emea.write("secret.txt", f"{secret}\n")
    emea.mapping(rules=[{"name": "r", "when": "userName pr", "give": {"license": "zoom_phone"}}])
    with zoom_account(lines, **options) as (_, phone_system):
        emea.configure(
            phone_system=phone_system
            | {"client_id": "client", "client_secret": {"file": "secret.txt"}}
        )
        told = ""
        for command, *arguments in (
            ("plan",), ("plan", "--format", "json"), ("plan", "--format", "html"),
            ("approve", "1"), ("apply", "1"), ("runs",), ("inventory",), ("sync",),
        ):  # fmt: skip
            told += emea.run(command, *arguments).said
        ran = emea.shell("plan")

    assert (ran.status != 0) == refused, ran.said
    assert secret not in told + ran.said
    kept = [path for path in emea.folder.iterdir() if path.name != "secret.txt"]
    assert len(kept) > 3
    assert not [path for path in kept if secret.encode() in path.read_bytes()]


def test_a_secret_written_in_the_config_is_not_printed_with_a_mistake_beside_it(
    emea: Installation,
) -> None:
    emea.configure(
        phone_system={
            "kind": "zoom", "account_id": ["wrong"], "client_id": "c",
            "client_secret": {"value": "s3cr3t-0f-the-acc0unt"}, "colour": "blue",
        }
    )  # fmt: skip

    ran = emea.run("plan")

    assert ran.status == 1
    assert "s3cr3t-0f-the-acc0unt" not in ran.said


def test_a_password_in_the_stores_address_is_not_printed(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "version: 1\nstore: postgresql+psycopg://eva:s3cr3t@127.0.0.1:1/none\n"
        "syncs:\n  emea:\n    directories: [{kind: csv, name: hr, path: people.csv}]\n"
        "    mapping: mapping.yaml\n    phone_system: {kind: snapshot, path: phone.jsonl}\n"
    )
    installed = Installation(tmp_path / "other")
    for name in ("mapping.yaml", "phone.jsonl"):
        (tmp_path / name).write_bytes((installed.folder / name).read_bytes())

    ran = shell(["plan", "-c", "config.yaml"], tmp_path)

    assert ran.status == 1
    assert "s3cr3t" not in ran.said
    assert "Traceback" not in ran.said


def test_a_store_in_a_folder_that_is_not_there_is_told_in_plain_words(
    emea: Installation,
) -> None:
    text = (emea.folder / "config.yaml").read_text().replace("store.db", "no/such/store.db")
    emea.write("config.yaml", text)

    ran = emea.run("plan")

    assert ran.status == 1
    assert "store.db" in ran.err


def test_a_store_that_is_no_store_is_told_in_plain_words(emea: Installation) -> None:
    emea.write("store.db", "this is no database, whatever its name says\n" * 50)

    ran = emea.run("plan")

    assert ran.status == 1
    assert "store.db" in ran.err
    assert "Traceback" not in ran.err


def test_people_whose_names_look_like_code_stay_names(emea: Installation) -> None:
    emea.mapping(profile={"display_name": "{displayName}"})
    emea.people([person(1, displayName="{userName} [red]x[/red] \x1b[31m"), *staff(3)[1:]])

    ran = emea.run("plan")

    assert "{userName} [red]x[/red]" in ran.out
    assert "\x1b" not in ran.out
