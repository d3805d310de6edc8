"""What the receiver tells of itself: to anybody what it can do, to clients its schemas and resource types."""

from __future__ import annotations

from werkzeug import Request

from provisioner.scim.errors import ScimError
from provisioner.store.direct import Direct
from tests.provisioner.scim.http_client import BASE, GROUP, USER, Provider, application


def test_a_service_provider_config_needs_no_token_and_tells_nothing_of_syncs(
    store: Direct, sync: str
) -> None:
    def nobody(request: Request, sync: str | None) -> None:
        raise ScimError(401, "who are you?")

    client = application(store, sync, default=sync, admit=nobody).test_client()
    real = Provider(client, f"/scim/{sync}/v2").get("/ServiceProviderConfig")
    unknown = Provider(client, "/scim/nope/v2").get("/ServiceProviderConfig")

    assert real.status == unknown.status == 200
    assert real.text.replace(sync, "nope") == unknown.text
    assert {
        name: real.body[name].get("supported", real.body[name])
        for name in ("patch", "bulk", "filter", "sort", "etag", "changePassword")
    } == {
        "patch": True,
        "bulk": True,
        "filter": True,
        "sort": True,
        "etag": True,
        "changePassword": False,
    }
    assert real.body["pagination"]["cursor"] is True
    assert [each["type"] for each in real.body["authenticationSchemes"]] == [
        "oauthbearertoken",
        "oauth2",
    ]


def test_schemas_and_resource_types_are_listed_and_found_by_id(push: Provider) -> None:
    schemas, types = push.get("/Schemas"), push.get("/ResourceTypes")

    assert {USER, GROUP} <= set(schemas.ids)
    assert types.ids == ["User", "Group"]
    for id in schemas.ids:
        found = push.get(f"/Schemas/{id}")
        assert found.status == 200
        assert found.body["meta"]["location"] == f"{BASE}/Schemas/{id}"
        assert found.body in schemas.body["Resources"]
    assert push.get("/ResourceTypes/User").body["endpoint"] == "/Users"
    assert push.get("/Schemas/urn:nope").error == (404, None)
    assert push.get("/Schemas?filter=id%20pr").error == (403, None)
