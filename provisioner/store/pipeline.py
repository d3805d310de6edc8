"""A PostgreSQL connection's statements, prepared once each and sent together: libpq's pipeline mode.

A statement whose rows nobody asks for waits for the next that is asked for, and both go out at once: a
change of several statements takes two or three round trips, not one for each. psycopg's own cursors
take as long again to say a statement as the server takes to carry it out.
Source: PostgreSQL's documentation of libpq, "Pipeline Mode" and "Asynchronous Command Processing".
"""

from __future__ import annotations

import re
import select
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from itertools import count
from typing import Any, NamedTuple

import psycopg
from psycopg import errors
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult

Row = tuple[Any, ...]
_Key = tuple[str, tuple[int, ...]]
"""A statement's SQL, and the types of its values."""

_NAMED = re.compile(r"(?<!:):(\w+)")
_BOOL, _INT8, _INT2, _INT4, _FLOAT4, _FLOAT8, _NUMERIC = 16, 20, 21, 23, 700, 701, 1700
_NAMELESS = b""
"""The name of a statement that is forgotten when the next one is prepared under it."""
_UNKNOWN = 0
"""A parameter whose type the server reads from where it stands."""
_DECODERS: dict[int, Callable[[bytes], Any]] = {
    _BOOL: lambda value: value == b"t",
    _NUMERIC: lambda value: Decimal(value.decode()),
    **dict.fromkeys((_INT2, _INT4, _INT8), int),
    **dict.fromkeys((_FLOAT4, _FLOAT8), float),
}
_YOUNG_S, _OLD_S = 1.0, 600.0
"""Seconds that a statement's first plan is kept, and the longest; each lives twice as long as the one before.

The server plans a statement for the tables as they are, and keeps that: what was planned for an empty
table goes through all of one that has filled since.
"""
_MOST_KEPT, _LONG = 200, 2_000
"""Statements that a connection keeps prepared, and the characters of one that is prepared for one use only.

A client's filter makes a statement that nobody may ask for again; what the server plans of a long one
takes it half a megabyte.
"""
_OF_AN_ARRAY = re.compile(r'(["\\])')
_DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK)


class _Statement(NamedTuple):
    sql: str
    values: dict[str, Any]
    into: list[Row] | None = None


class _Prepared:
    """One statement on one connection; its columns are known from its first answer on."""

    __slots__ = ("decoders", "life_s", "name", "until")

    def __init__(self, name: bytes, life_s: float) -> None:
        self.name, self.life_s = name, life_s
        self.until = time.monotonic() + life_s
        self.decoders: tuple[Callable[[bytes], Any], ...] | None = None

    def rows(self, result: PGresult) -> list[Row]:
        if self.decoders is None:
            kinds = (result.ftype(column) for column in range(result.nfields))
            self.decoders = tuple(_DECODERS.get(kind, bytes.decode) for kind in kinds)
        decoders = tuple(enumerate(self.decoders))
        return [
            tuple(
                [
                    None if (value := result.get_value(row, column)) is None else decode(value)
                    for column, decode in decoders
                ]
            )
            for row in range(result.ntuples)
        ]


class _Sent(NamedTuple):
    """What was sent: a statement, whose rows go `into` a list, or (with a `key`) what prepares the next."""

    prepared: _Prepared
    into: list[Row] | None = None
    key: _Key | None = None


class _Encoded(NamedTuple):
    key: _Key
    sql: bytes
    values: list[bytes]
    into: list[Row] | None

    @classmethod
    def of(cls, statement: _Statement) -> _Encoded:
        number = _numbered if len(statement.sql) <= _LONG else _numbered.__wrapped__
        sql, names = number(statement.sql)
        values, kinds = _encoded(names, statement.values)
        return cls((statement.sql, kinds), sql, values, statement.into)


class Pipeline:
    """The statements of one connection, in order. Every method but `later` raises psycopg.Error.

    After an error that belongs to the connection, or to a transaction that wasn't rolled back,
    it is of no more use.
    """

    def __init__(self, connection: PGconn) -> None:
        self._connection = connection
        self._prepared: dict[_Key, _Prepared] = {}
        self._names = count()
        self._outlived: list[bytes] = []
        self._waiting: list[_Statement] = []
        self._poll = select.poll()
        self._lost = False

    @property
    def broken(self) -> bool:
        """Whether the server has spoken unasked: it has ended the connection."""
        if self._is_lost():
            return True
        self._poll.register(self._connection.socket, select.POLLIN)
        return bool(self._poll.poll(0))

    def later(self, sql: str, values: dict[str, Any], into: list[Row] | None = None) -> None:
        """Have a statement carried out before the next whose rows are asked for; at the latest by `finish`.

        Its rows are then added to `into`.
        """
        self._waiting.append(_Statement(sql, values, into))

    def rows(self, sql: str, values: dict[str, Any]) -> list[Row]:
        """Carry out whatever waits, then this, and return its rows."""
        statement = _Statement(sql, values)
        if not self._waiting:
            return self._alone(statement)
        self._waiting.append(statement)
        return self.finish()

    def finish(self) -> list[Row]:
        """Carry out whatever waits, and return the last one's rows."""
        waiting, self._waiting = self._waiting, []
        if len(waiting) == 1:
            return self._alone(waiting[0])
        return self._together(waiting) if waiting else []

    def drop(self) -> None:
        """Forget whatever waits."""
        self._waiting = []

    def _alone(self, statement: _Statement) -> list[Row]:
        self._bury()
        key, sql, values, into = _Encoded.of(statement)
        prepared = self._living(key)
        if prepared is None:
            prepared = self._new(key)
            _refuse(self._connection.prepare(prepared.name, sql, key[1]), self._connection)
            self._keep({key: prepared})
        result = self._connection.exec_prepared(prepared.name, values)
        _refuse(result, self._connection)
        rows = prepared.rows(result)
        if into is not None:
            into.extend(rows)
        return rows

    def _together(self, statements: Sequence[_Statement]) -> list[Row]:
        self._bury()
        connection = self._connection
        encoded = [_Encoded.of(each) for each in statements]  # what can't be sent raises here
        connection.enter_pipeline_mode()
        sent: list[_Sent] = []
        new: dict[_Key, _Prepared] = {}
        for key, sql, values, into in encoded:
            prepared = new.get(key) or self._living(key)
            if prepared is None:
                prepared = self._new(key)
                if prepared.name:
                    new[key] = prepared
                connection.send_prepare(prepared.name, sql, key[1])
                sent.append(_Sent(prepared, key=key))
            connection.send_query_prepared(prepared.name, values)
            sent.append(_Sent(prepared, into))
        connection.pipeline_sync()
        self._flush()
        return self._answers(sent)

    def _answers(self, sent: Sequence[_Sent]) -> list[Row]:
        """Return the last answer's rows. All are taken, so that the connection is as good as new.

        One that ends after the last of them is of no more use, and nothing has failed.
        """
        failed: PGresult | None = None
        rows: list[Row] = []
        made: dict[_Key, _Prepared] = {}
        for place, (prepared, into, key) in enumerate(sent, start=1):
            result = self._next()
            if result.status not in _DONE:
                failed = failed or result
            elif key is not None:
                made[key] = prepared
            elif into is not None or place == len(sent):
                rows = prepared.rows(result)
                if into is not None:
                    into.extend(rows)
            self._next_none()
        self._lost = not self._ended()  # what the server said it carried out, a COMMIT too, is so
        self._keep(made)
        if failed is not None:
            _refuse(failed, self._connection)
        return rows

    def _ended(self) -> bool:
        """Return whether the pipeline has come to its end, and the connection is as good as new."""
        try:
            ended = self._next().status == ExecStatus.PIPELINE_SYNC
            self._connection.exit_pipeline_mode()
        except psycopg.OperationalError:
            return False
        return ended

    def _next(self) -> PGresult:
        """Return the next answer, waiting for it where other threads may go on."""
        self._wait()
        result = self._connection.get_result()
        if result is None or (result.status == ExecStatus.FATAL_ERROR and self._is_lost()):
            raise psycopg.OperationalError(_said(self._connection))
        return result

    def _next_none(self) -> None:
        self._wait()
        if self._connection.get_result() is not None:
            raise psycopg.InternalError("a statement was answered twice")

    def _wait(self) -> None:
        connection = self._connection
        if connection.is_busy():
            self._poll.register(connection.socket, select.POLLIN)
            while connection.is_busy():
                self._poll.poll()
                connection.consume_input()

    def _flush(self) -> None:
        connection = self._connection
        while connection.flush():
            self._poll.register(connection.socket, select.POLLIN | select.POLLOUT)
            for _, event in self._poll.poll():
                if event & select.POLLIN:
                    connection.consume_input()

    def _is_lost(self) -> bool:
        return self._lost or self._connection.status != psycopg.pq.ConnStatus.OK

    def _living(self, key: _Key) -> _Prepared | None:
        """Return the statement as it was prepared, None if that is too long ago, or never."""
        prepared = self._prepared.get(key)
        return prepared if prepared is not None and time.monotonic() < prepared.until else None

    def _new(self, key: _Key) -> _Prepared:
        if len(key[0]) > _LONG:
            return _Prepared(_NAMELESS, 0.0)
        before = self._prepared.get(key)
        life_s = _YOUNG_S if before is None else min(2 * before.life_s, _OLD_S)
        return _Prepared(f"p{next(self._names)}".encode(), life_s)

    def _keep(self, new: dict[_Key, _Prepared]) -> None:
        """Use what was prepared anew from now on; of too many, those that were to live longest stay."""
        for key, prepared in new.items():
            if prepared.name != _NAMELESS:
                if (old := self._prepared.get(key)) is not None:
                    self._outlived.append(old.name)
                self._prepared[key] = prepared
        if len(self._prepared) > _MOST_KEPT:
            by_age = sorted(self._prepared.items(), key=lambda item: item[1].until)
            half = len(by_age) // 2
            self._outlived += [old.name for _, old in by_age[:half]]
            self._prepared = dict(by_age[half:])

    def _bury(self) -> None:
        """Have the server forget what was prepared anew; in a transaction that failed it couldn't."""
        if self._outlived and self._connection.transaction_status == TransactionStatus.IDLE:
            names, self._outlived = self._outlived, []
            forget = b";".join(b"DEALLOCATE " + name for name in names)
            _refuse(self._connection.exec_(forget), self._connection)


@lru_cache(maxsize=4096)
def _numbered(sql: str) -> tuple[bytes, tuple[str, ...]]:
    """Return SQL with PostgreSQL's `$1` for the first name, and the names in that order."""
    names: dict[str, int] = {}
    text = _NAMED.sub(lambda match: f"${names.setdefault(match[1], len(names) + 1)}", sql)
    return text.encode(), tuple(names)


def _encoded(names: Sequence[str], values: dict[str, Any]) -> tuple[list[bytes], tuple[int, ...]]:
    """Return values as the server reads them, and their types."""
    encoded: list[Any] = []  # None is NULL, which psycopg's types don't tell
    kinds: list[int] = []
    for name in names:
        value = values[name]
        if isinstance(value, str):
            encoded.append(_text(value))
            kinds.append(_UNKNOWN)
        elif value is None:
            encoded.append(None)
            kinds.append(_UNKNOWN)
        elif isinstance(value, bool):
            encoded.append(b"t" if value else b"f")
            kinds.append(_BOOL)
        elif isinstance(value, int):
            encoded.append(b"%d" % value)
            kinds.append(_INT8 if -(1 << 63) <= value < 1 << 63 else _NUMERIC)
        elif isinstance(value, float):
            encoded.append(repr(value).encode())
            kinds.append(_FLOAT8)
        elif isinstance(value, list):
            encoded.append(_array(value))
            kinds.append(_UNKNOWN)
        else:
            raise psycopg.ProgrammingError(f"{name}: a {type(value).__name__} can't be sent")
    return encoded, tuple(kinds)


def _text(value: str) -> bytes:
    if "\0" in value:
        raise psycopg.DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return value.encode()


def _array(values: Sequence[str | int]) -> bytes:
    """Return an array of texts or of whole numbers as the server reads it."""
    return _text("{" + ",".join(map(_item, values)) + "}")


def _item(value: str | int) -> str:
    if isinstance(value, str):
        return '"' + _OF_AN_ARRAY.sub(r"\\\1", value) + '"'
    return str(value)


def _refuse(result: PGresult, connection: PGconn) -> None:
    """Raise what a result says went wrong, if anything did."""
    if result.status in _DONE:
        return
    state = result.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
    message = result.get_error_message() or _said(connection)
    if state is None:
        raise psycopg.OperationalError(message)
    try:
        raise errors.lookup(state.decode())(message)
    except KeyError:
        raise psycopg.DatabaseError(message) from None


def _said(connection: PGconn) -> str:
    return connection.get_error_message() or "the connection is gone"
