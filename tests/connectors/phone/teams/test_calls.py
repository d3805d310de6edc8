"""Changes grouped into batches of twenty, each after what it needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import RunError
from connectors.phone.teams import calls
from connectors.records import Change, Value

PLAN = "Skype for Business PSTN Domestic Calling"


def change(
    seq: int,
    kind: str,
    who: int = 1,
    before: Value = None,
    after: Value = None,
    needs: tuple[int, ...] = (),
) -> Change:
    return Change(
        seq=seq,
        kind=kind,
        user=f"user{who}@example.org",
        key=f"k{who}",
        id=f"id{who}",
        before=before,
        after=after,
        needs=needs,
    )


def grouped(*changes: Change) -> list[tuple[str, list[int]]]:
    return [(call.what, [c.seq for c in call.changes]) for call in calls.group(changes)]


def test_twenty_people_share_a_batch_and_the_next_one_begins_another() -> None:
    licensed = [change(n, "license.assign", who=n, after="teams_phone") for n in range(1, 22)]

    assert [len(call.changes) for call in calls.group(licensed)] == [20, 1]


def test_one_persons_licenses_are_one_of_a_batch() -> None:
    assert grouped(
        change(1, "license.assign", after="teams_phone"),
        change(2, "package.assign", after=PLAN, needs=(1,)),
        change(3, "credit.assign", before=False, after=True, needs=(2,)),
    ) == [(calls.LICENSES, [1, 2, 3])]


def test_all_profiles_go_before_all_licenses() -> None:
    found = grouped(
        change(1, "license.assign", who=1, after="teams_phone"),
        change(2, "license.assign", who=2, after="teams_phone"),
        change(3, "profile.update", who=2, after={"usage_location": "DE"}),
        change(4, "profile.update", who=1, after={"usage_location": "DE"}),
    )

    assert found == [(calls.PROFILES, [3, 4]), (calls.LICENSES, [1, 2])]


def test_a_claim_never_shares_a_batch_with_the_release_that_it_lives_on() -> None:
    assert grouped(
        change(1, "license.remove", who=1, before="teams_phone"),
        change(2, "license.assign", who=2, after="teams_phone", needs=(1,)),
        change(3, "license.assign", who=3, after="teams_phone"),
    ) == [(calls.LICENSES, [1, 3]), (calls.LICENSES, [2])]


def test_a_leavers_number_is_free_before_their_license_goes() -> None:
    assert grouped(
        change(1, "number.release", before="+49891"),
        change(2, "license.remove", before="teams_phone", needs=(1,)),
    ) == [(calls.UNASSIGN, [1]), (calls.LICENSES, [2])]


def test_a_number_and_its_place_are_one_order() -> None:
    assert grouped(
        change(1, "number.assign", after="+49891"),
        change(2, "emergency.set", after="Munich", needs=(1,)),
    ) == [(calls.ASSIGN, [1, 2])]


def test_licenses_that_need_each_other_in_a_circle_are_taken_apart() -> None:
    found = grouped(
        change(1, "license.remove", who=1, before="teams_phone"),
        change(2, "credit.remove", who=2, before=True, after=False),
        change(3, "credit.assign", who=1, before=False, after=True, needs=(2,)),
        change(4, "license.assign", who=2, after="teams_phone", needs=(1,)),
    )

    assert found == [(calls.LICENSES, [1, 2]), (calls.LICENSES, [3, 4])]


def test_a_delegation_takes_no_call_as_a_person_does_it() -> None:
    assert grouped(change(1, "delegate.add", after="jan@example.org")) == []


def test_a_kind_that_graph_has_no_call_for_is_a_fault_of_the_program() -> None:
    with pytest.raises(RunError, match=r"site\.set"):
        calls.group([change(1, "site.set", after="Munich")])


KINDS = st.sampled_from(
    ["license.assign", "package.assign", "credit.remove", "number.release", "number.assign",
     "template.apply", "profile.update", "emergency.set"]
)  # fmt: skip


@given(st.lists(st.tuples(KINDS, st.integers(1, 30), st.integers(0, 60)), max_size=60))
def test_grouping_keeps_every_change_and_meets_every_need(
    drawn: list[tuple[str, int, int]],
) -> None:
    """Needs point to earlier changes of earlier kinds only, as a plan's do."""
    stage = {kind: calls.STAGES.index(calls.OF_KIND[kind]) for kind, _, _ in drawn}
    changes: list[Change] = []
    for seq, (kind, who, back) in enumerate(sorted(drawn, key=lambda d: stage[d[0]]), start=1):
        needed = changes[-back].seq if 0 < back <= len(changes) else None
        changes.append(change(seq, kind, who, needs=() if needed is None else (needed,)))

    found = calls.group(changes)

    assert sorted(c.seq for call in found for c in call.changes) == [c.seq for c in changes]
    seen: set[int] = set()
    for call in found:
        inside = {c.seq for c in call.changes}
        own = {c.seq: c.key for c in call.changes}
        for c in call.changes:
            for need in c.needs:
                assert need in seen or (need in inside and own[need] == c.key)
        assert len(own) == len(inside)
        assert len({c.key for c in call.changes}) <= calls.PEOPLE_A_CALL
        seen |= inside
        assert calls.group(call.changes) == [call]
