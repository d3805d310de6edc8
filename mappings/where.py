"""Where something stands in a file that a person wrote."""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple


class Where(NamedTuple):
    """A place in a file: `file` as it was given, line and column from 1.

    >>> str(Where("mappings/emea.yaml", 14, 5)), Where("mappings/emea.yaml", 14, 5).short
    ('mappings/emea.yaml:14:5', 'emea.yaml:14')
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def short(self) -> str:
        """The file's name and the line alone, for a reason that somebody reads in a plan."""
        return f"{PurePath(self.file).name}:{self.line}"


def where_of(text: str) -> Where:
    """Return the place that `file:line:column` names."""
    file, line, column = text.rsplit(":", 2)
    return Where(file, int(line), int(column))
