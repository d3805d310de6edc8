"""A SCIM service as a directory: whole reads, keys, flaws and config."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Response
from marshmallow import ValidationError

from connectors.directory import scim_endpoint
from connectors.errors import ProvisionerError
from connectors.records import Flaw, Outside, Person
from provisioner.http import CallRecord, make_http
from provisioner.rates import Limiter
from provisioner.simulators.scim_service import Style
from tests.connectors.directory.scim_services import (
    TOKEN,
    answering,
    directory,
    keys,
    listing,
    nothing,
    service,
    user,
    users,
)


@pytest.mark.parametrize("pages", ["index", "cursor"])
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 20, 25])
def test_everybody_is_read_once_in_the_services_order(count: int, pages: str) -> None:
    with service(users(count)) as (base, _):
        read = list(directory(base, pages=pages).read())

    assert keys(read) == [f"e{number}" for number in range(count)]


def test_a_person_is_the_canonical_resource_and_says_where_it_is() -> None:
    with service([user(1, ACTIVE="True", active=None, title="")]) as (base, _):
        (person,) = directory(base).read()

    assert isinstance(person, Person)
    assert (person.key, person.where, person.user) == ("e1", "Users/u1", "u1@example.org")
    assert person.resource == user(1)


@pytest.mark.parametrize(
    ("pages", "expected"),
    [(("index", "cursor"), "startIndex"), (("cursor", "index"), "cursor"), (("cursor",), "cursor")],
)
def test_lists_are_paged_as_the_service_says_by_default(
    pages: tuple[str, ...], expected: str
) -> None:
    with service(users(3), style=Style(pages=pages)) as (base, asked):
        assert len(list(directory(base).read())) == 3

    assert all(expected in each for each in asked if "/Users" in each)


def test_config_decides_how_lists_are_paged_and_then_nobody_is_asked() -> None:
    with service(users(3)) as (base, asked):
        list(directory(base, pages="cursor").read())

    assert not [each for each in asked if "ServiceProviderConfig" in each]
    assert all("cursor=" in each for each in asked if "/Users" in each)


@pytest.mark.parametrize("how", ["absent", "denied"])
def test_a_service_that_does_not_describe_itself_is_read_by_index(how: str) -> None:
    faults: dict[str, Any] = {how: frozenset({"ServiceProviderConfig"})}
    with service(users(30), **faults) as (base, asked):
        assert len(list(directory(base).read())) == 30

    assert all("startIndex" in each for each in asked if "/Users" in each)


def test_pages_smaller_than_asked_are_followed_by_what_really_came() -> None:
    with service(
        users(25), absent=frozenset({"ServiceProviderConfig"}), style=Style(max_page=4)
    ) as (
        base,
        _,
    ):
        assert len(list(directory(base).read())) == 25


def test_no_more_is_asked_for_at_once_than_the_service_allows() -> None:
    with service(users(9), style=Style(max_page=4)) as (base, asked):
        list(directory(base, page_size=500).read())

    assert all("count=4" in each for each in asked if "/Users" in each)


@pytest.mark.parametrize("pages", ["index", "cursor"])
def test_an_entry_that_comes_twice_is_one_person(pages: str) -> None:
    with service(users(35), repeat=True) as (base, _):
        read = list(directory(base, pages=pages).read())

    assert keys(read) == [f"e{number}" for number in range(35)]


def test_a_service_that_sends_everything_at_once_is_read() -> None:
    with answering(lambda path: listing(*users(30)) if path == "Users" else nothing(path)) as base:
        assert len(list(directory(base).read())) == 30


def test_the_second_read_is_a_read_of_its_own() -> None:
    with service(users(5)) as (base, _):
        hr = directory(base)
        assert list(hr.read()) == list(hr.read())


def test_an_empty_directory_yields_nothing() -> None:
    with answering(
        lambda path: Response(json.dumps({"totalResults": 0})) if path == "Users" else nothing(path)
    ) as base:
        assert list(directory(base).read()) == []


def test_a_total_sent_as_text_and_names_in_any_case_are_understood() -> None:
    body = {"TOTALRESULTS": "1", "resources": [user(1)]}
    with answering(
        lambda path: Response(json.dumps(body)) if path == "Users" else nothing(path)
    ) as base:
        assert keys(list(directory(base).read())) == ["e1"]


def test_a_byte_order_mark_and_a_plain_content_type_do_no_harm() -> None:
    body = b"\xef\xbb\xbf" + json.dumps({"totalResults": 1, "Resources": [user(1)]}).encode()
    with answering(
        lambda path: Response(body, mimetype="text/plain") if path == "Users" else nothing(path)
    ) as base:
        assert keys(list(directory(base).read())) == ["e1"]


def test_the_key_is_the_external_id_else_the_id() -> None:
    people = [user(1), user(2, externalId=None), user(3, externalId=" ")]
    with service(people) as (base, _):
        assert keys(list(directory(base).read())) == ["e1", "u2", "u3"]


def test_the_key_is_whatever_attribute_config_names() -> None:
    people = [user(1), user(2, userName=None)]
    with service(people) as (base, _):
        person, flaw = directory(base, key="USERNAME").read()

    assert person.key == "user1"
    assert isinstance(flaw, Flaw)
    assert (flaw.where, flaw.key) == ("Users/u2", None)
    assert flaw.reason == "it has no userName, which is the key"


def test_two_people_with_one_key_are_both_yielded() -> None:
    with service([user(1), user(2, externalId="e1")]) as (base, _):
        assert keys(list(directory(base).read())) == ["e1", "e1"]


def test_a_resource_without_an_id_is_a_flaw_and_the_others_are_read() -> None:
    people = [user(1), user(2, id=None), {"userName": "nobody"}, user(3)]
    with service(people) as (base, _):
        read = list(directory(base).read())

    assert keys(read) == ["e1", "e2", None, "e3"]
    assert [(each.where, each.reason) for each in read if isinstance(each, Flaw)] == [
        ("Users no. 2", "it has no id"),
        ("Users no. 3", "it has no id"),
    ]


def test_a_resource_that_is_no_object_is_a_flaw() -> None:
    with answering(
        lambda path: listing("eva", None, user(1)) if path == "Users" else nothing(path)
    ) as base:
        assert keys(list(directory(base).read())) == [None, None, "e1"]


def test_an_active_that_cannot_be_read_makes_a_flaw_of_that_person_alone() -> None:
    with service([user(1), user(2, active="on leave")]) as (base, _):
        _, flaw = directory(base).read()

    assert flaw == Flaw(
        "Users/u2", "e2", "its active is neither true nor false", "correct it at the service"
    )


def test_an_external_id_that_cannot_be_read_is_not_replaced_by_another_key() -> None:
    with service([user(1, externalId="e\ud83d")]) as (base, _):
        (flaw,) = directory(base).read()

    assert flaw == Flaw(
        "Users/u1", None, "its externalId holds half a character", "correct it at the service"
    )


def test_half_a_character_in_one_name_leaves_the_page_readable() -> None:
    with service([user(1, displayName="Eva \ud83d"), user(2)]) as (base, _):
        flaw, person = directory(base).read()

    assert isinstance(flaw, Flaw)
    assert (flaw.key, person.key) == ("e1", "e2")


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "ftp://x/v2"},
        {"url": "scim.example.org"},
        {"url": "https://me:secret@x/v2"},
        {"url": "https://x/v2?token=1"},
        {"url": "https://x/v2/Users/"},
        {"token": ""},
        {"token": None},
        {"pages": "offset"},
        {"page_size": 0},
        {"page_size": "10"},
        {"key": "externalID eq"},
        {"key": "shoeSize"},
        {"memberships": "both"},
        {"colour": "red"},
    ],
)
def test_config_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        scim_endpoint.Config().load({"url": "https://x/v2", "token": TOKEN, **wrong})

    assert isinstance(caught.value.messages, dict)
    assert set(caught.value.messages) == set(wrong)


def test_a_secret_stays_what_it_is_in_the_loaded_config() -> None:
    class Secret(str):
        __slots__ = ()

    loaded = scim_endpoint.Config().load({"url": "https://x/v2", "token": Secret(TOKEN)})

    assert type(loaded["token"]) is Secret


def test_every_request_is_on_record_by_path_alone() -> None:
    calls: list[CallRecord] = []
    outside = Outside(
        base=Path(),
        http=lambda account, rates: make_http(
            calls.append, Limiter(), lambda _: None, account=account, rates=rates
        ),
        now=lambda: datetime.now(UTC),
        sleep=lambda _: None,
    )
    with service(users(3)) as (base, _):
        config = {"url": f"{base}/scim/v2/", "token": TOKEN}
        list(scim_endpoint.connect("hr", config, outside, None).read())

    assert {(each.path, each.status) for each in calls} == {
        ("/scim/v2/ServiceProviderConfig", 200),
        ("/scim/v2/Users", 200),
        ("/scim/v2/Groups", 200),
    }
    assert {each.account for each in calls} == {f"scim {base.removeprefix('http://')}"}


def test_a_stop_is_noticed_between_pages() -> None:
    class Stopped(Exception):
        pass

    def stop(_: float) -> None:
        raise Stopped

    with service(users(25)) as (base, asked):
        outside = Outside(
            base=Path(),
            http=lambda account, rates: make_http(None, Limiter(), lambda _: None),
            now=lambda: datetime.now(UTC),
            sleep=stop,
        )
        config = {"url": f"{base}/scim/v2", "token": TOKEN, "page_size": 10}
        with pytest.raises(Stopped):
            list(scim_endpoint.connect("hr", config, outside, None).read())

        assert len([each for each in asked if "/Users" in each]) == 1


def test_no_error_is_anything_but_one_of_ours() -> None:
    for faults in ({"html": True}, {"drop_page": 1}, {"empty": True}, {"no_total": True}):
        with service(users(5), **faults) as (base, _), pytest.raises(ProvisionerError):
            list(directory(base).read())
