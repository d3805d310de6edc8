"""The ceiling: a bare Flask app that answers a user without a store, a token or a look at what came.

An id is the userName in hexadecimal, so that a GET can say whose it is.
"""

from __future__ import annotations

import json

from flask import Flask, Response, request

app = Flask(__name__)
SHAPE = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "externalId": "ext-u00000000n000001",
    "name": {"givenName": "Given1", "familyName": "Family1"},
    "displayName": "Given1 Family1",
    "active": True,
    "emails": [{"value": "u00000000n000001@bench.example", "type": "work", "primary": True}],
    "phoneNumbers": [{"value": "+49300000001", "type": "work"}],
    "meta": {
        "resourceType": "User",
        "created": "2026-01-01T00:00:00.000Z",
        "lastModified": "2026-01-01T00:00:00.000Z",
        "location": "http://127.0.0.1:8080/scim/v2/Users/0",
        "version": 'W/"1"',
    },
}


def _answer(name: str, status: int) -> Response:
    body = json.dumps({"id": name.encode().hex(), "userName": name, **SHAPE})
    return Response(body, status, content_type="application/scim+json")


@app.get("/scim/v2/Users/<id>")
def read(id: str) -> Response:
    """Answer the user that an id names."""
    return _answer(bytes.fromhex(id).decode(), 200)


@app.post("/scim/v2/Users")
def create() -> Response:
    """Answer the user that was sent."""
    return _answer(request.get_json(force=True)["userName"], 201)
