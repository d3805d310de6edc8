"""The snapshot's file: JSON lines, a catalog first if there is one, then a phone user a line.

A line is an object of PhoneUser's members (connectors/records.py); absent members mean none.
Reading streams. What is wrong is told with file and line, the first problems together, and nothing
may be believed of a file that has one: a wrong line is somebody who is missing from the read.
"""

from __future__ import annotations

import difflib
import fcntl
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from operator import attrgetter
from pathlib import Path
from typing import IO, Any, Literal, TypeAlias
from unicodedata import is_normalized

import msgspec

from connectors.errors import IncompleteRead, InputError, Problem, RunError, TransientError
from connectors.records import PhoneUser, clean

MAX_PROBLEMS = 20
"""Problems told at once; a file of the wrong kind has one on every line."""

_KEPT = ("id", "key", "kind", "email", "status")
_UNKNOWN = re.compile(r"unknown field `(.*?)`")


class _Line(PhoneUser, frozen=True, gc=False, forbid_unknown_fields=True):
    """A phone user's line as strictly as it is read."""

    kind: Literal["person", "room", "common_area"] = "person"
    status: Literal["active", "inactive", "pending", "trashed"] = "active"
    role: Literal["member", "admin", "owner"] = "member"


Sited: TypeAlias = str | tuple[str, str | None]
"""A template's name or a direct number, alone or with its site: `[name, site]`."""


class CatalogLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the account has: seats by name (null: not counted), names, and all its numbers.

    A family that isn't there isn't limited. `aliases`: what the vendor calls the names in this file, by
    family, where it calls them otherwise; they are used as they stand.
    """

    licenses: dict[str, int | None] | None = None
    packages: dict[str, int | None] | None = None
    templates: tuple[Sited, ...] | None = None
    sites: tuple[str, ...] | None = None
    numbers: tuple[Sited, ...] | None = None
    aliases: dict[str, dict[str, str]] = {}


def with_site(entry: Sited) -> tuple[str, str | None]:
    """Return a template's name or a number with its site, None where it has none."""
    return (entry, None) if isinstance(entry, str) else entry


class _First(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    catalog: CatalogLine


NumberedUser: TypeAlias = tuple[int, PhoneUser]
"""A phone user with the line (from 1) that says so."""

_SINGLE = (
    "id key email display_name department job_title license template site extension_number"
    " softphone emergency_address usage_location"
)
_single = attrgetter(*_SINGLE.split())
_members = msgspec.structs.astuple
_decode_strictly = msgspec.json.Decoder(_Line).decode


def read_catalog(path: Path) -> CatalogLine:
    """Return what the file's first line says of the account; of a file without one, nothing."""
    with _open(path) as file:
        line = file.readline()
    if not _is_catalog(line):
        return CatalogLine()
    try:
        return msgspec.json.decode(line, type=_First).catalog
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise InputError([Problem(f"{path}:1", f"the catalog can't be read: {e}")]) from e


def read_users(path: Path) -> Iterator[NumberedUser]:
    """Yield every phone user with its line's number, names cleaned.

    Raises InputError for lines that can't be read and ids that come twice, IncompleteRead for a
    last line that is cut off or a file that changes meanwhile, RunError if it can't be opened.
    """
    with _open(path) as file:
        before = _stamp(os.fstat(file.fileno()))
        yield from _users(path, file)
        after = _stamp(os.fstat(file.fileno()))
    if before != after:
        raise IncompleteRead(f"{path} changed while it was read", remedy="read it again")


def _users(path: Path, file: IO[bytes]) -> Iterator[NumberedUser]:
    problems: list[Problem] = []
    ids = _Ids(path)
    for number, line in enumerate(file, 1):
        if (number == 1 and _is_catalog(line)) or line.isspace():
            continue
        try:
            user = _user(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as e:
            if not line.endswith(b"\n") and not isinstance(e, msgspec.ValidationError):
                raise _cut_off(path, number) from e
            problems.append(Problem(f"{path}:{number}", _in_words(e)))
        else:
            if not user.id or ids.repeat(user.id, number):
                says = f"the id {user.id!r} comes twice" if user.id else "the id is empty"
                problems.append(Problem(f"{path}:{number}", says))
            if not problems:
                yield number, user
        if len(problems) >= MAX_PROBLEMS:
            break
    if problems:
        raise InputError(problems, remedy="mend the snapshot, or write it anew")


class _Ids:
    """Notices an id that comes twice. While ids rise, as in a sorted file, it remembers the last."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._last = ""
        self._seen: set[str] | None = None

    def repeat(self, id: str, line: int) -> bool:
        """Tell whether the id of this line was an earlier line's."""
        if self._seen is None:
            if id > self._last:
                self._last = id
                return False
            self._seen = self._before(line)
        if id in self._seen:
            return True
        self._seen.add(id)
        return False

    def _before(self, line: int) -> set[str]:
        found = set()
        with _open(self._path) as file:
            for earlier in islice(file, line - 1):
                with suppress(msgspec.DecodeError, UnicodeDecodeError):
                    found.add(_user(earlier).id)
        return found


def _user(line: bytes) -> PhoneUser:
    try:
        user = PhoneUser(*_members(_decode_strictly(line)))
    except msgspec.ValidationError:  # perhaps for a null where nothing would do as well
        members = msgspec.json.decode(line)
        if not isinstance(members, dict):
            raise
        told = {n: v for n, v in members.items() if v is not None or n == "delegates"}
        user = msgspec.convert(told, PhoneUser)
        msgspec.convert(told, _Line)
    return user if _is_clean(user, line) else _cleaned(user)


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as e:
        raise RunError(
            f"the snapshot {path} can't be read: {e.strerror}",
            remedy="write one with `provisioner inventory`, or mend `path`",
        ) from e


def _is_catalog(line: bytes) -> bool:
    return line.lstrip()[:1] == b"{" and line.lstrip()[1:].lstrip().startswith(b'"catalog"')


def _cut_off(path: Path, number: int) -> IncompleteRead:
    return IncompleteRead(
        f"{path}:{number}: the last line is cut off",
        remedy="nothing was planned; write the snapshot again, whole",
    )


def _in_words(error: Exception) -> str:
    unknown = _UNKNOWN.search(str(error))
    if unknown is None:
        return f"no phone user can be read: {error}"
    near = difflib.get_close_matches(unknown[1], PhoneUser.__struct_fields__, n=1)
    return f"{unknown[1]!r} isn't known" + (f"; did you mean {near[0]!r}?" if near else "")


def _is_clean(user: PhoneUser, line: bytes) -> bool:
    """Tell quickly whether all text of a user is surely `clean`, and none of it empty.

    A line in NFC without escapes has text in NFC only; `strip` gives back the very text that has
    nothing to strip. A false alarm costs a second look at that line, no more.
    """
    if b"\\" in line or not (line.isascii() or is_normalized("NFC", line.decode())):
        return False
    for text in _single(user):
        if text is not None and (not text or text.strip() is not text):
            return False
    for several in (user.packages, user.numbers, user.delegates, user.delegate_privileges):
        for text in several or ():
            if not text or text.strip() is not text:
                return False
    return True


def _cleaned(user: PhoneUser) -> PhoneUser:
    """Return the user with every text clean; empty text is none."""
    values: dict[str, Any] = {}
    for name in PhoneUser.__struct_fields__:
        value = getattr(user, name)
        if isinstance(value, str):
            values[name] = clean(value) or (None if name != "id" else "")
        elif isinstance(value, tuple):
            values[name] = tuple(c for c in map(clean, value) if c)
    return msgspec.structs.replace(user, **values)


def encode(user: PhoneUser) -> bytes:
    """Return a user's line: the members that say something, in the snapshot's order.

    >>> encode(PhoneUser(id="p1", email="eva@example.org"))
    b'{"id":"p1","key":null,"kind":"person","email":"eva@example.org","status":"active"}\\n'
    """
    members = {
        name: getattr(user, name)
        for name, default in zip(PhoneUser.__struct_fields__, _DEFAULTS, strict=True)
        if name in _KEPT or getattr(user, name) != default
    }
    return msgspec.json.encode(members) + b"\n"


_DEFAULTS = [getattr(PhoneUser(id=""), name) for name in PhoneUser.__struct_fields__]


class Rewrite:
    """One rewrite of the file, from before it is read until it is replaced; others wait for it.

    Our own processes and threads wait at the lock; whoever writes without it is noticed.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))  # a link stays one

    def __enter__(self) -> Rewrite:
        while True:
            self._locked = _open(self.path)
            fcntl.flock(self._locked, fcntl.LOCK_EX)
            self._before = _stamp(os.fstat(self._locked.fileno()))
            if self._unchanged():
                return self
            self._locked.close()  # replaced while we waited: that lock is of the old file

    def __exit__(self, *_: object) -> None:
        self._locked.close()

    def finish(self, changed: Mapping[int, bytes | None], added: Iterable[bytes]) -> None:
        """Replace the lines in `changed` by number (None: leave out), add `added`, in one step.

        All other lines stay byte for byte. Whoever reads meanwhile sees the old file or the new,
        also after a crash. Raises TransientError if somebody wrote the file since this began.
        """
        temporary = self.path.with_name(f".{self.path.name}.tmp")
        try:
            self._write(temporary, changed, added)
            os.replace(temporary, self.path)  # from here on the next one's turn may have begun
        except TransientError:
            temporary.unlink(missing_ok=True)
            raise
        except OSError as e:
            temporary.unlink(missing_ok=True)
            raise RunError(
                f"the snapshot {self.path} can't be written: {e.strerror}",
                remedy="nothing was changed; make room, or mend the permissions",
            ) from e
        _sync_folder(self.path.parent)

    def _write(
        self, temporary: Path, changed: Mapping[int, bytes | None], added: Iterable[bytes]
    ) -> None:
        with temporary.open("wb") as out:
            self._locked.seek(0)
            _copy(self._locked, out, changed)
            out.writelines(added)
            out.flush()
            os.fchmod(out.fileno(), os.fstat(self._locked.fileno()).st_mode & 0o7777)
            os.fsync(out.fileno())
        if not self._unchanged():
            raise TransientError(
                f"{self.path} was written by somebody else meanwhile", remedy="nothing was changed"
            )

    def _unchanged(self) -> bool:
        try:
            return _stamp(os.stat(self.path)) == self._before
        except OSError:
            return False


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns


def _copy(lines: IO[bytes], out: IO[bytes], changed: Mapping[int, bytes | None]) -> None:
    last = b"\n"
    for number, line in enumerate(lines, 1):
        written = changed.get(number, line)
        if written is not None:
            out.write(written)
            last = written
    if not last.endswith(b"\n"):
        out.write(b"\n")


def _sync_folder(folder: Path) -> None:
    """Make a replacement survive a power cut, where the file system can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(handle)
    finally:
        os.close(handle)
