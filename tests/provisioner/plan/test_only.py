"""What `--only` means: each word one thing, several words all of them, and no guesses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import RunError
from connectors.records import Change
from provisioner.plan.model import Cluster, Plan
from provisioner.plan.only import pick
from tests.provisioner.store.made import a_plan, change

CHANGES = (
    change(1, "license.remove", "eva", cluster="c1", risk="destructive"),
    change(2, "number.release", "eva", cluster="c1", risk="destructive"),
    change(3, "license.assign", "jan", cluster="c2"),
    change(4, "package.assign", "jan", cluster="c2", needs=(3,)),
    change(5, "site.set", "zoe", cluster="c2", risk="service", after="Brno"),
)
PLAN = a_plan(
    *CHANGES,
    clusters=(Cluster("c1", "left", 1, "destructive"), Cluster("c2", "joined", 2, "service")),
)
WORDS = {
    "c1": {1, 2},
    "C2": {3, 4, 5},
    "number.release": {2},
    "destructive": {1, 2},
    "safe": {3, 4},
    "JAN": {3, 4},
    "jan@example.org": {3, 4},
    "p-zoe": {5},
    "cluster:c1": {1, 2},
    "user:eva": {1, 2},
}


def nobody_else() -> list[tuple[str, str]]:
    return []


@pytest.mark.parametrize(("word", "seqs"), WORDS.items())
def test_a_word_means_a_kind_a_risk_a_cluster_or_a_person(word: str, seqs: set[int]) -> None:
    assert pick(PLAN, [word], nobody_else) == seqs


@given(st.lists(st.sampled_from(sorted(WORDS)), min_size=1))
def test_several_words_mean_all_that_any_of_them_means(words: list[str]) -> None:
    assert pick(PLAN, words, nobody_else) == set().union(*(WORDS[word] for word in words))


def test_other_names_are_asked_for_only_when_the_plan_does_not_know_a_word() -> None:
    def other_names() -> list[tuple[str, str]]:
        asked.append(1)
        return [("eva", "eva.mala"), ("nobody", "eva.mala"), ("jan", "novak")]

    asked: list[int] = []
    assert pick(PLAN, ["c1", "jan"], other_names) == {1, 2, 3, 4}
    assert asked == []
    assert pick(PLAN, ["Eva.Mala", "user:novak"], other_names) == {1, 2, 3, 4}
    assert asked == [1]


def test_two_people_of_one_name_are_both_meant() -> None:
    def other_names() -> list[tuple[str, str]]:
        return [("eva", "sales@example.org"), ("zoe", "sales@example.org")]

    assert pick(PLAN, ["sales@example.org"], other_names) == {1, 2, 5}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["evaa@example.org"], "'evaa@example.org'; did you mean eva@example.org"),
        (["number.relase"], "did you mean number.release?"),
        (["user.trash"], "plan  has no change of the kind user.trash"),
        (["c1", "x", "y"], "'x'\nnothing in plan  is called 'y'"),
        (["cluster:eva"], "is called 'cluster:eva'"),
        (["kind:c1"], "is called 'kind:c1'"),
        ([":"], "is called ':'"),
    ],
)
def test_what_means_nothing_is_an_error_with_what_is_near(words: list[str], said: str) -> None:
    with pytest.raises(RunError) as caught:
        pick(PLAN, words, nobody_else)

    assert said in caught.value.message
    assert "nothing was decided" in caught.value.remedy
    assert "c1 … c2" in caught.value.remedy


def test_what_means_two_things_is_asked_back() -> None:
    plan = a_plan(*CHANGES, change(6, "site.set", "c1", after="Brno"))

    with pytest.raises(RunError, match="write cluster:c1 or user:c1"):
        pick(plan, ["c1"], nobody_else)
    assert pick(plan, ["user:c1"], nobody_else) == {6}


@pytest.mark.parametrize("where", ["blocked", "waiting"])
def test_what_cannot_be_decided_says_why(where: str) -> None:
    aside = change(0, "license.assign", "tom", reason="no seat is free")
    plan: Plan = a_plan(*CHANGES, **{where: (aside,)})

    with pytest.raises(
        RunError, match=r"tom: license\.assign is not to be decided: no seat is free"
    ):
        pick(plan, ["tom"], nobody_else)


def test_a_name_among_very_many_is_still_near() -> None:
    many = [Change(seq=n, kind="site.set", user=f"user{n}@example.org", key=f"k{n}") for n in range(20_000)]  # fmt: skip

    with pytest.raises(RunError, match=r"did you mean user7@example\.org"):
        pick(a_plan(*many), ["user7@exampel.org"], nobody_else)
