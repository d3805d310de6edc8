"""The log of every write that a simulator accepted, and JSON lines over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import msgspec
from flask import Response

from .database import Database

LOG = """
CREATE TABLE IF NOT EXISTS log (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, method TEXT NOT NULL, path TEXT NOT NULL,
  query TEXT NOT NULL, body TEXT NOT NULL, time TEXT NOT NULL);
"""
JSON_LINES = "application/jsonl"


class Logged(Database):
    """A database with a log of writes; its schema holds LOG."""

    def record(
        self, method: str, path: str, query: dict[str, str], body: object, time: str
    ) -> None:
        """Add an accepted write to the log; passwords are not written."""
        self.run(
            "INSERT INTO log (method, path, query, body, time) VALUES (?, ?, ?, ?, ?)",
            method,
            path,
            json.dumps(query),
            json.dumps(_without_passwords(body)),
            time,
        )

    def log(self) -> list[dict[str, Any]]:
        """Return every accepted write in order: seq, method, path, query, body, time."""
        with self.transaction():
            rows = self.rows("SELECT * FROM log ORDER BY seq")
        parsed = ("query", "body")
        return [dict(row) | {name: json.loads(row[name]) for name in parsed} for row in rows]


def _without_passwords(body: object) -> object:
    if isinstance(body, dict):
        return {k: "***" if k == "password" else _without_passwords(v) for k, v in body.items()}
    if isinstance(body, list):
        return [_without_passwords(item) for item in body]
    return body


def json_lines(values: Iterable[Any]) -> Response:
    """Return an answer with a value a line."""
    text = b"".join(msgspec.json.encode(value) + b"\n" for value in values)
    return Response(text, mimetype=JSON_LINES)
