"""What every operation of the Zoom simulator goes through, and the service over real HTTP."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioner.simulators.zoom import (
    OPERATIONS,
    Operation,
    Options,
    create_app,
    load_snapshot,
    running,
)
from tests.provisioner.simulators.zoom.zoom_client import (
    CREDENTIALS,
    TOKEN_QUERY,
    Zoom,
    person,
    phone_user,
)
from tests.vendor_specs import WHY_SKIPPED, load

UNLABELLED = {("PATCH", "/phone/settings"): "LIGHT"}
"""Operations that carry no rate label in Zoom's file: they are counted as the lightest."""

LEFT_OUT = {
    r" /groups/{groupId}/(admins|settings|lock_settings)": "meeting settings, and who administers a group: nobody's phone follows from them",
    r" /phone/account_settings": "the whole account's settings of how calls go, read only",
    r" /phone/billing_accounts": "billing accounts, which only Indian plans have: none is simulated",
    r" /phone/monitoring_groups": "who listens in on whose calls: no license or number depends on it",
    r" /phone/roles": "who administers the phone system, which nobody leaves to a script",
    r" /phone/shared_line_appearances": "whose line lights up on whose desk phone, read only: it follows from delegations",
    r"/line_keys": "which key of a desk phone does what",
    r" /phone/groups/": "a user group's policy, which is about emergency calls alone, and settings of how its calls go",
    r" /phone/policies/": "the whole account's policy, which is about emergency calls alone",
    r"/call_handling/": "what happens with calls outside of business hours",
    r"/profile_settings/": "call handling of one's profile",
    r" /users/vanity_name": "personal meeting rooms",
    r" /users/{userId}/(assistants|schedulers)": "who schedules whose meetings",
    r" /users/{userId}/(permissions|presence_status)": "roles' permissions, and who is online",
}
"""Operations of Zoom's file that the simulator doesn't have: no script that provisions phones asks for them."""


@pytest.mark.asks_for_what_is_not_there
def test_an_operation_that_zoom_does_not_have_is_not_recognized() -> None:
    zoom = Zoom()

    unknown = zoom.get("/phone/telepathy")
    wrong_method = zoom.call("PUT", "/users", {})

    assert unknown.error == (404, 2300)
    assert wrong_method.error == (405, 405)


@pytest.mark.parametrize(
    ("data", "kind"),
    [(b"{", "application/json"), (b"[1]", "application/json"), (b"{}", "text/plain"), (b"", "")],
)
def test_a_body_that_is_no_json_object_is_refused(data: bytes, kind: str) -> None:
    zoom = Zoom([person("eva")])

    answer = zoom.http.patch(
        "/v2/users/id-eva",
        data=data,
        content_type=kind,
        headers={"Authorization": f"Bearer {zoom.token}"},
    )

    assert (answer.status_code, answer.get_json()["code"]) == (400, 300)


def test_a_query_parameter_that_zoom_does_not_have_is_refused() -> None:
    assert Zoom().get("/phone/users", colour="red").fields == ["colour"]


def test_two_writes_on_one_user_at_once_are_too_many() -> None:
    inside, go_on = threading.Event(), threading.Event()

    def hold(_: float) -> None:
        inside.set()
        assert go_on.wait(10)

    app = create_app(options=Options(rates=None, latency_s=1), sleep=hold)
    load_snapshot(
        app, ['{"id": "p1", "email": "eva@example.org"}', '{"id": "p2", "email": "j@x.org"}']
    )
    token = app.test_client().post("/oauth/token", query_string=TOKEN_QUERY, auth=CREDENTIALS)
    headers = {"Authorization": f"Bearer {token.get_json()['access_token']}"}

    def change(user: str) -> Any:
        body = {"dept": "Sales"}
        return app.test_client().patch(f"/v2/users/{user}", json=body, headers=headers)

    with ThreadPoolExecutor() as pool:
        first = pool.submit(change, "p1")
        assert inside.wait(10)
        second = change("eva@example.org")
        other = pool.submit(change, "p2")
        reading = app.test_client().get("/v2/users/p1", headers=headers)
        go_on.set()
        statuses = [first.result().status_code, other.result().status_code]

    assert (second.status_code, second.get_json()["code"]) == (429, 429)
    assert second.get_json()["message"].startswith("Too many concurrent requests.")
    assert (statuses, reading.status_code) == ([204, 204], 200)
    assert change("p1").status_code == 204


def test_the_service_answers_over_http_and_ends_with_its_block() -> None:
    app = create_app(options=Options(rates=None))
    load_snapshot(app, ['{"id": "p1", "email": "eva@example.org", "license": "zoom_phone"}'])

    with running(app) as url, requests.Session() as session:
        granted = session.post(f"{url}/oauth/token", data=TOKEN_QUERY, auth=CREDENTIALS).json()
        session.headers["Authorization"] = f"Bearer {granted['access_token']}"
        users = session.get(f"{granted['api_url']}/v2/phone/users", timeout=10).json()["users"]
        changed = session.put(
            f"{url}/v2/users/p1/status", json={"action": "deactivate"}, timeout=10
        )

    assert [user["email"] for user in users] == ["eva@example.org"]
    assert (changed.status_code, changed.content) == (200, b"")
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=1)


def test_many_clients_at_once_share_one_account_without_losing_a_write() -> None:
    app = create_app(options=Options(rates=None))
    load_snapshot(app, [f'{{"id": "p{n}", "email": "u{n}@example.org"}}' for n in range(40)])

    with running(app) as url:
        granted = requests.post(
            f"{url}/oauth/token", params=TOKEN_QUERY, auth=CREDENTIALS, timeout=10
        ).json()
        headers = {"Authorization": f"Bearer {granted['access_token']}"}

        def switch_on(n: int) -> int:
            body = {"feature": {"zoom_phone": True}}
            path = f"{url}/v2/users/p{n}"
            return requests.patch(path, json=body, headers=headers, timeout=10).status_code

        with ThreadPoolExecutor(8) as pool:
            statuses = set(pool.map(switch_on, range(40)))
        users = requests.get(
            f"{url}/v2/phone/users", params={"page_size": "100"}, headers=headers, timeout=10
        ).json()["users"]

    assert statuses == {204}
    assert len({user["extension_number"] for user in users}) == len(users) == 40


@pytest.mark.skipif(load("zoom") is None, reason=WHY_SKIPPED)
def test_every_operation_is_zooms_own_and_has_its_rate_label() -> None:
    spec = load("zoom")
    assert spec is not None

    labels = {(o.method, o.path): o.label for o in OPERATIONS}

    assert labels == {
        (method, path): spec.label(method, path.replace("<", "{").replace(">", "}"))
        or UNLABELLED[method, path]
        for method, path in labels
    }


def test_what_is_not_simulated_of_zooms_file_is_left_out_for_a_reason() -> None:
    spec = load("zoom")
    if spec is None:
        pytest.skip(WHY_SKIPPED)
    simulated = {(o.method, re.sub(r"<\w+>", "{}", o.path)) for o in OPERATIONS}

    absent = {
        f"{method} {path}"
        for method, path in spec.operations()
        if (method, re.sub(r"\{\w+\}", "{}", path)) not in simulated
    }
    explained = {what: [p for p in LEFT_OUT if re.search(p, what)] for what in absent}

    assert {what for what, reasons in explained.items() if not reasons} == set()
    used = {pattern for reasons in explained.values() for pattern in reasons}
    assert used == LEFT_OUT.keys()
    assert (len(simulated), len(absent)) == (130, 55)


def test_a_refusal_leaves_nothing_behind() -> None:
    zoom = Zoom([phone_user("eva"), phone_user("jan")])
    before = zoom.state()

    zoom.post("/phone/users/id-eva/calling_plans", {"calling_plans": [{"type": 100}, {"type": 1}]})

    assert zoom.state() == before


NAMES = sorted(
    [
        "action",
        "batch_type",
        "calling_plans",
        "delegation",
        "delegation_assistant_extension_id",
        "email",
        "extension_number",
        "feature",
        "feature_type",
        "feature_value",
        "phone_numbers",
        "policy",
        "privileges",
        "site_id",
        "site_name",
        "source_type",
        "target_type",
        "template_id",
        "template_name",
        "type",
        "user_ids",
        "user_info",
        "users",
        "zoom_one_type",
        "zoom_phone",
        "id",
        "number",
        "page_size",
        "next_page_token",
        "keyword",
        "calling_type",
        "status",
        "page_number",
        "nonsense",
    ]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**63, -(2**64), 100, 200]),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.sampled_from(
        ["create", "delegation", "move_site", "id-eva", "eva@example.org", "\ud800", "²"]
    ),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=8,
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=8)


@settings(max_examples=150, deadline=None)
@given(
    operation=st.sampled_from(OPERATIONS),
    parts=st.lists(
        st.sampled_from(["id-eva", "me", "²", "9" * 30, "200", "delegation"]), min_size=3
    ),
    body=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=5),
    query=st.dictionaries(
        st.sampled_from(NAMES), TEXTS | st.sampled_from(["9" * 30, "5", "-1"]), max_size=2
    ),
)
def test_no_request_makes_the_service_fail(
    operation: Operation, parts: list[str], body: dict[str, Any], query: dict[str, str]
) -> None:
    zoom = Zoom([phone_user("eva")])
    path = re.sub(r"<\w+>", lambda _: parts.pop(), operation.path)

    reply = zoom.call(
        operation.method, path, None if operation.method in {"GET", "DELETE"} else body, query
    )

    assert reply.status < 500
    assert reply.status < 400 or reply.json.get("message") or reply.json["detail"]
