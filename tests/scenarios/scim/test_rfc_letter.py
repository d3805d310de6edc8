"""What the RFCs' letter has beside their spirit: small print and examples, each cited by its section."""

from __future__ import annotations

from tests.scenarios.scim.provider import Provider


def test_3_5_2_2_a_member_is_removed_by_a_path_without_a_blank(provider: Provider) -> None:
    """The example that removes one member and adds another writes `members[value eq"2819c223…"]`."""
    eva, jan = provider.user("eva")["id"], provider.user("jan")["id"]
    sales = f"/Groups/{provider.group('Sales', eva)['id']}"

    changed = provider.patch(
        sales,
        {"op": "remove", "path": f'members[value eq"{eva}"]'},
        {"op": "add", "path": "members", "value": [{"value": jan}]},
    )

    assert (changed.status, provider.members(sales)) == (204, {jan})
    assert [each["id"] for each in provider.find("Users", 'userName eq"eva"')] == [eva]


def test_3_7_4_which_limit_was_exceeded_is_told(provider: Provider) -> None:
    most = provider.done(200, "GET", "/ServiceProviderConfig")["bulk"]["maxPayloadSize"]

    for path in ("/Bulk", "/Users"):
        refused = provider("POST", path, b'{"userName": "%s"}' % (b"x" * most))
        assert refused.error == (413, None)
        assert f"{most} bytes, the maxPayloadSize" in refused.body["detail"]


def test_3_8_an_address_may_name_the_format(provider: Provider) -> None:
    path = f"/Users/{provider.user('eva')['id']}"

    assert provider("GET", f"{path}.scim").body == provider("GET", path).body
    assert (
        provider.patch(f"{path}.scim", {"op": "add", "path": "title", "value": "x"}).status == 200
    )
    assert provider("DELETE", f"{path}.scim").status == 204
    assert provider("GET", f"{path}.scim").error == (404, None)


def test_7643_2_4_no_value_is_there_twice_under_one_type(provider: Provider) -> None:
    mails = [
        {"value": "eva@example.org", "type": "work"},
        {"value": "eva@example.org", "type": "home"},
        {"value": "eva@example.org", "type": "work", "primary": True},
    ]
    merged = [mails[2], mails[1]]

    eva = provider.user("eva", emails=mails)
    path = f"/Users/{eva['id']}"
    assert eva["emails"] == merged
    assert provider.done(200, "PUT", path, eva | {"emails": mails})["emails"] == merged
    replaced = provider.patch(path, {"op": "replace", "path": "emails", "value": mails})
    assert replaced.body == eva


def test_3_13_another_version_of_the_protocol_is_refused_as_that(provider: Provider) -> None:
    path = provider.url.removesuffix("/v2")
    for version in ("v1", "v1.1", "v3"):
        other = Provider(f"{path}/{version}", None)
        assert other("GET", "/Users").error == (401, None)
        other.session.headers["Authorization"] = provider.session.headers["Authorization"]
        for method, rest in (("GET", "/Users"), ("POST", "/Users"), ("DELETE", "/Groups/x")):
            assert other(method, rest, {}).error == (400, "invalidVers")


def test_3_5_2_2_what_a_resource_must_have_cannot_be_removed(provider: Provider) -> None:
    eva = provider.user("eva")

    for name in ("schemas", "userName", "id", "meta"):
        removed = provider.patch(f"/Users/{eva['id']}", {"op": "remove", "path": name})
        assert removed.error == (400, "mutability")
    assert provider.done(200, "GET", f"/Users/{eva['id']}") == eva
