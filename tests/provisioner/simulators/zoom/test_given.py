"""Options as they are written: every one of the account's can be, and what can't be is named."""

from __future__ import annotations

from dataclasses import fields

import pytest

from provisioner.simulators.zoom import BUSINESS_PLUS, PRO, OptionError, Options, with_given
from provisioner.simulators.zoom.given import READERS

WHO_MAY_ASK = {"account_id", "client_id", "client_secret"}


def test_every_option_but_who_may_ask_can_be_written() -> None:
    assert READERS.keys() == {field.name for field in fields(Options)} - WHO_MAY_ASK


def test_values_are_read_as_what_they_are() -> None:
    given = ["rates=pro", "managed_domains=a.org,b.org", "licensed_seats=7", "visible_after_s=0.5", "sso=login", "trash_keeps=true"]  # fmt: skip

    options = with_given(Options(rates=BUSINESS_PLUS), given)

    assert (options.rates, options.managed_domains) == (PRO, frozenset({"a.org", "b.org"}))
    assert (options.licensed_seats, options.visible_after_s) == (7, 0.5)
    assert (options.sso, options.trash_keeps) == ("login", True)
    assert with_given(options, ["rates=none"]).rates is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("site_code=true", "did you mean site_codes?"),
        ("colour=red", "there are: rates, "),
        ("site_codes=yes", "site_codes takes true or false, not 'yes'"),
        ("site_codes", "site_codes takes true or false, not ''"),
        ("licensed_seats=-1", "a whole number, zero or more"),
        ("latency_s=nan", "a number, zero or more"),
        ("rates=slow", "business or pro or none"),
        ("expired_token_status=500", "401 or 400"),
        ("client_secret=x", "there is no option 'client_secret'"),
    ],
)
def test_what_cant_be_is_named(text: str, said: str) -> None:
    with pytest.raises(OptionError) as error:
        with_given(Options(), [text])

    assert said in str(error.value)
