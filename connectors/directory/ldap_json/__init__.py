"""An export of an LDAP directory or of Active Directory, as JSON: people, and who is in which group.

The file is a list of `{"dn": …, "attributes": {name: [values]}}`, or one such object on each line.
People are entries of a person's object class. Memberships stand on people (`memberOf`), on groups
(`member`, `uniqueMember`, `memberUid`), or on both; where any group has an entry the file is read
twice, and must be the same both times.

A manager stays the dn that the directory names, and `Person.where` is the dn of each person, so
that whoever has them all can tell who that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path as FilePath
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from connectors.directory.ldap_json.attributes import Names
from connectors.directory.ldap_json.classes import PEOPLE, Classes
from connectors.directory.ldap_json.columns import (
    WORK_EMAIL,
    Columns,
    read_columns,
    read_path,
)
from connectors.directory.ldap_json.entries import Export
from connectors.directory.ldap_json.groups import Groups
from connectors.directory.ldap_json.members import MEMBERS, Members, may_say_members
from connectors.directory.ldap_json.people import Key, People
from connectors.errors import RunError
from connectors.records import Flaw, Outside, Person
from connectors.scim_filter import FilterError, Path, parse_path

_READ_ANYWAY = ("objectClass", "memberOf", *MEMBERS, "uid", "userAccountControl", "nsAccountLock")


class Config(Schema):
    """What config says of an export, beside `kind` and `name`.

    `path`: the file. `columns`: LDAP attribute to the attribute path that it gives; a path named
    here is read from there alone. `key`: the attribute path that is the person's key; default:
    externalId, else the mapping's join. `nested_groups`: whoever is in a group is in the groups that
    this one is in. `object_classes`: what makes an entry a person.
    """

    path = fields.String(required=True, validate=validate.Length(min=1))
    columns = fields.Dict(
        keys=fields.String(validate=validate.Length(min=1)),
        values=fields.String(validate=validate.Length(min=1)),
        load_default=dict,
    )
    key = fields.String(validate=validate.Length(min=1))
    nested_groups = fields.Boolean(load_default=False)
    object_classes = fields.List(
        fields.String(validate=validate.Length(min=1)), validate=validate.Length(min=1)
    )

    @validates_schema(skip_on_field_errors=True)
    def _paths_are_known(self, data: Mapping[str, Any], **_: object) -> None:
        columns = data["columns"]
        bad: dict[str, Any] = {}
        for name, text in columns.items():
            if problem := _path_problem(text, columns):
                bad.setdefault("columns", {})[name] = {"value": [problem]}
        if "key" in data and (problem := _path_problem(data["key"], columns)):
            bad["key"] = [problem]
        if bad:
            raise ValidationError(bad)


def connect(
    name: str, config: Mapping[str, Any], outside: Outside, join: Path | str | None
) -> LdapJson:
    """Return the directory that config describes; `config` is what `Config` loaded.

    `join` is taken for the key where people have no externalId; None is the work mail address.
    """
    if not isinstance(join, Path):
        join = parse_path(join or WORK_EMAIL)
    return LdapJson(name, config, outside.base, join)


class LdapJson:
    """An export as a directory (connectors/records.py)."""

    def __init__(self, name: str, config: Mapping[str, Any], base: FilePath, join: Path) -> None:
        self.name = name
        self._path, self._shown = base / config["path"], config["path"]
        columns = config.get("columns") or {}
        self._columns = read_columns(columns)
        self._key = read_path(config["key"], columns) if config.get("key") else None
        self._join = join
        self._nested = bool(config.get("nested_groups"))
        self._people: Sequence[str] = config.get("object_classes") or PEOPLE

    def read(self) -> Iterator[Person | Flaw]:
        """Yield each person once, in the file's order; before them, a Flaw for each group with members that are no dn.

        Raises IncompleteRead for a file that is cut off, is no JSON or is written meanwhile, for a
        group that can't be read whole, and if the first person has no externalId and a later one
        has; RunError if the file can't be opened.
        """
        members, people = self._readers()
        with closing(Export(self._path, self._shown)) as export:
            if may_say_members(export, nested=self._nested):
                yield from members.read(export)
            yield from people.read(export)

    def check(self) -> None:
        """Raise a RunError unless the file can be opened, begins like an export, and holds a person.

        It is read as far as the first person who can be used; group entries are not looked at.
        """
        _, people = self._readers()
        flaw: Flaw | None = None
        with closing(Export(self._path, self._shown)) as export:
            for each in people.read(export):
                if isinstance(each, Person):
                    return
                flaw = flaw or each
        if flaw:
            raise RunError(f"{flaw.where}: {flaw.reason}", remedy=flaw.remedy)
        raise RunError(
            f"{self._shown}: no entry is a person (of the classes {', '.join(self._people)})",
            remedy="say with `object_classes: […]` which classes people have",
        )

    def _readers(self) -> tuple[Members, People]:
        """Return what reads one pass after the other, and shares what it learns."""
        names = Names([*_READ_ANYWAY, *(name for name, _ in self._columns)])
        classes, groups = Classes(self._people), Groups(nested=self._nested)
        columns, key = Columns(self._columns, names), Key(self._key, self._join)
        members = Members(names, classes, groups, nested=self._nested)
        return members, People(names, classes, columns, groups, key, members.is_group)


def _path_problem(text: str, columns: Mapping[str, str]) -> str | None:
    """Return what is wrong with a path in config, None if nothing is."""
    try:
        read_path(text, columns)
    except FilterError as error:
        return error.message
    except ValueError as error:
        return str(error)
    return None
