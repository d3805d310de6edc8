"""What clients look for is looked up: among thousands the database takes the index, not everybody."""

from __future__ import annotations

from typing import Any

import pytest

from provisioner.scim.cursors import Cursors
from provisioner.scim.kinds import Kind
from provisioner.scim.query import Page, Query, Window, page
from provisioner.scim.schemas import Registry
from provisioner.store.direct import Direct, Session

REGISTRY = Registry.make()
USERS, GROUPS = Kind.users(REGISTRY.user), Kind.groups(REGISTRY.group)
SYNC, MANY = "crowd", 5000


@pytest.fixture(scope="module")
def crowd(store: Direct) -> Direct:
    """Thousands of users and groups, whom the database has taken stock of."""

    def fill(session: Session) -> None:
        given: dict[str, Any] = {
            "sync": SYNC,
            "numbers": session.listed([*range(MANY)]),
            "day": "2030-11-23T09:00:00.",
        }
        each, n = f"FROM {session.numbers('numbers')} each", "CAST(each.value AS text)"
        padded = f"lpad({n}, 6, '0')" if session.postgresql else f"substr('000000' || {n}, -6)"
        day = f":day || {padded} || 'Z'"
        names = f"'name' || {n}, 'name' || {n}, {day}, {day}, 1, '{{}}' {each}"
        session.run(
            "INSERT INTO scim_users (sync, id, user_name_key, external_id, display_name_key,"
            f" created, last_modified, version, document) SELECT :sync, 'u' || {n}, 'name' || {n},"
            f" {names}",
            **given,
        )
        session.run(
            "INSERT INTO scim_groups (sync, id, external_id, display_name_key, created,"
            f" last_modified, version, document) SELECT :sync, 'g' || {n}, {names}",
            **given,
        )
        session.run(
            "INSERT INTO scim_emails (sync, value_key, user_seq)"
            " SELECT sync, user_name_key, seq FROM scim_users WHERE sync = :sync",
            sync=SYNC,
        )
        session.run(
            "INSERT INTO scim_members (group_seq, user_seq) SELECT g.seq, u.seq FROM scim_users u"
            " JOIN scim_groups g ON g.sync = u.sync AND g.external_id = u.external_id"
            " WHERE u.sync = :sync",
            sync=SYNC,
        )

    store.write(fill)
    store.read(lambda session: session.run("ANALYZE"))
    return store


@pytest.mark.parametrize(
    ("kind", "filter", "index"),
    [
        (USERS, 'userName eq "NAME7"', "scim_users_by_name"),
        (USERS, 'userName sw "name77"', "scim_users_by_name"),
        (USERS, 'externalId eq "name7"', "scim_users_by_external_id"),
        (USERS, 'id eq "u7"', "scim_users_by_id"),
        (USERS, 'id eq "u7" and title eq "x"', "scim_users_by_id"),
        (USERS, 'displayName eq "name7"', "scim_users_by_display_name"),
        (USERS, 'meta.lastModified gt "2030-11-23T09:00:00.0049Z"', "scim_users_by_modified"),
        (USERS, 'emails.value eq "name7"', "scim_emails_pkey"),
        (USERS, 'emails[type eq "work" and value eq "name7"]', "scim_emails_pkey"),
        (USERS, 'groups.value eq "g7"', "scim_groups_by_id"),
        (GROUPS, 'displayName eq "name7"', "scim_groups_by_display_name"),
        (GROUPS, 'externalId eq "name7"', "scim_groups_by_external_id"),
        (GROUPS, 'members.value eq "u7"', "scim_members_of_user"),
    ],
)
def test_an_index_serves_what_clients_look_for(
    crowd: Direct, kind: Kind, filter: str, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    executed: list[tuple[str, dict[str, Any]]] = []
    real = Session._execute

    def noted(self: Session, sql: str, values: dict[str, Any], **how: Any) -> Any:
        executed.append((sql, values))
        return real(self, sql, values, **how)

    def listed(session: Session) -> Page:
        return page(
            session, SYNC, Query.parse(kind, filter), Window(100), Cursors(crowd), "", related=True
        )

    monkeypatch.setattr(Session, "_execute", noted)
    crowd.read(listed)
    monkeypatch.undo()
    explain = "EXPLAIN" if crowd.postgresql else "EXPLAIN QUERY PLAN"
    plan = crowd.read(
        lambda session: str(session.rows(f"{explain} {executed[0][0]}", **executed[0][1]))
    )

    name = index if crowd.postgresql else index.replace("_pkey", "")
    assert name in plan
    assert "SCAN u" not in plan
