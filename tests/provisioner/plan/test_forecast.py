"""The forecast: books that balance, whoever comes, goes, waits or finds no seat."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Abilities, Catalog, Person, PhoneUser, Seats
from mappings import Entitlements, Given, Leavers, Mapping
from provisioner.config import PoolConfig
from provisioner.plan.calendar import Days
from provisioner.plan.differences import Case, Differences, Ending
from provisioner.plan.draft import Draft
from provisioner.plan.forecast import forecast
from provisioner.plan.seats import Pools, grant_seats, number_uses, pool_uses
from provisioner.pools import NumberPool
from tests.provisioner.plan.grounds import NOW, ground

TODAY = NOW.date()
POOL = PoolConfig(ranges=(("+4910", "+4919"),), cooling=timedelta(days=30))
TAKES = frozenset({"packages", "numbers", "delegates"})


def on(day: int) -> date:
    return TODAY + timedelta(days=day)


def person(key: str) -> Person:
    return Person(key, {"userName": key, "emails": [{"value": f"{key}@example.org"}]})


def early(key: str, day: int, last: int | None = None) -> Case:
    given_them = Entitlements({"license": Given("phone", "all")}, {}, {})
    days = Days("early", on(day + 3), None if last is None else on(last), on(day), begun=False)
    return Case(key, "early", person(key), given_them, days=days)


def claim(key: str) -> Draft:
    return Draft("license.assign", Case(key, "in_scope", person(key)), None, "phone", "all", "safe")


def leaver(key: str, day: int) -> Draft:
    user = PhoneUser(key, license="phone")
    draft = Draft(
        "license.remove", Case(key, "gone", actual=user), "phone", None, None, "destructive"
    )
    draft.wait("leaver in grace")
    draft.until = NOW + timedelta(days=day)
    return draft


def look_ahead(
    drafts: list[Draft],
    cases: list[Case],
    endings: list[Ending],
    total: int | None,
    used: int,
    also_called: str | None = None,
    **situation: Any,
) -> tuple[list[Any], Any]:
    mapping = SimpleNamespace(
        managed=frozenset({"license"}), leavers=Leavers("remove_license", timedelta(0))
    )
    stands = replace(
        ground("license", abilities=Abilities(kinds=frozenset(), license_takes=TAKES)),
        mapping=cast(Mapping, mapping),
    )
    catalog = Catalog() if total is None else Catalog(licenses={"phone": Seats(total)})
    if also_called is not None:
        assert catalog.licenses is not None
        catalog.licenses[also_called] = Seats(total, counted_with="phone")
    pools = Pools(catalog, Counter({"phone": used}), Counter(), 0)
    grant_seats("license", drafts, pools, {"all": 0})
    uses = {**pool_uses(pools, drafts), **(situation.pop("more", {}))}
    found = Differences(cases=cases, endings=endings)
    looking = SimpleNamespace(
        scope="full", as_of=NOW, horizon=timedelta(days=90), pools={}, resting_until={}
    )
    looking.__dict__.update(situation)
    return list(forecast(drafts, found, stands, uses, pools, looking)), uses.get("license:phone")


def test_starts_ends_and_graces_come_on_their_days() -> None:
    ends = Ending("b", on(4), PhoneUser("b", license="phone"))

    days, _ = look_ahead([leaver("a", 7)], [early("c", 5), early("d", 5)], [ends], total=2, used=2)

    assert [(f.date, f.claimed, f.freed, f.after, f.short) for f in days] == [
        (on(5).isoformat(), 2, 1, 3, 1),
        (on(7).isoformat(), 0, 1, 2, 0),
    ]


def test_who_finds_no_seat_today_still_wants_one_tomorrow() -> None:
    days, use = look_ahead([claim("a"), claim("b"), leaver("x", 2)], [], [], total=1, used=1)

    assert use.short == 2
    assert [(f.after, f.short) for f in days] == [(2, 1)]


def test_a_pool_that_nobody_counts_is_forecast_from_what_is_used() -> None:
    days, _ = look_ahead([], [early("a", 2)], [], total=None, used=7)

    assert [(f.pool, f.after, f.short) for f in days] == [("license:phone", 8, 0)]


def test_nothing_is_forecast_beyond_the_horizon_or_for_some_people() -> None:
    assert look_ahead([leaver("a", 91)], [early("b", 91)], [], 1, 1)[0] == []
    for scope in ("push", "users", "undo"):
        assert look_ahead([leaver("a", 1)], [], [], 1, 1, scope=scope)[0] == []
    assert look_ahead([leaver("a", 1)], [], [], 1, 1, horizon=timedelta(0))[0] == []


def test_seats_that_go_by_another_name_are_counted_with_the_others() -> None:
    case = early("a", 5)
    wish = Entitlements({"license": Given("Phone Suite", "all")}, {}, {})
    user = PhoneUser("x", license="phone suite")

    days, _ = look_ahead(
        [],
        [replace(case, entitlements=wish)],
        [Ending("x", on(7), user)],
        total=1,
        used=1,
        also_called="Phone Suite",
    )

    assert [(f.pool, f.after, f.short) for f in days] == [
        ("license:phone", 2, 1),
        ("license:phone", 1, 0),
    ]


def test_who_finds_no_seat_and_leaves_wants_none_from_the_next_day_on() -> None:
    days, use = look_ahead([claim("a"), claim("b")], [], [Ending("b", on(3))], total=1, used=0)

    assert use.short == 1
    assert [(f.date, f.freed, f.after, f.short) for f in days] == [(on(4).isoformat(), 1, 1, 0)]


def test_a_number_that_the_plan_takes_is_nobodys_until_it_has_rested() -> None:
    user = PhoneUser("a", license="phone", numbers=("+4910",))
    case = Case("a", "in_scope", person("a"), actual=user)
    swap = Draft("number.assign", case, "+4910", "+4999", "all", "service")
    numbers = {"p": NumberPool("p", POOL, None)}
    uses = number_uses(numbers, {"+4910"}, (), [swap])

    days, _ = look_ahead([swap], [], [], total=None, used=0, more=uses, pools=numbers)

    assert uses["number:p"].after == 0
    assert [(f.pool, f.date, f.freed, f.after) for f in days] == [
        ("number:p", on(30).isoformat(), 1, 0)
    ]


@given(
    claims=st.integers(0, 4),
    graces=st.lists(st.integers(0, 100), max_size=4),
    starts=st.lists(st.tuples(st.integers(0, 100), st.none() | st.integers(0, 100)), max_size=4),
    ends=st.lists(st.integers(-1, 100), max_size=4),
    free=st.integers(0, 5),
)
def test_the_books_balance_day_by_day(
    claims: int,
    graces: list[int],
    starts: list[tuple[int, int | None]],
    ends: list[int],
    free: int,
) -> None:
    used = len(graces) + len(ends)
    drafts = [claim(f"c{n}") for n in range(claims)]
    drafts += [leaver(f"l{n}", day) for n, day in enumerate(graces)]
    cases = [early(f"s{n}", day, last) for n, (day, last) in enumerate(starts)]
    endings = [
        Ending(f"e{n}", on(d), PhoneUser(f"e{n}", license="phone")) for n, d in enumerate(ends)
    ]

    days, use = look_ahead(drafts, cases, endings, used + free, used)

    assert use.after == use.used + use.claimed - use.freed <= used + free, "never oversold"
    assert use.claimed + use.short == claims
    wanted, total = use.after + use.short, used + free
    assert [f.date for f in days] == sorted({f.date for f in days})
    for each in days:
        wanted += each.claimed - each.freed
        assert (each.after, each.short) == (wanted, max(0, wanted - total))
        assert each.claimed or each.freed
        assert TODAY <= date.fromisoformat(each.date) <= on(90)
    assert sum(f.claimed for f in days) == sum(day <= 90 for day, _ in starts)
