"""The connector against the simulated Zoom, over real HTTP: read, change, read back.

Where VENDOR_SPECS names Zoom's OpenAPI file, every request and every answer is held against it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec
import pytest
import requests

from connectors.errors import IncompleteRead, RunError
from connectors.phone import zoom
from connectors.phone.zoom import ZoomPhone
from connectors.records import Change, Http, Outcome, Outside, PhoneUser, Rate
from provisioner.http import make_http, new_session
from provisioner.rates import Limiter
from provisioner.simulators.zoom import Options, create_app, load_snapshot, running

US, PRO = "US/CA Unlimited Calling Plan", "Zoom Phone Pro"
NUMBERS = [f"+498912340{n:02}" for n in range(40)]
CATALOG = {
    "licenses": {"zoom_phone": 60},
    "packages": {US: 50, PRO: 50},
    "sites": ["Munich", "Brno"],
    "templates": [["Office", "Munich"], ["Office", "Brno"]],
    "numbers": [[number, "Munich"] for number in NUMBERS],
}
EVA = {
    "id": "eva", "key": "8c1f", "kind": "person", "email": "eva@example.org", "display_name": "Eva Malá",
    "department": "Sales", "license": "zoom_phone", "packages": [US], "site": "Munich",
    "extension_number": "4077", "numbers": ["+4989555"], "delegates": ["jan@example.org", "Lobby"],
}  # fmt: skip
JAN = {
    "id": "jan", "kind": "person", "email": "jan@example.org", "license": "zoom_phone",
    "packages": [PRO], "site": "Munich", "extension_number": "4078", "role": "admin",
}  # fmt: skip
LOBBY = {"id": "lobby", "kind": "common_area", "display_name": "Lobby", "site": "Munich"}

_seq = count(1)


class World(NamedTuple):
    """The connector, the simulator's address, every request sent (`METHOD path`), a clock to move."""

    phone: ZoomPhone
    url: str
    sent: list[str]
    clock: list[datetime]

    def portal(self, action: str, **body: Any) -> None:
        """Do what only the web portal can."""
        requests.post(f"{self.url}/_portal/{action}", json=body, timeout=10).raise_for_status()

    def people(self, delegators: bool = False) -> dict[str, PhoneUser]:
        """Read everybody, by mail (places by name)."""
        wanted = ["eva@example.org", "jan@example.org"] if delegators else []
        return {u.email or u.display_name or u.id: u for u in self.phone.read(wanted)}

    def carry_out(self, *changes: Change) -> list[Outcome]:
        return list(self.phone.carry_out(changes))

    def writes(self) -> list[str]:
        return [what for what in self.sent if not what.startswith("GET")]


@contextmanager
def world(
    *lines: dict[str, Any], config: Mapping[str, Any] = {}, **options: Any
) -> Iterator[World]:
    """Run a simulated account with these snapshot lines, and connect to it."""
    clock = [datetime(2026, 11, 23, 9, tzinfo=UTC)]
    options.setdefault("rates", None)
    app = create_app(options=Options(**options), clock=lambda: clock[0])
    load_snapshot(app, (json.dumps(line) for line in ({"catalog": CATALOG}, *lines)))
    sent: list[str] = []
    session = new_session()
    session.hooks["response"].append(lambda response, **_: _noted(response, sent))

    def carrier(account: str, rates: Mapping[str, Rate]) -> Http:
        limiter = Limiter(clock=lambda: len(sent) * 10.0)  # nobody waits for a place
        return make_http(
            None, limiter, lambda _: None, account=account, rates=rates, session=session
        )

    with running(app) as url:
        outside = Outside(base=Path(), http=carrier, now=lambda: clock[0], sleep=lambda _: None)
        own = Options()
        loaded = zoom.Config().load(
            {
                "account_id": own.account_id, "client_id": own.client_id,
                "client_secret": own.client_secret, "api_url": f"{url}/v2",
                "token_url": f"{url}/oauth/token", **config,
            }
        )  # fmt: skip
        yield World(zoom.connect(loaded, outside), url, sent, clock)
        session.close()


def _noted(response: requests.Response, sent: list[str]) -> None:
    request = response.request
    parts = urlsplit(request.url or "")
    if not parts.path.startswith("/v2/"):
        return
    path = unquote(parts.path.removeprefix("/v2"))
    sent.append(f"{request.method} {path}")


def change(
    kind: str,
    who: str,
    after: Any = None,
    *,
    before: Any = None,
    id: str | None = "",
    needs: tuple[int, ...] = (),
) -> Change:
    return Change(
        seq=next(_seq), kind=kind, user=f"{who}@example.org", key=who,
        id=who if id == "" else id, before=before, after=after, needs=needs,
    )  # fmt: skip


def states(outcomes: list[Outcome]) -> set[str]:
    return {f"{o.state}{f': {o.reason}' if o.reason else ''}" for o in outcomes}


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"id": name, "kind": "person", "email": f"{name}@example.org", **more}


def test_what_was_loaded_is_what_is_read() -> None:
    with world(
        EVA, JAN, LOBBY, person("new", status="pending"), person("off", status="inactive")
    ) as w:
        found = w.people(delegators=True)

        eva = found["eva@example.org"]
        assert (eva.key, eva.display_name, eva.department) == ("8c1f", "Eva Malá", "Sales")
        assert (eva.license, eva.packages, eva.numbers) == ("zoom_phone", (US,), ("+4989555",))
        assert (eva.site, eva.extension_number) == ("Munich", "4077")
        assert eva.delegates == ("jan@example.org", "Lobby")
        assert found["jan@example.org"].role == "admin"
        assert (found["new@example.org"].id, found["new@example.org"].status) == ("new", "pending")
        assert found["off@example.org"].status == "inactive"
        assert found["Lobby"].kind == "common_area"


def test_a_fresh_read_of_one_says_the_same_as_the_read_of_all() -> None:
    with world(EVA, JAN, LOBBY, person("pat"), person("off", status="inactive")) as w:
        everybody = w.people(delegators=True)

        for user in everybody.values():
            (again,) = w.phone.read_some([user])
            assert msgspec.structs.replace(again, vendor=user.vendor) == user


def test_many_fresh_reads_take_the_lists_and_say_the_same_too() -> None:
    crowd = [person(f"p{n:03}") for n in range(60)]
    with world(EVA, JAN, LOBBY, *crowd) as w:
        everybody = w.people(delegators=True)
        before = len(w.sent)

        again = {u.email: u for u in w.phone.read_some(everybody.values()) if u.email}

        assert len(w.sent) - before < 20
        assert {mail: u for mail, u in everybody.items() if u.email} == again


def test_repeated_entries_and_short_pages_give_everybody_once() -> None:
    crowd = [
        person(f"p{n:03}", license="zoom_phone", extension_number=str(5000 + n)) for n in range(250)
    ]
    with world(*crowd, repeat_across_pages=True) as w:
        assert len(list(w.phone.read())) == 250


def test_the_catalog_tells_what_the_account_has() -> None:
    with world(EVA, JAN) as w:
        catalog = w.phone.catalog()

        assert catalog.packages is not None
        assert (catalog.packages[US].total, catalog.packages[US].used) == (50, 1)
        assert catalog.sites == ("Munich", "Brno")
        assert catalog.templates == (("Office", "Munich"), ("Office", "Brno"))
        assert catalog.numbers is not None
        assert dict(catalog.numbers)[NUMBERS[0]] == "Munich"


def test_an_account_without_multiple_sites_works_without_them() -> None:
    with world(person("eva"), multiple_sites=False) as w:
        assert w.phone.catalog().sites is None
        assert states(
            w.carry_out(
                change("license.assign", "eva", "zoom_phone"), change("extension.set", "eva", "4001"),
                change("package.assign", "eva", PRO), change("number.assign", "eva", NUMBERS[0]),
            )
        ) == {"done"}  # fmt: skip

        eva = w.people()["eva@example.org"]
        assert (eva.license, eva.site, eva.extension_number) == ("zoom_phone", None, "4001")


def test_twenty_five_joiners_take_three_batches_and_have_everything_after() -> None:
    with world(*(person(f"p{n}") for n in range(25))) as w:
        changes = [
            c
            for n in range(25)
            for c in (
                change("license.assign", f"p{n}", "zoom_phone"),
                change("extension.set", f"p{n}", str(5000 + n)),
                change("package.assign", f"p{n}", PRO),
                change("site.set", f"p{n}", "Brno"),
                change("template.apply", f"p{n}", "Office"),
                change("number.assign", f"p{n}", NUMBERS[n]),
            )
        ]

        assert states(w.carry_out(*changes)) == {"done"}
        assert w.writes() == ["POST /phone/users/batch"] * 3

        found = w.people()
        for n in range(25):
            user = found[f"p{n}@example.org"]
            assert (user.packages, user.site, user.numbers) == ((PRO,), "Brno", (NUMBERS[n],))
            assert user.extension_number == str(5000 + n)


def test_one_joiner_who_cannot_be_served_does_not_take_the_others_along() -> None:
    with world(JAN, *(person(f"p{n}") for n in range(5))) as w:
        changes = [
            c
            for n in range(5)
            for c in (
                change("license.assign", f"p{n}", "zoom_phone"),
                change(
                    "extension.set", f"p{n}", "4078" if n == 2 else str(5000 + n)
                ),  # 4078 is Jan's
                change("site.set", f"p{n}", "Munich"),
            )
        ]

        outcomes = w.carry_out(*changes)

        assert [o.state for o in outcomes].count("failed") == 3
        assert {n for n in range(5) if w.people()[f"p{n}@example.org"].license} == {0, 1, 3, 4}


def test_an_invited_user_accepts_and_gets_their_phone_without_an_extension_number() -> None:
    with world(person("off", license="zoom_phone")) as w:
        invited = w.carry_out(
            change("user.invite", "eva", "eva@example.org", id=None),
            change(
                "profile.update", "eva", {"display_name": "Eva Malá", "department": "R&D"}, id=None
            ),
        )
        assert states(invited) == {"done"}
        pending = w.people()["eva@example.org"]
        assert (pending.id, pending.status, pending.department) == (invited[0].id, "pending", "R&D")

        w.portal("accept", email="eva@example.org")
        outcomes = w.carry_out(
            change("license.assign", "eva", "zoom_phone", id=pending.id),
            change("site.set", "eva", "Brno", id=pending.id),
            change("template.apply", "eva", "Office", id=pending.id),
            change("package.assign", "eva", PRO, id=pending.id),
            change("package.assign", "eva", US, id=pending.id),
            change("number.assign", "eva", NUMBERS[1], id=pending.id),
        )

        assert states(outcomes) == {"done"}
        eva = w.people()["eva@example.org"]
        assert (eva.status, eva.site, set(eva.packages)) == ("active", "Brno", {PRO, US})
        assert eva.numbers == (NUMBERS[1],)


def test_a_user_created_active_has_a_phone_in_the_same_run() -> None:
    config = {"create": {"action": "ssoCreate", "type": 2}}
    with world(config=config, sso="provisioning") as w:
        outcomes = w.carry_out(
            change("user.create", "eva", "eva@example.org", id=None),
            change("license.assign", "eva", "zoom_phone", id=None),
            change("extension.set", "eva", "4001", id=None),
            change("package.assign", "eva", PRO, id=None),
            change("site.set", "eva", "Munich", id=None),
        )

        assert states(outcomes) == {"done"}
        assert w.writes() == ["POST /users", "POST /phone/users/batch"]
        assert w.people()["eva@example.org"].packages == (PRO,)


def test_a_mover_changes_everything_and_is_read_back_changed() -> None:
    with world(EVA, JAN, LOBBY) as w:
        outcomes = w.carry_out(
            change(
                "profile.update", "eva", {"display_name": "Eva Nová", "email": "nova@example.org"}
            ),
            change("package.assign", "eva", PRO, before=US),
            change("site.set", "eva", "Brno", before="Munich"),
            change("template.apply", "eva", "Office"),
            change("extension.set", "eva", "4100", before="4077"),
            change("number.assign", "eva", NUMBERS[0], before="+4989555"),
            change("delegate.remove", "eva", before="Lobby"),
            change("delegate.add", "jan", "nova@example.org"),
        )

        assert states(outcomes) == {"done"}
        (eva,) = w.phone.read_some([PhoneUser(id="eva")])
        assert (eva.email, eva.display_name) == ("nova@example.org", "Eva Nová")
        assert (eva.packages, eva.site, eva.extension_number) == ((PRO,), "Brno", "4100")
        assert (eva.numbers, eva.delegates) == ((NUMBERS[0],), ("jan@example.org",))
        (jan,) = w.phone.read_some([PhoneUser(id="jan")])
        assert jan.delegates == ("nova@example.org",)


def test_a_leaver_loses_phone_and_account_and_going_twice_does_no_harm() -> None:
    with world(EVA, JAN, config={"leave": "disassociate"}) as w:
        for _ in range(2):
            outcomes = w.carry_out(
                change("delegate.remove", "eva", before="jan@example.org"),
                change("number.release", "eva", before="+4989555"),
                change("package.remove", "eva", before=US),
                change("license.remove", "eva", before="zoom_phone"),
                change("user.delete", "eva", before="active"),
            )
            assert states(outcomes) == {"done"}
        assert "eva@example.org" not in w.people()


def test_deactivating_takes_the_phone_and_activating_gives_the_login_back() -> None:
    with world(EVA) as w:
        assert states(w.carry_out(change("user.deactivate", "eva"))) == {"done"}
        off = w.people()["eva@example.org"]
        assert (off.status, off.license, off.delegates) == ("inactive", None, ())

        assert states(w.carry_out(change("user.activate", "eva"))) == {"done"}
        assert w.people()["eva@example.org"].status == "active"


def test_whoever_is_let_in_again_has_the_zoom_workplace_license_that_accounts_come_with() -> None:
    licensed = [person(name, vendor={"type": 2}) for name in ("eva", "jan")]
    with world(*licensed, config={"create": {"type": 2}}, licensed_seats=2) as w:
        off, on = change("user.deactivate", "eva"), change("user.activate", "eva")
        assert states(w.carry_out(off)) == {"done"}
        assert states(w.carry_out(on)) == {"done"}
        assert w.people()["eva@example.org"].vendor["type"] == 2

        w.carry_out(off)
        w.carry_out(change("user.create", "pat", "pat@example.org", id=None))
        (outcome,) = w.carry_out(on)

        assert (outcome.state, w.people()["eva@example.org"].status) == ("done", "active")
        assert "without a Zoom Workplace license" in str(outcome.reason)


def test_changes_carried_out_again_are_done_again_and_nothing_is_doubled() -> None:
    with world(EVA, JAN, LOBBY) as w:
        changes = [
            change("package.assign", "eva", PRO, before=US),
            change("package.assign", "jan", US),
            change("number.assign", "jan", NUMBERS[0]),
            change("delegate.add", "jan", "eva@example.org"),
            change("site.set", "jan", "Brno", before="Munich"),
        ]

        assert states(w.carry_out(*changes)) == states(w.carry_out(*changes)) == {"done"}
        jan = next(w.phone.read_some([PhoneUser(id="jan")]))
        assert (set(jan.packages), jan.numbers, jan.delegates) == (
            {PRO, US},
            (NUMBERS[0],),
            ("eva@example.org",),
        )


def test_without_a_seat_the_person_fails_and_is_told_why() -> None:
    full = [person(f"p{n}", license="zoom_phone") for n in range(60)]
    with world(*full, person("eva")) as w:
        (outcome,) = w.carry_out(change("license.assign", "eva", "zoom_phone"))

        assert outcome.state == "failed"
        assert "no Zoom Phone license is free" in str(outcome.reason)


def test_who_was_trashed_in_the_portal_is_read_without_a_phone_and_named_when_licensed() -> None:
    with world(EVA, JAN) as w:
        w.portal("trash", email="eva@example.org")

        assert w.people()["eva@example.org"].license is None
        (outcome,) = w.carry_out(change("license.assign", "eva", "zoom_phone"))
        assert "restore the user from the Trash" in str(outcome.reason)


def test_a_token_that_expires_within_a_run_is_renewed_without_anybody_noticing() -> None:
    with world(EVA, JAN, token_life_s=300) as w:
        w.people()
        w.clock[0] += timedelta(hours=2)

        assert states(w.carry_out(change("package.assign", "jan", US))) == {"done"}


def test_an_account_without_zoom_phone_is_told_by_check() -> None:
    with world(phone_enabled=False) as w, pytest.raises(RunError, match="has not been enabled"):
        w.phone.check()


def test_wrong_credentials_are_told_by_check() -> None:
    with (
        world(config={"client_secret": "wrong"}) as w,
        pytest.raises(RunError, match="Invalid client_id"),
    ):
        w.phone.check()


def test_an_expired_page_token_is_no_read() -> None:
    crowd = [person(f"p{n:03}", license="zoom_phone") for n in range(150)]
    with world(*crowd, page_token_life_s=0) as w, pytest.raises(IncompleteRead, match="page token"):
        list(w.phone.read())


def test_a_list_that_shows_additions_late_is_believed_when_it_shows_them() -> None:
    with world(person("eva"), visible_after_s=30) as w:
        changes = (
            change("license.assign", "eva", "zoom_phone"),
            change("package.assign", "eva", PRO),
        )
        assert states(w.carry_out(*changes)) == {"done"}

        (fresh,) = w.phone.read_some([PhoneUser(id="eva")])
        assert fresh.packages == (PRO,)
        w.clock[0] += timedelta(seconds=31)
        assert w.people()["eva@example.org"].packages == (PRO,)
