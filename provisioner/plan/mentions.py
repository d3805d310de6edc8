"""Whom a free text names: by mail address, extension number, direct number, or full name.

A text names somebody only if nobody else can be meant: never by a piece of an address, of a number or
of a longer name. Where that isn't certain it names nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from connectors.records import fold


class Mark(NamedTuple):
    """What somebody is named by: `kind` is mail, extension, number or name; `text` is folded.

    A number is its digits, with the country's.
    """

    kind: str
    text: str


LEAST_DIGITS, MOST_DIGITS = 7, 15
MOST_WORDS = 5
"""So many words a name has at most; one word alone names nobody."""

_BETWEEN = r"\s()\[\]<>,;:\"“”„"
_MAIL = re.compile(rf"[^{_BETWEEN}@]++@[^{_BETWEEN}@]++(?!@)")
_EXTENSION = re.compile(
    r"(?<![\w@.-])ext(?:ension|n)?\b\.?(?:\s+(?:number|no\.?))?\s*[:#]?\s*"
    r"(?:from\s+(\d{2,})\s+to\s+)?(\d{2,})(?![\w@-]|[.,]\d)"
)
# atomic, so that a number which doesn't end where it should isn't taken for a shorter one
_NUMBER = re.compile(r"(?<![\w+@./-])(?>\+?\d(?:[\d ().\u00a0/-]*\d)?)(?![\w@]|[-./]\w)")
_TOKEN = re.compile(rf"[()\[\]<>,;:\"“”„]|[^{_BETWEEN}]+")
_BEFORE = frozenset({"", "(", ",", ";", "user", "to", "from", "for", "extension", "assistant", "delegate"})  # fmt: skip
_AFTER = frozenset(
    {"", "(", ")", ",", ";", "to", "from", "in", "on", "at", "for", "as", "-", "–", "ext", "ext.", "extension"}
)  # fmt: skip
"""What may stand beside a name in a sentence: whatever else does may belong to a longer name."""


def mentions(text: str) -> frozenset[Mark]:
    """Return all that a text may name somebody by.

    >>> sorted(mentions("Assign Phone Number +86 182 5188 5564 to Sam Mendes(sam@example.org), Ext. 4077"))
    ... # doctest: +NORMALIZE_WHITESPACE
    [Mark(kind='extension', text='4077'), Mark(kind='mail', text='sam@example.org'),
     Mark(kind='name', text='sam mendes'), Mark(kind='number', text='8618251885564')]
    """
    folded = fold(text)
    return frozenset(
        (*_mails(folded), *_extensions(folded), *_numbers(folded), *_names(folded)),
    )


def name_mark(name: str | None) -> Mark | None:
    """Return what a display name is found by; None for one that could be any word."""
    words = fold(name or "").split()
    usable = 2 <= len(words) <= MOST_WORDS and all(map(_has_a_letter, words))
    return Mark("name", " ".join(words)) if usable else None


def number_mark(number: str) -> Mark:
    """Return what an E.164 number is found by, however a text writes it.

    >>> number_mark("+498912340").text
    '498912340'
    """
    return Mark("number", _digits(number))


def _mails(text: str) -> Iterator[Mark]:
    for found in _MAIL.finditer(text):
        mail = found[0].strip("'’").rstrip(".")
        # a third part would make it no address, and so nobody's
        if found.start() == 0 or text[found.start() - 1] != "@":
            yield Mark("mail", mail)


def _extensions(text: str) -> Iterator[Mark]:
    for found in _EXTENSION.finditer(text):
        yield from (Mark("extension", number) for number in found.groups() if number)


def _numbers(text: str) -> Iterator[Mark]:
    for found in _NUMBER.finditer(text):
        digits = _digits(found[0])
        if LEAST_DIGITS <= len(digits) <= MOST_DIGITS:
            yield Mark("number", digits)


def _names(text: str) -> Iterator[Mark]:
    tokens = ["", *_TOKEN.findall(text), ""]
    for start in range(1, len(tokens) - 1):
        if tokens[start - 1] not in _BEFORE:
            continue
        for end in range(start + 2, min(start + MOST_WORDS, len(tokens) - 1) + 1):
            words = tokens[start:end]
            if not _has_a_letter(words[-1]):
                break
            if tokens[end] in _AFTER and _has_a_letter(words[0]):
                yield Mark("name", " ".join(words))
            if tokens[end] == "" and words[-1].endswith("."):
                yield Mark("name", " ".join(words)[:-1])


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isascii() and c.isdigit())


def _has_a_letter(word: str) -> bool:
    return any(map(str.isalpha, word))
