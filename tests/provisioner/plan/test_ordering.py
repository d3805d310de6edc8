"""The order of a plan: every need before what needs it, and what becomes of those who wait for others."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.records import Person
from provisioner.plan.differences import Case
from provisioner.plan.draft import Draft, DraftState
from provisioner.plan.ordering import NEEDS, PHASE, in_order, link_needs, pass_on

KINDS = sorted(PHASE)


def draft(kind: str, case: Case | str = "eva") -> Draft:
    if isinstance(case, str):
        case = Case(case, "in_scope", Person(case, {}))
    return Draft(kind, case, None, "new", None, "safe")


drafts = st.builds(
    lambda kinds: [draft(kind, cases[n]) for cases in [_cases()] for n, kind in kinds],
    st.lists(st.tuples(st.integers(0, 3), st.sampled_from(KINDS)), max_size=25),
)


def _cases() -> list[Case]:
    return [Case(f"e{n}", "in_scope", Person(f"e{n}", {})) for n in range(4)]


@given(drafts, st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24)), max_size=10))
def test_every_need_stands_before_what_needs_it(
    made: list[Draft], releases: list[tuple[int, int]]
) -> None:
    link_needs(made)
    for earlier, later in releases:
        if max(earlier, later) < len(made) and PHASE[made[earlier].kind] < PHASE[made[later].kind]:
            made[later].needs.append(made[earlier])

    ordered = in_order(made)

    place = {id(d): n for n, d in enumerate(ordered)}
    assert sorted(map(id, ordered)) == sorted(map(id, made))
    assert all(place[id(need)] < place[id(d)] for d in made for need in d.needs)


@given(drafts, st.randoms())
def test_the_order_does_not_depend_on_how_the_drafts_came(
    made: list[Draft], random: object
) -> None:
    unique = list({(d.kind, d.key): d for d in made}.values())
    link_needs(unique)
    shuffled = list(unique)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert list(map(id, in_order(unique))) == list(map(id, in_order(shuffled)))


def test_an_account_comes_before_a_license_a_package_and_a_number() -> None:
    case = Case("eva", "in_scope", Person("eva", {}))
    made = [
        draft(kind, case)
        for kind in ("number.assign", "package.assign", "license.assign", "user.create")
    ]
    link_needs(made)

    assert [d.kind for d in in_order(made)] == [
        "user.create", "license.assign", "package.assign", "number.assign",
    ]  # fmt: skip


def test_a_delegation_ends_before_a_leaver_loses_the_license() -> None:
    case = Case("jan", "gone", Person("jan", {}))
    removal, ending = draft("license.remove", case), draft("delegate.remove", case)
    link_needs([removal, ending])

    assert removal.needs == [ending]


def test_nobody_needs_what_another_person_gets() -> None:
    one, other = draft("license.assign", "eva"), draft("user.create", "jan")
    link_needs([one, other])

    assert one.needs == []


def test_needs_in_a_circle_are_an_error() -> None:
    one, other = draft("site.set"), draft("extension.set")
    one.needs, other.needs = [other], [one]

    with pytest.raises(ValueError, match="circle"):
        in_order([one, other])


def test_a_need_outside_of_the_plan_does_not_count() -> None:
    one, blocked = draft("package.assign"), draft("license.assign")
    one.needs = [blocked]

    assert in_order([one]) == [one]


def test_every_kind_that_is_needed_or_needs_has_a_place() -> None:
    named = {*NEEDS, *(kind for kinds in NEEDS.values() for kind in kinds)}

    assert named <= PHASE.keys()


@pytest.mark.parametrize("state", ["blocked", "waiting", "manual"])
def test_whatever_needs_it_waits_to_the_end_of_the_chain_and_says_for_what(
    state: DraftState,
) -> None:
    assert state in get_args(DraftState)
    case = Case("eva", "in_scope", Person("eva", {}))
    made = [draft(kind, case) for kind in ("license.assign", "package.assign", "number.assign")]
    link_needs(made)
    made[0].state, made[0].reason = state, "no seat is left"

    pass_on(made)

    assert [d.state for d in made] == [state, "waiting", "waiting"]
    assert made[1].reason == "waits for license.assign of eva: no seat is left"


def test_the_rest_goes_ahead() -> None:
    case = Case("eva", "in_scope", Person("eva", {}))
    package, site = draft("package.assign", case), draft("profile.update", case)
    link_needs([package, site])
    package.block("no seat is left")

    pass_on([package, site])

    assert site.state == "planned"
