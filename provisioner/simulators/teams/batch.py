"""JSON batches: up to 20 requests in one, each answered and throttled on its own.

The outer answer is 200 as soon as the batch can be read. A batch is fully sequential (each request
depends on the one before) or fully parallel (none depends on any); in a parallel one nothing says in
which order requests are carried out or answered.
Source: Microsoft Graph, "Combine multiple HTTP requests using JSON batching".
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

from flask import Blueprint, Response, current_app, request

from .account import current_tenant
from .auth import check_token
from .errors import GraphError, malformed
from .fields import Kind, check
from .service import OPERATIONS, PREFIX, Operation, refusal, respond

blueprint = Blueprint("teams_batch", __name__)

MOST = 20
MEMBERS: dict[str, Kind] = {
    "id": "text", "method": "text", "url": "text", "headers": "object?", "body": "any",
    "dependsOn": "texts",
}  # fmt: skip
METHODS = ("GET", "POST", "PATCH", "PUT", "DELETE")
OPERATIONS.append(Operation("POST", "/$batch"))


@blueprint.post("/$batch")
def batch() -> Response:
    """Carry out every request of the batch."""
    tenant = current_tenant()
    check_token(tenant, request.headers.get("Authorization"))
    requests = _requests()
    sequential = _is_sequential(requests)
    if tenant.options.shuffled and not sequential:
        order = Random(json.dumps([each["id"] for each in requests]))  # noqa: S311 (by design)
        requests = order.sample(requests, len(requests))
    answers: dict[str, dict[str, Any]] = {}
    for each in requests:
        failed = [id_ for id_ in each.get("dependsOn", ()) if answers[id_]["status"] >= 400]
        answers[each["id"]] = _failed_dependency() if failed else _carry_out(each)
    return respond(
        {"responses": [{"id": id_, **answer} for id_, answer in answers.items()]}, 200, {}
    )


def _requests() -> list[dict[str, Any]]:
    try:
        content = json.loads(request.get_data())
    except ValueError:
        raise malformed("Unable to read JSON request payload. The payload must be JSON.") from None
    requests = check(content, {"requests": "objects"}, ("requests",), "batch")["requests"]
    if len(requests) > MOST:
        raise malformed(f"Number of batch request steps exceeds the maximum value of {MOST}.")
    if not requests:
        raise malformed("Invalid batch payload format.")
    seen: set[str] = set()
    for each in requests:
        check(each, MEMBERS, ("id", "method", "url"), "batchRequestStep")
        if each["id"].lower() in seen:
            raise malformed(f"Request Id '{each['id']}' has to be unique in a batch.")
        if each["method"] not in METHODS:
            raise malformed(
                f"The method '{each['method']}' of request '{each['id']}' is not valid."
            )
        kinds = {name.lower() for name in each.get("headers") or {}}
        if each.get("body") is not None and "content-type" not in kinds:
            raise malformed(
                "Write request with body must contain the Content-Type header: request"
                f" '{each['id']}'."
            )
        seen.add(each["id"].lower())
    return list(requests)


def _is_sequential(requests: list[dict[str, Any]]) -> bool:
    """Return whether the requests wait for each other; raise 400 where only some of them do."""
    if not any(each.get("dependsOn") for each in requests):
        return False
    for before, each in zip([None, *requests], requests, strict=False):
        wanted = [] if before is None else [before["id"]]
        if list(each.get("dependsOn") or ()) != wanted:
            raise malformed(
                "A batch must be either fully sequential, each request depending on the one before it,"
                " or fully parallel."
            )
    return True


def _carry_out(each: dict[str, Any]) -> dict[str, Any]:
    """Carry out one request as if it had come alone, with the batch's token."""
    url = each["url"]
    body = each.get("body")
    headers = {k: str(v) for k, v in (each.get("headers") or {}).items()}
    headers["Authorization"] = request.headers.get("Authorization", "")
    path = f"{PREFIX}/{url.lstrip('/')}"
    if path.partition("?")[0] == f"{PREFIX}/$batch" or url.startswith("http"):
        answer = refusal(malformed(f"Invalid url '{url[:100]}' in request '{each['id']}'."))
    else:
        data = None if body is None else json.dumps(body)
        with current_app.test_request_context(
            path, base_url=request.host_url, method=each["method"], headers=headers, data=data
        ):
            answer = current_app.full_dispatch_request()
    content = answer.get_data()
    shown: dict[str, Any] = {"status": answer.status_code, "headers": dict(answer.headers)}
    shown["headers"].pop("Content-Length", None)
    if content:
        shown["body"] = json.loads(content)
    return shown


def _failed_dependency() -> dict[str, Any]:
    text = "Failed Dependency: a request that this one depends on has failed."
    answer = refusal(GraphError(424, "FailedDependency", text))
    return {"status": 424, "headers": {}, "body": json.loads(answer.get_data())}
