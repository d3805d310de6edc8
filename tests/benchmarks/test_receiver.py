"""What the receiver's benchmark takes for reached, and what not."""

from __future__ import annotations

import pytest

from benchmarks.receiver import DJANGO, OURS, Figures, judged, main, middle, shown, verdict


@pytest.mark.parametrize(
    ("rates", "said"), [([9.0, 300.0, 20.0], "20"), ([9.0, None, 20.0], "wrong"), (None, "-")]
)
def test_a_rate_is_the_median_and_one_wrong_answer_leaves_none(
    rates: list[float | None] | None, said: str
) -> None:
    assert shown(rates) == said
    assert middle([None]) is None


def test_a_filter_must_be_three_times_as_fast_among_many_and_a_write_less_on_sqlite() -> None:
    rates: Figures = {"filter": [200.0], "create": [110.0]}
    by = dict.fromkeys(OURS, rates) | {DJANGO: {"filter": [100.0], "create": [100.0]}}

    few, many = (
        {claim: (ratio, least) for claim, ratio, least in judged(by, OURS[0], users, None)}
        for users in (2000, 20_000)
    )

    assert few["filter / django-scim2 filter"] == (2.0, 1.5)
    assert many["filter / django-scim2 filter"] == (2.0, 3)
    on_sqlite = {claim: least for claim, _, least in judged(by, OURS[1], 2000, None)}
    assert few["create / django-scim2 create"][1] == 1.25
    assert on_sqlite["create / django-scim2 create"] == 1.0


def test_a_row_with_a_wrong_answer_has_failed(capsys: pytest.CaptureFixture[str]) -> None:
    by: dict[str, Figures] = {OURS[0]: {"list": [None]}, DJANGO: {"list": [1.0]}}

    assert verdict(by, 2000, {}) is False
    assert "| list / django-scim2 list | 5 | failed | - |" in capsys.readouterr().out


def test_nothing_is_measured_without_the_load_tool(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("BENCH_KIT", raising=False)

    assert main([]) == 1
    assert "nothing is measured" in capsys.readouterr().out
