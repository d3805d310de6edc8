"""What the benchmark of rate limits takes for kept, and what not."""

from __future__ import annotations

from collections import Counter

import pytest

from benchmarks.rate_use import ASKED, line
from connectors.phone.zoom.auth import RATES
from provisioner.simulators.zoom import OPERATIONS


def counted(a_second: int, refused: int = 0) -> Counter[tuple[int, int]]:
    """Three seconds of an account, the first of them with nothing."""
    return Counter({(1, 200): a_second, (2, 200): a_second, (2, 429): refused})


@pytest.mark.parametrize(
    ("a_second", "refused", "kept"), [(38, 0, True), (36, 0, True), (35, 0, False), (38, 1, False)]
)
def test_nine_tenths_of_a_limit_without_a_refusal_is_kept(
    a_second: int, refused: int, kept: bool
) -> None:
    shown, good = line("sqlite", "phone.light", counted(a_second, refused), 3)

    assert good is kept
    assert shown.split() == [
        "sqlite", "phone.light", "40", f"{a_second}.0", f"{a_second / 40:.1%}", f"{a_second}", f"{refused}",
    ]  # fmt: skip


def test_each_label_is_measured_by_an_operation_that_zoom_counts_under_it() -> None:
    labels = {(o.path, o.label) for o in OPERATIONS if o.method == "GET"}
    by_path = {
        "/phone/users/eva": "/phone/users/<user_id>",
        "/users/eva": "/users/<user_id>",
        "/accounts/me/plans/usage": "/accounts/<account_id>/plans/usage",
    }

    for label, path in ASKED.items():
        assert (by_path.get(path, path), label.partition(".")[2].upper()) in labels
        assert label in RATES["business"]
