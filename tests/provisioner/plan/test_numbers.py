"""Direct numbers: which one a claim gets, and how numbers pass from hand to hand in one plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Person, PhoneUser
from provisioner.config import PoolConfig
from provisioner.plan.differences import Case
from provisioner.plan.draft import Draft
from provisioner.plan.numbers import Numbers, give_numbers
from provisioner.pools import NumberPool

RULES: dict[str | None, int] = {"boss": 0, "all": 1}
UNTIL = "leaver in grace until 2026-12-01T09:00:00Z"


def pool(
    low: str = "+491", high: str = "+493", name: str = "munich", cooling: int = 0
) -> dict[str, NumberPool]:
    config = PoolConfig(ranges=((low, high),), cooling=timedelta(days=cooling))
    return {name: NumberPool(name, config, None)}


def case(key: str, *numbers: str) -> Case:
    resource = {"userName": key, "emails": [{"value": f"{key}@example.org"}]}
    actual = PhoneUser(f"p-{key}", numbers=numbers) if numbers else None
    return Case(key, "in_scope", Person(key, resource), actual=actual)


def claim(
    key: str, after: str = "pool:munich", before: str | None = None, rule: str = "all"
) -> Draft:
    return Draft("number.assign", case(key), before, after, rule, "safe")


def release(key: str, number: str) -> Draft:
    return Draft("number.release", case(key, number), number, None, None, "destructive")


def give(
    drafts: Iterable[Draft],
    held: Collection[str] = (),
    pools: dict[str, NumberPool] | None = None,
    cooling: Collection[str] = (),
    lost: dict[str, str] | None = None,
    before: dict[str, tuple[str, ...]] | None = None,
) -> None:
    rest = dict.fromkeys(cooling, "") | (lost or {})
    give_numbers(drafts, Numbers(pools or pool(), set(held), rest, before or {}), RULES)


def test_the_lowest_free_number_goes_to_whoever_comes_first() -> None:
    late, early, boss = claim("b"), claim("a"), claim("z", rule="boss")

    give([late, early, boss])

    assert [d.after for d in (boss, early, late)] == ["+491", "+492", "+493"]


def test_held_and_resting_numbers_are_not_given() -> None:
    draft = claim("a")

    give([draft], held={"+491"}, cooling={"+492"})

    assert draft.after == "+493"


def test_a_released_number_serves_a_claim_that_needs_the_release() -> None:
    draft, released = claim("a"), release("jan", "+492")

    give([draft, released], held={"+491", "+492", "+493"})

    assert (draft.after, draft.needs) == ("+492", [released])


def test_free_numbers_are_given_before_released_ones() -> None:
    draft, released = claim("a"), release("jan", "+491")

    give([released, draft], held={"+491", "+492"})

    assert (draft.after, draft.needs) == ("+493", [])


def test_a_number_that_goes_with_the_license_serves_as_well() -> None:
    leaver = Draft("license.remove", case("jan", "+491"), "phone", None, None, "destructive")
    leaver.consequences = ["number +491 is released"]
    draft = claim("a")

    give([draft, leaver], held={"+491", "+492", "+493"})

    assert (draft.after, draft.needs) == ("+491", [leaver])


def test_a_number_that_is_replaced_serves_as_well() -> None:
    swap, draft = claim("a", after="+4977", before="+491"), claim("b")

    give([draft, swap], held={"+491", "+492", "+493"})

    assert (draft.after, draft.needs) == ("+491", [swap])


def test_a_number_released_twice_is_given_once() -> None:
    leaver = Draft("package.remove", case("jan", "+491"), "basic", None, None, "destructive")
    leaver.consequences = ["number +491 is released"]
    released = release("jan", "+491")
    drafts = [claim("a"), claim("b")]

    give([*drafts, leaver, released], held={"+491", "+492", "+493"})

    assert drafts[0].needs == [released]
    assert drafts[1].state == "blocked"


def test_where_numbers_have_to_rest_no_release_serves() -> None:
    draft, released = claim("a"), release("jan", "+491")

    give([draft, released], {"+491", "+492", "+493"}, pool(cooling=30))

    assert (draft.state, draft.after, draft.needs) == ("blocked", None, [])


def test_a_number_of_no_pool_serves_nobody_who_asks_for_one_of_a_pool() -> None:
    draft, released = claim("a"), release("jan", "+4955")

    give([draft, released], held={"+491", "+492", "+493", "+4955"})

    assert draft.state == "blocked"


def test_a_blocked_claim_has_no_number_and_names_the_pool() -> None:
    draft = claim("a")

    give([draft], held={"+491", "+492", "+493"})

    assert (draft.state, draft.after) == ("blocked", None)
    assert draft.reason == "no number of 3 is free in pool munich: add a range, or release some"


def test_a_waiting_claim_has_no_number_and_names_the_pool() -> None:
    draft = claim("a")
    draft.wait("a@example.org has not accepted the invitation yet")

    give([draft])

    assert draft.after is None
    assert str(draft.reason).endswith("yet (a number of pool munich)")


def test_a_shortage_names_the_leaver_in_grace_whose_number_comes_free() -> None:
    draft, released = claim("a"), release("jan", "+491")
    released.wait(UNTIL)

    give([draft, released], held={"+491", "+492", "+493"})

    assert str(draft.reason).endswith(f"; one is freed by jan@example.org ({UNTIL})")


def test_a_number_that_a_rule_names_is_handed_on_even_where_the_pool_rests() -> None:
    successor, released = claim("a", after="+491"), release("jan", "+491")

    give([successor, released], {"+491"}, pool(cooling=30))

    assert (successor.state, successor.needs) == ("planned", [released])


def test_a_number_that_a_rule_names_goes_to_one_person_only() -> None:
    first, second = claim("a", after="+4977", rule="boss"), claim("b", after="+4977")

    give([second, first])

    assert first.state == "planned"
    assert second.reason == (
        "number +4977 goes to a@example.org in this plan, by rule boss; rule all gives it to"
        " b@example.org: give each their own"
    )


def test_a_number_that_a_rule_names_is_not_also_given_from_the_pool() -> None:
    named, pooled = claim("z", after="+491"), claim("a")

    give([pooled, named])

    assert (named.after, pooled.after) == ("+491", "+492")


def test_two_who_want_each_others_number_are_blocked() -> None:
    one, other = claim("a", after="+492", before="+491"), claim("b", after="+491", before="+492")

    give([one, other], held={"+491", "+492"})

    assert one.state == other.state == "blocked"


def test_the_words_of_a_manual_step_name_the_chosen_number() -> None:
    draft = claim("a")
    draft.state, draft.reason = "manual", "give a@example.org the number pool:munich in the portal"

    give([draft])

    assert draft.after == "+491"
    assert draft.reason == "give a@example.org the number +491 in the portal"


def test_several_pools_are_served_each_from_their_own_numbers() -> None:
    pools = pool() | pool("+4981", "+4983", name="brno")
    munich, brno = claim("a"), claim("b", after="pool:brno")

    give([munich, brno, release("jan", "+4982")], {"+4981", "+4982", "+4983"}, pools)

    assert (munich.after, brno.after) == ("+491", "+4982")


def test_who_comes_back_gets_the_number_that_they_held_before() -> None:
    back, other = claim("b"), claim("a")

    give([back, other], before={"b": ("+492", "+493")})

    assert (other.after, back.after) == ("+491", "+492")


def test_a_number_that_somebody_else_holds_by_now_is_not_given_back() -> None:
    back = claim("b")

    give([back], held={"+492"}, before={"b": ("+492",)})

    assert back.after == "+491"


def test_a_number_rests_for_others_and_not_for_who_lost_it() -> None:
    back, other = claim("b"), claim("a")

    give([back, other], lost={"+491": "b"}, before={"b": ("+491",), "a": ("+491",)})

    assert (back.after, other.after) == ("+491", "+492")


def test_what_somebody_held_before_takes_nobodys_turn() -> None:
    back, first = claim("b"), claim("a")

    give([back, first], held={"+491", "+493"}, before={"b": ("+492",)})

    assert (first.after, back.state) == ("+492", "blocked")


@given(
    held=st.sets(st.integers(1, 6)),
    rests=st.dictionaries(st.integers(1, 6), st.sampled_from("abcdef")),
    before=st.dictionaries(st.sampled_from("abcdef"), st.lists(st.integers(1, 7), max_size=3)),
    released=st.sets(st.integers(1, 6)),
    named=st.dictionaries(st.sampled_from("ab"), st.integers(1, 7)),
    keys=st.sets(st.sampled_from("abcdef")),
)
def test_no_number_is_ever_given_twice_nor_taken_from_anybody(
    held: set[int],
    rests: dict[int, str],
    before: dict[str, list[int]],
    released: set[int],
    named: dict[str, int],
    keys: set[str],
) -> None:
    claims = [claim(k, after=f"+49{named[k]}" if k in named else "pool:munich") for k in keys]
    gone = [release(f"x{n}", f"+49{n}") for n in sorted(released & held)]

    give(
        [*claims, *gone],
        {f"+49{n}" for n in held},
        pool("+491", "+496"),
        lost={f"+49{n}": key for n, key in rests.items()},
        before={key: tuple(f"+49{n}" for n in numbers) for key, numbers in before.items()},
    )

    given_out = [str(d.after) for d in claims if d.state == "planned"]
    assert len(given_out) == len(set(given_out))
    for draft in claims:
        number = int(str(draft.after)[3:]) if draft.state == "planned" else 0
        if number in held:
            assert number in released
            assert [need.before for need in draft.needs] == [draft.after]
        if draft.state == "planned" and draft.key not in named and number not in released & held:
            assert rests.get(number, draft.key) == draft.key, "it rests for others"
