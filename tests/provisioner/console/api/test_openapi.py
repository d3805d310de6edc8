"""The OpenAPI document: valid, complete, and made from what is."""

from __future__ import annotations

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from provisioner.console.api.handlers import ROUTES
from provisioner.console.api.openapi import document_of
from provisioner.console.api.routes import Route
from provisioner.console.api.structs import schemas_of
from provisioner.plan.explanation import Explanation
from provisioner.plan.model import Plan

DOCUMENT = document_of(ROUTES.listed, named=True)


@pytest.mark.parametrize("named", [True, False])
def test_the_document_is_valid(named: bool) -> None:
    document = document_of(ROUTES.listed, named=named)

    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_who_does_something_says_their_name_where_nobody_signs_in() -> None:
    nobody = document_of(ROUTES.listed, named=False)["components"]["schemas"]
    somebody = DOCUMENT["components"]["schemas"]

    for schema in ("Act", "DecisionAsked", "ApplyAsked", "DoneAsked", "ReleaseAsked"):
        assert "by" in nobody[schema]["required"]
        assert "by" not in somebody[schema].get("required", [])


@pytest.mark.parametrize("route", ROUTES.listed, ids=lambda route: route.name)
def test_every_route_says_what_it_takes_and_gives(route: Route) -> None:
    operation = DOCUMENT["paths"][route.path][route.method]

    assert operation["operationId"] == route.name
    assert operation["summary"]
    in_path = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", route.path))
    assert ("requestBody" in operation) == (route.method == "post")
    assert str(route.status) in operation["responses"]


def test_no_two_operations_have_one_name() -> None:
    names = [route.name for route in ROUTES.listed]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("struct", [Plan, Explanation])
def test_a_document_of_the_program_has_the_members_that_its_type_has(struct: type) -> None:
    schema = schemas_of(struct)[struct.__name__]

    assert set(schema["properties"]) == set(struct.__struct_encode_fields__)  # type: ignore[attr-defined]
