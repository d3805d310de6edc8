"""`provisioner token`: what is printed where, what is refused, and what an operator sees later."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from provisioner.store import tokens as token_store
from provisioner.store.database import open_database, reading
from provisioner.store.tokens import BELIEVED_S, Token, prefix_of
from tests.provisioner.store.made import NOW
from tests.scenarios.installation import Installation, Ran

DAY = timedelta(days=1)
PUSHED = {"kind": "pushed", "name": "entra"}


@pytest.fixture
def emea(tmp_path: Path) -> Installation:
    emea = Installation(tmp_path)
    emea.configure(directories=[PUSHED])
    return emea


def several_syncs(emea: Installation) -> None:
    hr = {"kind": "csv", "name": "hr", "path": "people.csv"}
    syncs = {
        "emea": emea.sync,
        "apac": emea.sync,
        "pulls": emea.sync | {"directories": [hr]},
    }
    emea.yaml("config.yaml", {"version": 1, "store": "sqlite:///store.db", "syncs": syncs})


def token(emea: Installation, verb: str, *arguments: str, at: datetime = NOW) -> Ran:
    return emea.run(f"token {verb}", *arguments, at=at)


def made(emea: Installation, *arguments: str, at: datetime = NOW) -> str:
    ran = token(emea, "create", "--name", "entra", *arguments, at=at)
    assert ran.status == 0, ran.said
    return ran.out.removesuffix("\n")


def known(emea: Installation, text: str) -> Token:
    with reading(open_database(f"sqlite:///{emea.folder / 'store.db'}")) as connection:
        found = token_store.find(connection, text)
    assert found is not None
    return found


def listed(emea: Installation, *arguments: str, at: datetime = NOW) -> list[dict[str, Any]]:
    ran = token(emea, "list", "--format", "json", *arguments, at=at)
    assert ran.status == 0, ran.said
    tokens: list[dict[str, Any]] = json.loads(ran.out)["tokens"]
    return tokens


def test_a_token_stands_alone_on_stdout_and_nowhere_else(emea: Installation) -> None:
    ran = token(emea, "create", "--name", "entra")

    (line,) = ran.out.splitlines()
    assert prefix_of(line)
    assert line not in ran.err
    assert "emea" in ran.err


def test_a_token_writes_and_never_ends_unless_it_is_said(emea: Installation) -> None:
    plain = known(emea, made(emea))
    bounded = known(emea, made(emea, "--scope", "read", "--expires", "90d"))

    assert (plain.scope, plain.expires_at, plain.sync) == ("write", None, "emea")
    assert (bounded.scope, bounded.expires_at) == ("read", NOW + 90 * DAY)


def test_the_list_shows_everything_but_the_token(emea: Installation) -> None:
    text = made(emea, "--expires", "90d")

    ran = token(emea, "list")
    (document,) = listed(emea)

    assert text not in ran.said
    assert text.rpartition("_")[2] not in ran.said
    assert "entra" in ran.out
    assert prefix_of(text) in ran.out.split()
    assert document == {
        "name": "entra",
        "prefix": prefix_of(text),
        "kind": "bearer",
        "scope": "write",
        "sync": "emea",
        "created_at": "2026-11-23T09:00:00Z",
        "expires_at": "2027-02-21T09:00:00Z",
        "last_used_at": None,
        "revoked_at": None,
    }


def test_revoking_a_name_ends_all_of_it_and_waits_until_nobody_believes_it(
    emea: Installation,
) -> None:
    texts = [made(emea), made(emea)]

    ran = token(emea, "revoke", "entra")

    assert ran.status == 0
    assert ran.waits == (BELIEVED_S,)
    assert not any(known(emea, text).live(NOW) for text in texts)
    assert listed(emea) == []
    assert [t["revoked_at"] for t in listed(emea, "--all")] == ["2026-11-23T09:00:00Z"] * 2


def test_revoking_a_prefix_leaves_the_others_of_its_name(emea: Installation) -> None:
    first, second = made(emea), made(emea)

    assert token(emea, "revoke", prefix_of(first) or "").status == 0

    assert [t["prefix"] for t in listed(emea)] == [prefix_of(second)]


def test_who_finds_a_token_that_leaked_can_end_it_by_the_token_itself(emea: Installation) -> None:
    first, second = made(emea), made(emea)

    ran = token(emea, "revoke", first)
    again = token(emea, "revoke", first)
    rotated = token(emea, "rotate", first)

    assert (ran.status, again.status, rotated.status) == (0, 1, 1)
    assert [t["prefix"] for t in listed(emea)] == [prefix_of(second)]
    assert first.rpartition("_")[2] not in ran.said + again.said + rotated.said


def test_revoking_what_is_not_there_fails_and_says_so(emea: Installation) -> None:
    ran = token(emea, "revoke", "entra")

    assert ran.status == 1
    assert "there is no live token 'entra'" in ran.err


def test_a_rotated_token_has_a_successor_like_it_and_works_on_for_the_overlap(
    emea: Installation,
) -> None:
    old = made(emea, "--scope", "read", "--expires", "90d")

    ran = token(emea, "rotate", "entra", "--overlap", "7d", at=NOW + 80 * DAY)
    new = ran.out.removesuffix("\n")

    assert ran.status == 0, ran.said
    assert known(emea, new).scope == "read"
    assert known(emea, new).expires_at == NOW + 170 * DAY
    assert known(emea, old).expires_at == NOW + 87 * DAY
    assert known(emea, old).live(NOW + 86 * DAY)


def test_a_rotation_without_overlap_ends_the_old_one_at_once(emea: Installation) -> None:
    old = made(emea)

    ran = token(emea, "rotate", "entra", "--overlap", "0s")

    assert ran.waits == (BELIEVED_S,)
    assert not known(emea, old).live(NOW)
    assert known(emea, ran.out.removesuffix("\n")).live(NOW)


def test_a_rotation_of_unlike_tokens_asks_which(emea: Installation) -> None:
    made(emea)
    made(emea, "--oauth")

    ran = token(emea, "rotate", "entra")

    assert ran.status == 1
    assert "give the prefix" in ran.err


def test_an_oauth_clients_secret_stands_alone_on_stdout(emea: Installation) -> None:
    ran = token(emea, "create", "--name", "okta", "--oauth")

    assert known(emea, ran.out.removesuffix("\n")).kind == "client"
    assert "client id 'okta'" in ran.err


def test_where_several_syncs_are_pushed_to_the_sync_must_be_said(emea: Installation) -> None:
    several_syncs(emea)

    unsaid = token(emea, "create", "--name", "entra")
    pulled = token(emea, "create", "--name", "entra", "--sync", "pulls")
    unknown = token(emea, "create", "--name", "entra", "--sync", "nowhere")

    assert [ran.status for ran in (unsaid, pulled, unknown)] == [1, 1, 1]
    assert "--sync with one of: emea, apac" in unsaid.err
    assert "'pulls' has no `pushed` directory" in pulled.err
    assert "isn't in the config" in unknown.err
    assert known(emea, made(emea, "--sync", "apac")).sync == "apac"


def test_a_name_that_two_syncs_know_is_revoked_for_the_one_that_is_meant(
    emea: Installation,
) -> None:
    several_syncs(emea)
    texts = {sync: made(emea, "--sync", sync) for sync in ("emea", "apac")}

    unclear = token(emea, "revoke", "entra")
    clear = token(emea, "revoke", "entra", "--sync", "apac")

    assert unclear.status == 1
    assert "several syncs have a token 'entra'" in unclear.err
    assert clear.status == 0
    assert known(emea, texts["emea"]).live(NOW)
    assert not known(emea, texts["apac"]).live(NOW)


def test_without_a_pushed_directory_there_is_nothing_to_open(emea: Installation) -> None:
    emea.configure(directories=[{"kind": "csv", "name": "hr", "path": "people.csv"}])

    ran = token(emea, "create", "--name", "entra")

    assert ran.status == 1
    assert "no sync has a `pushed` directory" in ran.err


@pytest.mark.parametrize("name", ["", " entra", "a:b", "prov_x", "a\nb", "n" * 101])
def test_a_name_that_nobody_could_use_is_refused(emea: Installation, name: str) -> None:
    ran = token(emea, "create", "--name", name)

    assert ran.status == 1
    assert "is no name for a token" in ran.err
    assert not (emea.folder / "store.db").exists()


@pytest.mark.parametrize("expires", ["soon", "-1d", "0d", "999999w"])
def test_a_term_that_cannot_be_read_is_a_usage_error(emea: Installation, expires: str) -> None:
    ran = token(emea, "create", "--name", "entra", "--expires", expires)

    assert ran.status == 1
    assert "--expires" in ran.err
    assert ran.out == ""


def test_an_operators_token_is_for_the_console_and_for_every_sync(emea: Installation) -> None:
    several_syncs(emea)

    ran = token(emea, "create", "--console", "--name", "eva")

    found = known(emea, ran.out.removesuffix("\n"))
    assert (found.kind, found.scope, found.syncs) == ("console", "write", None)
    assert "for the console, every sync, write" in ran.err


def test_an_operators_token_may_be_for_some_syncs_pushed_to_or_not(emea: Installation) -> None:
    several_syncs(emea)

    some = token(emea, "create", "--console", "--name", "eva", "--sync", "pulls", "--sync", "apac")
    nowhere = token(emea, "create", "--console", "--name", "eva", "--sync", "nowhere")

    assert known(emea, some.out.removesuffix("\n")).syncs == frozenset({"apac", "pulls"})
    assert [(t["kind"], t["sync"]) for t in listed(emea)] == [("console", "apac,pulls")]
    assert nowhere.status == 1
    assert "--sync takes: emea, apac, pulls" in nowhere.err


def test_an_operators_token_needs_no_pushed_directory(emea: Installation) -> None:
    emea.configure(directories=[{"kind": "csv", "name": "hr", "path": "people.csv"}])

    assert token(emea, "create", "--console", "--name", "eva").status == 0


def test_an_operators_token_is_rotated_and_revoked_like_any(emea: Installation) -> None:
    old = token(emea, "create", "--console", "--name", "eva").out.removesuffix("\n")
    new = token(emea, "rotate", "eva").out.removesuffix("\n")

    ran = token(emea, "revoke", "eva")

    assert [known(emea, text).kind for text in (old, new)] == ["console", "console"]
    assert not any(known(emea, text).live(NOW) for text in (old, new))
    assert "for the console, every sync" in ran.out


@pytest.mark.parametrize(
    "options", [("--console", "--oauth"), ("--sync", "emea", "--sync", "apac")]
)
def test_a_token_opens_one_door_and_one_receiver(
    emea: Installation, options: tuple[str, ...]
) -> None:
    assert token(emea, "create", "--name", "eva", *options).status == 1
    assert not (emea.folder / "store.db").exists()
