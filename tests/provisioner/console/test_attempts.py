"""Wrong tokens: the first few cost nothing, each further one a longer wait, and others none."""

from __future__ import annotations

from provisioner.console.attempts import FREE, LONGEST_S, Attempts

HERE, THERE = "192.0.2.1", "192.0.2.2"


class Tried:
    """Attempts by a clock that stands still."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.attempts = Attempts(lambda: self.seconds)

    def fail(self, times: int, address: str = HERE) -> float:
        """Try wrong tokens; return the wait after the last."""
        for _ in range(times):
            self.attempts.failed(address)
        return self.attempts.wait_s(address)


def test_a_few_wrong_tokens_cost_nothing() -> None:
    assert Tried().fail(FREE - 1) == 0


def test_each_further_one_costs_twice_as_much_up_to_a_minute() -> None:
    tried = Tried()
    tried.fail(FREE - 1)

    assert [tried.fail(1) for _ in range(9)] == [1, 2, 4, 8, 16, 32, 60, 60, LONGEST_S]


def test_a_wait_ends_and_is_forgotten_after_a_while() -> None:
    tried = Tried()
    tried.fail(FREE + 2)
    tried.seconds = 4

    assert tried.attempts.wait_s(HERE) == 0
    assert tried.fail(1) == 8
    tried.seconds = 1000
    assert tried.fail(1) == 0


def test_who_has_the_right_one_starts_afresh() -> None:
    tried = Tried()
    tried.fail(FREE + 2)
    tried.attempts.passed(HERE)

    assert tried.fail(1) == 0


def test_nobody_waits_for_another_address() -> None:
    tried = Tried()
    tried.fail(20)

    assert tried.attempts.wait_s(THERE) == 0


def test_the_addresses_of_one_ipv6_customer_are_one() -> None:
    tried = Tried()
    for last in range(20):
        tried.attempts.failed(f"2001:db8:1:2::{last:x}")

    assert tried.attempts.wait_s("2001:db8:1:2:ffff::1") == LONGEST_S
    assert tried.attempts.wait_s("2001:db8:1:3::1") == 0
    assert tried.attempts.wait_s("::ffff:192.0.2.1") == 0


def test_strangers_without_number_fill_no_memory() -> None:
    tried = Tried()
    for number in range(10_100):
        tried.attempts.failed(f"10.0.{number // 256}.{number % 256}")

    assert len(tried.attempts._failed) == 10_000
