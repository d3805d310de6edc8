"""What is sent to Microsoft Graph, and what it answers, held against its own OpenAPI file.

Without VENDOR_SPECS nothing is held against anything, and nothing is found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.vendor_specs import Mismatch, load

KEY = re.compile(r"\('([^'(),=]+)'\)$")
"""A key in parentheses is the same as one behind a slash (OData 4.01, URL Conventions 4.3.6)."""


def plain(path: str) -> str:
    """Return a path below the service as the file writes it."""
    return KEY.sub(r"/\1", "/" + path.removeprefix("/v1.0").removeprefix("/"))


def wrong(
    method: str, path: str, query: Mapping[str, str], body: Any, status: int, answer: Any
) -> list[str]:
    """Return what of one call isn't as the file says; a batch's requests are judged one by one."""
    spec = load("graph")
    if spec is None:
        return []
    faults = []
    path = plain(path)
    try:
        spec.check(method, path, query=query, body=body, status=status, answer=answer)
    except Mismatch as mismatch:
        faults.append(str(mismatch))
    if path == "/$batch" and status == 200:
        answers = {each["id"]: each for each in answer["responses"]}
        for item in body["requests"]:
            if (told := answers.get(item["id"])) is None:
                continue
            url = urlsplit(item["url"])
            faults += wrong(
                item["method"],
                unquote(url.path),
                dict(parse_qsl(url.query)),
                item.get("body"),
                told["status"],
                told.get("body"),
            )
    return faults


def wrong_in(calls: Any, base: str) -> list[str]:
    """Return the same of the calls that `responses` has recorded, below the API's address `base`."""
    faults = []
    for call in calls:
        if call.request.url.startswith(base) and hasattr(call.response, "status_code"):
            url = urlsplit(call.request.url.removeprefix(base))
            body = json.loads(call.request.body) if call.request.body else None
            answer = json.loads(call.response.content) if call.response.content else None
            status = call.response.status_code
            query = dict(parse_qsl(url.query))
            faults += wrong(call.request.method, unquote(url.path), query, body, status, answer)
    return faults
