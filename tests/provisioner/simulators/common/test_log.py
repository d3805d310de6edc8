"""The log of accepted writes: in order, and without anybody's password."""

from __future__ import annotations

from provisioner.simulators.common.log import LOG, Logged


def test_writes_are_logged_in_order_without_passwords_however_deep() -> None:
    state = Logged(":memory:", LOG, lambda *parts: "-".join(map(str, parts)))
    body = {"users": [{"email": "eva@example.org", "password": "s3cr3t"}], "password": None}

    with state.transaction():
        state.record("POST", "/users", {"full": "true"}, body, "2026-11-23T09:00:00Z")
        state.record("DELETE", "/users/eva", {}, None, "2026-11-23T09:00:01Z")

    first, second = state.log()
    assert first["body"] == {
        "users": [{"email": "eva@example.org", "password": "***"}],
        "password": "***",
    }
    assert (first["seq"], first["query"]) == (1, {"full": "true"})
    assert (second["method"], second["path"], second["body"]) == ("DELETE", "/users/eva", None)
