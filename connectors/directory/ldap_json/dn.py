"""Distinguished names (RFC 4514): read, and brought to one form in which equal names are equal text.

A server, an export and an administrator spell one name in many ways: blanks around separators,
`\\,` or `\\2C`, `CN` or `2.5.4.3`, another case, `#0C03…` for the value's BER, another order within a
multi-valued RDN. `normal` tells which of them mean the same entry. What RFC 2253 still allowed is
read too: `;` between RDNs, quoted values, `OID.` before a number.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TypeAlias

Rdn: TypeAlias = tuple[tuple[str, str | bytes], ...]
"""One RDN: its (type, value) pairs in the order written, types in lower case under their short names.

A value is bytes where it was written as BER that encodes no text."""

_TYPE = re.compile(r" *((?:[Oo][Ii][Dd]\.)?[0-9]+(?:\.[0-9]+)*|[A-Za-z][A-Za-z0-9-]*) *= *")
_ESCAPE = r'\\(?:[0-9A-Fa-f]{2}|[ "#+,;<=>\\])'
_STRING = re.compile(rf'(?:[^\\",+;\0]|{_ESCAPE})*')
_QUOTED = re.compile(rf'"((?:[^\\"\0]|{_ESCAPE})*)" *')
_HEX = re.compile(r"#((?:[0-9A-Fa-f]{2})+) *(?=[,;+]|$)")
_ESCAPED = re.compile(rb"\\([0-9A-Fa-f]{2}|.)")
_BIT_STRING = re.compile(r"#'[01]*'B$")
_PLAIN_RDN = re.compile(r"[A-Za-z][A-Za-z0-9-]*=[\w.@-]+(?: [\w.@-]+)*").fullmatch

_LONGEST = 1 << 16  # characters; servers stop far below, OpenLDAP at 8,192

_SHORT_NAMES = {
    "commonname": "cn",
    "2.5.4.3": "cn",
    "surname": "sn",
    "2.5.4.4": "sn",
    "countryname": "c",
    "2.5.4.6": "c",
    "localityname": "l",
    "2.5.4.7": "l",
    "stateorprovincename": "st",
    "2.5.4.8": "st",
    "streetaddress": "street",
    "2.5.4.9": "street",
    "organizationname": "o",
    "2.5.4.10": "o",
    "organizationalunitname": "ou",
    "2.5.4.11": "ou",
    "userid": "uid",
    "0.9.2342.19200300.100.1.1": "uid",
    "domaincomponent": "dc",
    "0.9.2342.19200300.100.1.25": "dc",
    "rfc822mailbox": "mail",
    "0.9.2342.19200300.100.1.3": "mail",
    "e": "emailaddress",
    "1.2.840.113549.1.9.1": "emailaddress",
}
_BER_STRINGS = {  # universal tags of the string types that a DirectoryString or an IA5String may be
    0x04: "utf-8",
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "ascii",
    0x14: "latin-1",
    0x16: "ascii",
    0x1A: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}


class DnError(ValueError):
    """Text that is no distinguished name; the message says why, without the text."""


def parse_dn(text: str) -> tuple[Rdn, ...]:
    """Return the name's RDNs, the entry's own first; the empty name has none.

    A value written as `#` and hexadecimal BER is the text that it encodes. Raises DnError.

    >>> parse_dn(r"CN=Mal\\C3\\A1\\, Eva+UID=\\65m, o=x")
    ((('cn', 'Malá, Eva'), ('uid', 'em')), (('o', 'x'),))
    """
    _see_that_it_is_bearable(text)
    rdns: list[Rdn] = []
    pairs: list[tuple[str, str | bytes]] = []
    at = 0
    if not text.strip(" "):
        return ()
    while True:
        begins = _TYPE.match(text, at)
        if begins is None:
            raise DnError(f"an attribute type and '=' are expected at character {at + 1}")
        value, at = _value(text, begins.end())
        pairs.append((_short(begins.group(1)), value))
        ends = text[at : at + 1]
        at += 1
        if ends != "+":
            rdns.append(tuple(pairs))
            pairs = []
        if not ends:
            return tuple(rdns)
        if ends not in ",;+":
            raise DnError(f"',' or '+' is expected at character {at}")


def normal(text: str) -> str:
    """Return the form that equal names share: the same entry if and only if the same text.

    Values are compared as caseIgnoreMatch does (RFC 4517 section 4.2.11): Unicode NFKC, without
    case, blanks at the ends left out and several inside counted as one. Raises DnError.

    >>> normal("UID=Eva , OU=People") == normal("uid=eva,2.5.4.11=people")
    True
    """
    rdn, comma, parent = text.partition(",")
    if _PLAIN_RDN(rdn) is None:
        return _normal(text)  # else nothing in it is escaped, so the first comma ends it
    kind, _, value = rdn.lower().partition("=")
    kind = _SHORT_NAMES.get(kind, kind)
    if not value.isascii():
        value = _prepared(value)
    return f"{kind}={value},{_normal_parent(parent)}" if comma else f"{kind}={value}"


def first_value(text: str) -> str:
    """Return the value of the first RDN, by which a group is displayed ("" for the empty name).

    Of a multi-valued RDN it is the value written first. Raises DnError.

    >>> first_value(r"cn=Sales\\2C EMEA,ou=Groups")
    'Sales, EMEA'
    """
    rdns = parse_dn(text)
    value = rdns[0][0][1] if rdns else ""
    return value if isinstance(value, str) else "#" + value.hex()


def without_bit_string(text: str) -> str:
    """Return a Name And Optional UID (RFC 4517 section 3.3.21: `uniqueMember`) without its UID.

    >>> without_bit_string("cn=a,o=b#'0101'B")
    'cn=a,o=b'
    """
    return _BIT_STRING.sub("", text) if text.endswith("'B") else text


def _normal(text: str) -> str:
    return ",".join(
        "+".join(sorted(f"{kind}={_comparable(value)}" for kind, value in rdn))
        for rdn in parse_dn(text)
    )


@lru_cache(maxsize=10_000)  # entries are many, the branches that they hang on few
def _normal_parent(text: str) -> str:
    if not text.strip(" "):
        raise DnError("an RDN is expected after the last ','")
    return _normal(text)


def _comparable(value: str | bytes) -> str:
    """Prepare a value, and escape what would read as a separator or as BER."""
    if isinstance(value, bytes):
        return "#" + value.hex()
    value = _prepared(value).replace("\\", "\\\\").replace(",", "\\,").replace("+", "\\+")
    return "\\" + value if value.startswith("#") else value


def _prepared(value: str) -> str:
    """Prepare a value for comparison (RFC 4518)."""
    if not value.isascii():
        value = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", value).casefold())
    return " ".join(value.lower().split())


def _short(kind: str) -> str:
    kind = kind.lower()
    return _SHORT_NAMES.get(kind.removeprefix("oid."), kind.removeprefix("oid."))


def _value(text: str, at: int) -> tuple[str | bytes, int]:
    """Return the attribute value that begins at `at`, and where the separator after it stands."""
    if hexadecimal := _HEX.match(text, at):
        return _ber_value(bytes.fromhex(hexadecimal.group(1))), hexadecimal.end()
    if text.startswith("#", at):
        raise DnError(f"'#' at character {at + 1} is not followed by pairs of hexadecimal digits")
    if quoted := _QUOTED.match(text, at):
        return _unescaped(quoted.group(1)), quoted.end()
    string = _STRING.match(text, at)
    assert string is not None  # it matches the empty string too
    end = string.end()
    if end < len(text) and text[end] not in ",;+":
        raise DnError(f"character {end + 1} must be escaped")
    return _unescaped(_trimmed(string.group())), end


def _trimmed(raw: str) -> str:
    """Leave out the blanks at the end, but for one that is escaped."""
    kept = raw.rstrip(" ")
    escapes = len(kept) - len(kept.rstrip("\\"))
    return kept + " " if escapes % 2 else kept


def _unescaped(raw: str) -> str:
    if "\\" not in raw:
        return raw
    try:
        return _ESCAPED.sub(_byte, raw.encode()).decode()
    except UnicodeDecodeError:
        raise DnError("its escaped bytes are not UTF-8") from None


def _byte(escape: re.Match[bytes]) -> bytes:
    what = escape.group(1)
    return bytes.fromhex(what.decode()) if len(what) == 2 else what


def _ber_value(data: bytes) -> str | bytes:
    """Return the text of a BER string; other BER as it is."""
    if len(data) < 2 or data[0] not in _BER_STRINGS:
        return data
    length, begins = data[1], 2
    if length & 0x80:
        begins += length & 0x7F
        length = int.from_bytes(data[2:begins], "big")
    if len(data) - begins != length:
        return data
    try:
        return data[begins:].decode(_BER_STRINGS[data[0]])
    except UnicodeDecodeError:
        return data


def _see_that_it_is_bearable(text: str) -> None:
    if len(text) > _LONGEST:
        raise DnError(f"it is longer than {_LONGEST} characters")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise DnError("it holds half of a surrogate pair") from None
