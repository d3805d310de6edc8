"""The language of `--faults`: what it means, and what is said about a slip of the pen."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioner.simulators.faults import KINDS, Faults, SpecError, parse
from provisioner.simulators.faults.spec import EVERY

SORTS = sorted(EVERY)
shares = st.dictionaries(st.sampled_from(sorted(KINDS)), st.integers(0, 100), max_size=5).filter(
    lambda named: sum(named.values()) <= 100
)


def written(named: dict[str, int], total: int | None) -> str:
    own = [] if total is None else [f"{total}%"]
    return ",".join([*own, *(f"{kind}={share}%" for kind, share in named.items())])


@given(named=shares, total=st.none() | st.integers(0, 100))
def test_the_chances_are_those_that_are_written(named: dict[str, int], total: int | None) -> None:
    faults = parse(written(named, total))

    for sort in SORTS:
        chances = faults.chances(sort)
        own = {kind: share for kind, share in named.items() if sort in KINDS[kind].meets}
        assert all(sort in KINDS[kind].meets for kind in chances)
        assert {kind: round(100 * chances[kind]) for kind in own} == own
        wanted = sum(own.values()) if total is None else max(total, sum(own.values()))
        assert round(100 * sum(chances.values())) == wanted


@given(st.text(max_size=20))
def test_whatever_is_written_is_understood_or_refused(text: str) -> None:
    with suppress(SpecError):
        chances = [sum(parse(text).chances(sort).values()) for sort in SORTS]
        assert all(0 <= chance <= 1.001 for chance in chances)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("timout=1%", "did you mean 'timeout'?"),
        ("reset_after=1%", "did you mean 'reset-after'?"),
        ("late:2s", "did you mean 'late'?"),
        ("fire=1%", "there are 429, 429-retry-after"),
        ("429=5", "KIND=SHARE%"),
        ("429=101%", "between 0% and 100%"),
        ("slow=1%:1.2.3s", "'1.2.3' is no number"),
        ("429=1%:3s", "only 429-retry-after, timeout"),
        ("30%:3s", "only 429-retry-after, timeout"),
        ("429=1%,429=2%", "429 is given twice"),
        ("30%,20%", "the mix is given twice"),
        ("429=60%,slow=60%", "120% of every read"),
    ],
)
def test_a_slip_is_refused_with_what_was_meant(text: str, said: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)

    assert said in str(caught.value)


def test_every_slip_is_told_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        parse("timout=1%, 429=5, slow=1%")

    assert "timout" in str(caught.value)
    assert "429=5" in str(caught.value)


def test_one_seed_gives_one_request_one_fault_whatever_came_before() -> None:
    once, again, other = (parse("30%", seed) for seed in (7, 7, 8))
    rolls = [[f.roll(number, "write") for number in range(1, 300)] for f in (once, other)]

    assert [again.roll(number, "write") for number in range(299, 0, -1)] == rolls[0][::-1]
    assert rolls[0] != rolls[1]


def test_as_many_answers_are_faulty_as_was_asked_for_and_of_every_kind() -> None:
    faults = parse("30%", seed=1)

    for sort in SORTS:
        met = Counter(f.kind for n in range(1, 5001) if (f := faults.roll(n, sort)) is not None)
        assert 0.27 < sum(met.values()) / 5000 < 0.33
        assert set(met) == {kind for kind, each in KINDS.items() if sort in each.meets}


def test_what_takes_time_takes_as_long_as_is_written() -> None:
    named = parse("slow=100%:0.2s").roll(1, "read")
    unnamed = parse("slow=100%").roll(1, "read")

    assert named is not None
    assert unnamed is not None
    assert (named.seconds, unnamed.seconds) == (0.2, KINDS["slow"].seconds)


def test_without_faults_nothing_happens() -> None:
    assert [parse("").roll(n, "write") for n in range(100)] == [None] * 100
    assert Faults() == parse("")
