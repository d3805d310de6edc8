"""What config may say of an export, and what `check` tells of one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from marshmallow import ValidationError

from connectors.directory.ldap_json import Config, connect
from connectors.errors import RunError
from connectors.records import Outside


def entry(**attributes: Any) -> dict[str, Any]:
    given = {"objectClass": ["inetOrgPerson"], "uid": ["eva"], "entryUUID": ["id-eva"]}
    return {"dn": "uid=eva,o=x", "attributes": given | attributes}


@pytest.fixture
def directory(tmp_path: Path) -> Callable[..., Any]:
    """Makes a directory of entries, or of text."""

    def make(entries: Any, **config: Any) -> Any:
        text = entries if isinstance(entries, str) else json.dumps(entries)
        (tmp_path / "people.json").write_text(text, encoding="utf-8")
        outside = Outside(
            tmp_path,
            lambda *_: pytest.fail("no network"),
            lambda: datetime.now(UTC),
            lambda _: None,
        )
        return connect("ad", Config().load({"path": "people.json", **config}), outside, None)

    return make


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "'path'"),
        ({"path": "a", "key": "usrName"}, "did you mean"),
        ({"path": "a", "columns": {"x": "name.gvenName"}}, "did you mean"),
        ({"path": "a", "columns": {"x": "emails[type eq"}}, "'columns'"),
        ({"path": "a", "columns": {"x": "groups.display"}}, "memberOf"),
        ({"path": "a", "columns": {"x": "name"}}, "sub-attribute"),
        ({"path": "a", "columns": {"x": "schemas"}}, "can't give schemas"),
        ({"path": "a", "columns": {"x": 'emails[value co "a"].type'}}, "that is text"),
        ({"path": "a", "columns": {"x": "a b"}}, "'columns'"),
        ({"path": "a", "object_classes": []}, "object_classes"),
        ({"path": "a", "paht": "b"}, "paht"),
    ],
)
def test_config_that_can_mean_nothing_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Config().load(config)
    assert message in str(caught.value.messages)


def test_a_custom_column_may_be_the_key(directory: Callable[..., Any]) -> None:
    config = {"columns": {"employeeID": "staffNumber"}, "key": "staffNumber"}
    assert next(directory([entry(employeeID=["17"])], **config).read()).key == "17"


def test_check_is_content_with_a_file_that_has_a_person(directory: Callable[..., Any]) -> None:
    directory([{"dn": "o=x", "attributes": {"objectClass": ["organization"]}}, entry()]).check()


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([], "no entry is a person.*inetOrgPerson"),
        ([entry(objectClass=["account"])], "no entry is a person"),
        ([entry(entryUUID=[])], "has no emails.*which is the key"),
        ("", "is empty"),
        ("uid: eva", "begins with 'u'"),
    ],
)
def test_check_says_why_a_file_gives_nobody(
    directory: Callable[..., Any], entries: Any, says: str
) -> None:
    with pytest.raises(RunError, match=says) as caught:
        directory(entries).check()
    assert caught.value.remedy


def test_check_names_a_file_that_is_not_there(
    directory: Callable[..., Any], tmp_path: Path
) -> None:
    absent = directory([])
    Path(tmp_path / "people.json").unlink()
    with pytest.raises(RunError, match=r"people\.json can't be opened: No such file"):
        absent.check()
