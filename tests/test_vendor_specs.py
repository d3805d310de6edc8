"""The judge of requests and answers must itself see faults, or it proves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vendor_specs import Mismatch, Spec

DOCUMENT: dict[str, Any] = {
    "paths": {
        "/phone/users/{userId}/calling_plans": {
            "post": {
                "parameters": [{"name": "full", "in": "query", "schema": {"type": "boolean"}}],
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["type"],
                                "properties": {"type": {"type": "integer"}},
                            }
                        }
                    }
                },
                "responses": {
                    "200": {"description": "assigned"},
                    "404": {
                        "content": {
                            "application/json": {
                                "schema": {"$ref": "#/components/schemas/ZoomError"}
                            }
                        }
                    },
                },
            }
        },
        "/users/{userId}": {"get": {"responses": {"200": {"description": "a user"}}}},
        "/users/summary": {
            "get": {
                "responses": {
                    "200": {
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "properties": {"count": {"type": "integer"}},
                                }
                            }
                        }
                    }
                }
            }
        },
    },
    "components": {
        "schemas": {
            "ZoomError": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {"code": {"type": "integer"}, "message": {"type": "string"}},
            }
        }
    },
}
PATH = "/phone/users/u1/calling_plans"


@pytest.fixture
def spec() -> Spec:
    import copy

    # no GET /phone/users/{userId} here, so the deviation of that answer has nothing to work on
    return Spec("zoom", copy.deepcopy(DOCUMENT))


def test_a_call_as_the_file_says_passes(spec: Spec) -> None:
    spec.check("POST", PATH, query={"full": "true"}, body={"type": 200}, status=200)


def test_the_named_deviation_of_201_for_200_passes(spec: Spec) -> None:
    spec.check("POST", PATH, body={"type": 200}, status=201)


@pytest.mark.parametrize(
    "call",
    [
        {"method": "PUT", "path": PATH, "status": 200},
        {"method": "POST", "path": "/phone/nobody", "status": 200},
        {"method": "POST", "path": PATH, "body": {"type": "200"}, "status": 200},
        {"method": "POST", "path": PATH, "body": {}, "status": 200},
        {"method": "POST", "path": PATH, "body": {"type": 1, "more": 1}, "status": 200},
        {"method": "POST", "path": PATH, "query": {"colour": "red"}, "status": 200},
        {"method": "POST", "path": PATH, "query": {"full": "yes"}, "status": 200},
        {"method": "POST", "path": PATH, "status": 202},
        {"method": "POST", "path": PATH, "status": 200, "answer": {}},
        {"method": "POST", "path": PATH, "status": 404},
        {"method": "POST", "path": PATH, "status": 404, "answer": {"code": 1001}},
        {"method": "POST", "path": PATH, "status": 401, "answer": {"code": "124", "message": ""}},
        {"method": "GET", "path": "/users/summary", "status": 200, "answer": {"total": 1}},
    ],
    ids=str,
)
def test_a_fault_in_request_or_answer_is_a_mismatch(spec: Spec, call: dict[str, Any]) -> None:
    with pytest.raises(Mismatch):
        spec.check(**call)


def test_a_refused_request_may_hold_anything(spec: Spec) -> None:
    answer = {"code": 1001, "message": "User does not exist."}

    spec.check("POST", PATH, body={"nonsense": True}, status=404, answer=answer)


def test_a_literal_path_is_matched_before_a_parameter(spec: Spec) -> None:
    assert spec.operation("GET", "/users/summary")[0] == "/users/summary"
    assert spec.operation("GET", "/users/u1")[0] == "/users/{userId}"
