"""Seats: who gets the last one, whose release serves whom, and what a shortage says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Catalog, Person, PhoneUser, Seats
from provisioner.config import PoolConfig
from provisioner.plan.differences import Case
from provisioner.plan.draft import Draft
from provisioner.plan.model import PoolUse
from provisioner.plan.ordering import in_order
from provisioner.plan.seats import Pools, grant_seats, number_uses, pool_uses
from provisioner.pools import NumberPool
from tests.provisioner.plan.office import Office, person, user

RULES: dict[str | None, int] = {"boss": 0, "all": 1}


def case(key: str, actual: PhoneUser | None = None) -> Case:
    resource = {"userName": key, "emails": [{"value": f"{key}@example.org"}]}
    return Case(key, "in_scope", Person(key, resource), actual=actual)


def claim(key: str, after: str, before: str | None = None, rule: str = "all") -> Draft:
    risk = "safe" if before is None else "service"
    return Draft("package.assign", case(key), before, after, rule, risk)  # type: ignore[arg-type]


def release(key: str, package: str) -> Draft:
    return Draft("package.remove", case(key), package, None, None, "destructive")


def packages(totals: Mapping[str, int | None], used: Mapping[str, int] | None = None) -> Pools:
    seats = {name: Seats(total) for name, total in totals.items()}
    return Pools(Catalog(packages=seats), Counter(), Counter(used or {}), 0)


def granted(drafts: Iterable[Draft]) -> list[str]:
    return [d.key for d in drafts if d.state == "planned" and d.after is not None]


def test_claims_are_served_by_rule_order_and_then_by_key() -> None:
    drafts = [claim("c", "basic"), claim("a", "basic"), claim("z", "basic", rule="boss")]

    grant_seats("package", drafts, packages({"basic": 2}), RULES)

    assert sorted(granted(drafts)) == ["a", "z"]


def test_a_release_serves_a_claim_which_needs_it() -> None:
    leaver, joiner = release("jan", "Basic"), claim("eva", "basic")

    grant_seats("package", [joiner, leaver], packages({"Basic": 1}, {"Basic": 1}), RULES)

    assert joiner.state == "planned"
    assert joiner.needs == [leaver]


def test_a_claim_that_finds_a_free_seat_needs_no_release() -> None:
    leaver, joiner = release("jan", "basic"), claim("eva", "basic")

    grant_seats("package", [leaver, joiner], packages({"basic": 2}, {"basic": 1}), RULES)

    assert joiner.needs == []


def test_a_license_that_goes_frees_the_packages_that_go_with_it() -> None:
    actual = PhoneUser("p1", license="zoom_phone", packages=("basic", "gold"))
    leaver = Draft("license.remove", case("jan", actual), "zoom_phone", None, None, "destructive")
    leaver.consequences = ["calling package basic is removed"]
    basic, gold = claim("eva", "basic"), claim("ida", "gold")
    pools = packages({"basic": 1, "gold": 1}, {"basic": 1, "gold": 1})

    grant_seats("package", [leaver, basic, gold], pools, RULES)

    assert basic.needs == [leaver]
    assert gold.state == "blocked", "what no consequence names stays"


def test_releases_that_wait_or_are_blocked_serve_nobody() -> None:
    waiting, joiner = release("jan", "basic"), claim("eva", "basic")
    waiting.wait("leaver in grace until 2026-12-01T09:00:00Z")

    grant_seats("package", [waiting, joiner], packages({"basic": 1}, {"basic": 1}), RULES)

    assert joiner.state == "blocked"
    assert "jan@example.org (leaver in grace until 2026-12-01T09:00:00Z)" in str(joiner.reason)


def test_a_swap_hands_its_old_seat_on() -> None:
    swap, joiner = claim("jan", "gold", before="basic"), claim("eva", "basic")

    grant_seats("package", [joiner, swap], packages({"gold": 1, "basic": 1}, {"basic": 1}), RULES)

    assert joiner.needs == [swap]


def test_a_blocked_swap_keeps_its_old_seat_which_serves_nobody() -> None:
    swap, joiner = claim("jan", "gold", before="basic"), claim("eva", "basic")
    pools = packages({"gold": 0, "basic": 1}, {"basic": 1})

    grant_seats("package", [joiner, swap], pools, RULES)

    assert (swap.state, swap.before, joiner.state) == ("blocked", "basic", "blocked")
    uses = pool_uses(pools, [swap, joiner])
    assert (uses["package:basic"].used, uses["package:basic"].after) == (1, 1)


def test_swaps_that_need_each_other_are_blocked_and_name_each_other() -> None:
    one, other = claim("jan", "gold", before="basic"), claim("eva", "basic", before="gold")
    pools = packages({"gold": 1, "basic": 1}, {"gold": 1, "basic": 1})

    grant_seats("package", [one, other], pools, RULES)

    assert one.state == other.state == "blocked"
    assert "the swaps of eva@example.org" in str(one.reason)
    assert "the swaps of jan@example.org" in str(other.reason)


def test_one_seat_from_outside_opens_a_circle() -> None:
    one, other = claim("jan", "gold", before="basic"), claim("eva", "basic", before="gold")
    pools = packages({"gold": 2, "basic": 1}, {"gold": 1, "basic": 1})

    grant_seats("package", [one, other], pools, RULES)

    assert (one.state, other.state, other.needs) == ("planned", "planned", [one])


def test_the_vendors_own_figure_counts_where_it_is_higher_than_the_holders() -> None:
    catalog = Catalog(packages={"basic": Seats(5, used=5)})
    pools = Pools(catalog, Counter(), Counter({"basic": 2}), 0)
    joiner = claim("eva", "basic")

    grant_seats("package", [joiner], pools, RULES)

    assert joiner.state == "blocked"
    assert "5 of 5 are used" in str(joiner.reason)


def test_what_is_not_counted_never_runs_short() -> None:
    drafts = [claim(f"e{n}", "basic") for n in range(50)]

    grant_seats("package", drafts, packages({"basic": None}), RULES)

    assert len(granted(drafts)) == 50


def test_a_name_that_is_not_in_the_catalog_is_blocked_and_those_there_are_named() -> None:
    unknown, known = claim("eva", "platin"), claim("ida", "GOLD")

    grant_seats("package", [unknown, known], packages({"basic": 9, "gold": 9}), RULES)

    assert unknown.reason == "the phone system has no package 'platin'; it has: basic, gold"
    assert known.state == "planned", "names are compared without case"


def test_a_catalog_that_tells_nothing_allows_every_name() -> None:
    joiner = claim("eva", "whatever")

    grant_seats("package", [joiner], Pools(Catalog(), Counter(), Counter(), 0), RULES)

    assert joiner.state == "planned"


@given(
    total=st.integers(0, 4),
    wishes=st.lists(
        st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from("ab")), max_size=8
    ),
    leaving=st.lists(st.sampled_from("ab"), max_size=4),
)
def test_no_step_of_a_plan_ever_holds_more_seats_than_there_are(
    total: int, wishes: list[tuple[str | None, str]], leaving: list[str]
) -> None:
    drafts = [claim(f"c{n}", after, before) for n, (before, after) in enumerate(wishes)]
    drafts = [d for d in drafts if d.before != d.after]
    drafts += [release(f"l{n}", package) for n, package in enumerate(leaving)]
    used = Counter(str(d.before) for d in drafts if d.before is not None)
    totals = {name: max(total, used[name]) for name in "ab"}

    grant_seats("package", drafts, packages(totals, used), RULES)

    held = Counter(used)
    for draft in in_order([d for d in drafts if d.state == "planned"]):
        if draft.after is not None:
            held[str(draft.after)] += 1
            assert held[str(draft.after)] <= totals[str(draft.after)]
        if draft.before is not None:
            held[str(draft.before)] -= 1


def test_a_pools_figures_tell_what_is_claimed_freed_and_short() -> None:
    leaver, drafts = release("jan", "basic"), [claim(key, "basic") for key in "abc"]
    pools = packages({"basic": 2}, {"basic": 1})

    grant_seats("package", [leaver, *drafts], pools, RULES)

    assert pool_uses(pools, [leaver, *drafts]) == {"package:basic": PoolUse(2, 1, 2, 2, 1, 1)}


def test_a_pool_of_numbers_has_figures_too() -> None:
    pools = {"m": NumberPool("m", PoolConfig((("+491", "+495"),)), None)}
    given_out = Draft("number.assign", case("a"), None, "+492", "all", "safe")
    gone = Draft("number.release", case("b"), "+491", None, None, "destructive")
    short = Draft("number.assign", case("c"), None, None, "all", "safe", state="blocked")
    short.lacks = ("number", "m")

    uses = number_uses(pools, {"+491", "+49555"}, ["+495", "+4977"], [given_out, gone, short])

    assert uses == {"number:m": PoolUse(5, 1, 1, 1, 1, 1, 1)}


def test_an_account_that_goes_frees_the_credit_license_that_goes_with_it() -> None:
    actual = PhoneUser("p1", license="zoom_phone", credits=True)
    leaver = Draft("user.trash", case("jan", actual), "jan", None, None, "destructive")
    leaver.consequences = ["the communication-credit license is removed"]
    pools = Pools(Catalog(), Counter(), Counter(), 1)

    assert pool_uses(pools, [leaver])["credits:credits"] == PoolUse(None, 1, 0, 0, 1, 0)


BOTH = """
rules:
  - name: all
    when: 'userName pr'
    give: {license: phone, packages: [basic, world], number: "+4989123401"}
"""


def catalog_of(packages: dict[str, int]) -> Catalog:
    seats = {name: Seats(total) for name, total in packages.items()}
    return Catalog(licenses={"phone": Seats(9)}, packages=seats)


def test_who_gets_one_of_two_packages_gets_the_number_too() -> None:
    catalog = catalog_of({"basic": 9, "world": 0})

    plan = Office(mapping=BOTH, people=[person("eva")], catalog=catalog).plan()

    assert [(c.kind, c.after) for c in plan.blocked] == [("package.assign", "world")]
    assert "number.assign" in {c.kind for c in plan.changes}
    assert plan.waiting == ()


def test_who_gets_none_of_their_packages_waits_with_the_number() -> None:
    catalog = catalog_of({"basic": 0, "world": 0, "old": 9})

    plan = Office(mapping=BOTH, people=[person("eva")], catalog=catalog).plan()

    assert [c.kind for c in plan.waiting] == ["number.assign"]


def test_a_swap_that_finds_no_seat_leaves_the_package_that_a_number_rests_on() -> None:
    catalog = catalog_of({"world": 0, "basic": 0, "old": 9})
    eva = user("eva", license="phone", packages=("old",))

    plan = Office(mapping=BOTH, people=[person("eva")], users=[eva], catalog=catalog).plan()

    assert {c.kind for c in plan.blocked} == {"package.assign"}
    assert [c.kind for c in plan.changes] == ["number.assign"]
