"""The account's options as somebody writes them on a command line: NAME=VALUE."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from .account import Options
from .rates import BUSINESS_PLUS, PRO

_SSO = ("none", "login", "provisioning")
_RATES = {"business": BUSINESS_PLUS, "pro": PRO, "none": None}


class OptionError(ValueError):
    """An option that there isn't, or a value that it doesn't take; says which it does."""


def _switch(text: str) -> bool:
    if text not in ("true", "false"):
        raise OptionError("true or false")
    return text == "true"


def _one_of(*values: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in values:
            raise OptionError(" or ".join(values))
        return text

    return read


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1e9:
        raise OptionError("a number, zero or more")
    return number


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise OptionError("a whole number, zero or more")
    return int(text)


READERS: dict[str, Callable[[str], Any]] = {
    "rates": lambda text: _RATES[_one_of(*_RATES)(text)],
    "token_life_s": _whole,
    "sso": _one_of(*_SSO),
    "managed_domains": lambda text: frozenset(each for each in text.split(",") if each),
    "multiple_sites": _switch,
    "site_codes": _switch,
    "phone_enabled": _switch,
    "auto_activate": _switch,
    "licensed_seats": _whole,
    "basic_seats": _whole,
    "partial_batches": _switch,
    "trash_keeps": _switch,
    "reactivation_restores": _switch,
    "delegates_accept": _switch,
    "expired_token_status": lambda text: int(_one_of("401", "400")(text)),
    "documented_statuses": _switch,
    "settings_status": lambda text: int(_one_of("204", "200")(text)),
    "operation_logs": _switch,
    "visible_after_s": _number,
    "visible_after_reads": _whole,
    "repeat_across_pages": _switch,
    "page_token_life_s": _whole,
    "latency_s": _number,
}
"""How each option's value is read; who may ask isn't chosen here."""


def with_given(options: Options, given: Iterable[str]) -> Options:
    """Return the options with those that were written; raise OptionError for one that can't be.

    >>> with_given(Options(), ["site_codes=true", "latency_s=0.2"]).latency_s
    0.2
    >>> with_given(Options(), ["site_code=true"])
    Traceback (most recent call last):
    provisioner.simulators.zoom.given.OptionError: there is no option 'site_code'; did you mean site_codes?
    """
    chosen: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if name not in READERS:
            near = get_close_matches(name, READERS, n=2)
            hint = (
                f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(READERS)}"
            )
            raise OptionError(f"there is no option {name!r}; {hint}")
        try:
            chosen[name] = READERS[name](value if equals else "")
        except OptionError as error:
            raise OptionError(f"{name} takes {error}, not {value!r}") from None
    return replace(options, **chosen)
