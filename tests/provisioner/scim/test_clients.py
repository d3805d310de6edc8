"""How real clients write their requests, each as its vendor documents it or its users reported it.

Microsoft Entra ID:
  [entra] "Develop and plan provisioning for a SCIM endpoint in Microsoft Entra ID"
  [flags] "Known issues and resolutions with SCIM 2.0 protocol compliance of the Microsoft Entra user
          provisioning service", "Flags to alter the SCIM behavior"
  [roles] "Customize user provisioning attribute-mappings for SaaS applications in Microsoft Entra ID"
Okta:
  [okta]  "Okta and SCIM Version 2.0"
Zoom:
  [zoom]  "SCIM2", Create a user; Zoom Support KB0070135, "SCIM attributes for provisioning phone users"
Others stand beside their cases.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.records import ENTERPRISE
from connectors.scim_phone import PHONE, ZOOM, ZOOM_READ
from provisioner.scim.errors import ScimError
from provisioner.scim.incoming import read_resource
from provisioner.scim.membership import Add, Remove, RemoveAll, Replace, member_changes
from provisioner.scim.operations import parse_operations
from tests.provisioner.scim.patched import REGISTRY, STRICT, after, eva, of_group, op, person

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def created(body: dict[str, Any]) -> dict[str, Any]:
    return read_resource(body, REGISTRY.user, REGISTRY)


def test_entra_creates_a_user_with_meta_and_a_blank_list_of_roles() -> None:
    """[entra] "Create User"."""
    body = {
        "schemas": [USER, ENTERPRISE],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "Test_User_ab6490ee-1e48-479e-a20b-2d77186b5dd1",
        "active": True,
        "emails": [{"primary": True, "type": "work", "value": "Test_User_fd0ea19b@testuser.com"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "givenName familyName", "familyName": "familyName", "givenName": "g"},
        "roles": [],
    }

    resource = created(body)

    assert resource == {k: v for k, v in body.items() if k not in ("meta", "roles")} | {
        "schemas": [USER]
    }


@pytest.mark.parametrize("text", ["True", "true", "TRUE", " True "])
def test_entra_sends_booleans_as_text(text: str) -> None:
    """AzureAD/SCIMReferenceCode issue 21, whose request has no `schemas` either."""
    assert created({"userName": "emp1", "active": text})["active"] is True
    assert after(person(active=False), op("Replace", "active", text))["active"] is True


def test_entra_deactivates_by_text() -> None:
    """[flags]; scimmyjs/scimmy issue 86."""
    assert after(eva(), op("Replace", "active", "False"))["active"] is False


def test_entra_patches_without_a_path_by_names_with_dots_and_urns() -> None:
    """[flags], "aadOptscim062020"; Captain-P-Goldfish/SCIM-SDK issue 267, pingidentity/scim2 issue 224."""
    resource = after(
        eva(),
        op(
            "replace",
            None,
            {
                "displayName": "Bjfe",
                "name.givenName": "Kkom",
                "name.familyName": "Unua",
                f"{ENTERPRISE}:employeeNumber": "Aklq",
                'emails[type eq "work"].value': "kkom@example.org",
                f"{ENTERPRISE}:manager": "jan",
            },
        ),
    )

    assert resource["name"] == {"givenName": "Kkom", "familyName": "Unua"}
    assert "name.givenName" not in resource
    assert resource["emails"][0] == {"value": "kkom@example.org", "type": "work", "primary": True}
    assert resource[ENTERPRISE]["employeeNumber"] == "Aklq"


def test_entras_validator_adds_whole_addresses_bit_by_bit() -> None:
    """Captain-P-Goldfish/SCIM-SDK issue 416; thomaspoignant/scim-patch issue 187."""
    resource = after(
        person(),
        op("add", 'emails[type eq "work"].value', "godfrey@example.org"),
        op("add", 'emails[type eq "work"].primary', True),
        op("add", 'addresses[type eq "work"].country', "Czechia"),
        op("add", 'addresses[type eq "work"].postalCode', "60200"),
        op("add", 'phoneNumbers[type eq "mobile"].value', "+420 555"),
    )

    assert resource["emails"] == [{"type": "work", "value": "godfrey@example.org", "primary": True}]
    assert resource["addresses"] == [{"type": "work", "country": "Czechia", "postalCode": "60200"}]
    assert resource["phoneNumbers"] == [{"type": "mobile", "value": "+420 555"}]


def test_entra_replaces_what_is_not_there() -> None:
    """limosa-io/laravel-scim-server issue 34; sourcegraph/sourcegraph pull request 49200."""
    resource = after(person(), op("Replace", 'addresses[type eq "work"].formatted', "18/2111"))

    assert resource["addresses"] == [{"type": "work", "formatted": "18/2111"}]


@pytest.mark.parametrize(
    "manager", ["jan", {"value": "jan"}, [{"$ref": None, "value": "jan"}], {"managerId": "jan"}]
)
@pytest.mark.parametrize("kind", ["Add", "Replace"])
def test_entra_sends_a_manager_as_text_or_object(manager: Any, kind: str) -> None:
    """Captain-P-Goldfish/SCIM-SDK issue 686; apache/directory-scimple issue 1242."""
    path = f"{ENTERPRISE}:manager"

    assert after(person(), op(kind, path, manager))[ENTERPRISE] == {"manager": {"value": "jan"}}
    assert created({"userName": "eva", ENTERPRISE: {"manager": manager}})[ENTERPRISE] == {
        "manager": {"value": "jan"}
    }


@pytest.mark.parametrize("nobody", ["", None, {"value": ""}, {"value": None}, {}])
def test_a_manager_is_cleared_by_blank_and_null(nobody: Any) -> None:
    """Captain-P-Goldfish/SCIM-SDK pull request 653."""
    assert "manager" not in created({"userName": "e", ENTERPRISE: {"manager": nobody}}).get(
        ENTERPRISE, {}
    )
    resource = after(eva(), op("Replace", f"{ENTERPRISE}:manager", nobody))
    assert resource[ENTERPRISE] == (
        {"department": "Sales", "manager": {"value": "jan"}}
        if nobody == {}  # says nothing of anything
        else {"department": "Sales"}
    )


ROLE = '{"id":"06b07648-ecfe-589f-9d2f-6325724a46ee","value":"25","displayName":"Role1234"}'


@pytest.mark.parametrize("roles", [[{"value": ROLE}], [ROLE], {"value": ROLE}, ROLE])
def test_entra_adds_roles_as_json_text(roles: Any) -> None:
    """[roles] "AppRoleAssignments", example output of PATCH."""
    role = {"value": "25", "display": "Role1234"}

    added = after(person(), op("Add", "roles", roles))

    assert added["roles"] == [role]
    assert after(added, op("Add", "roles", roles)) == added
    assert "roles" not in after(added, op("Remove", "roles", roles))


@pytest.mark.parametrize(
    "value", [[ROLE], [{"value": ROLE}], json.dumps({"value": ROLE, "displayName": "Outer"})]
)
@pytest.mark.parametrize("name", ["value", "Value"])
def test_a_role_told_by_json_text_is_kept_as_it_is_read_again(name: str, value: Any) -> None:
    added = after(person(), op("add", "roles", [{name: value}]))

    assert added["roles"][0]["value"] == "25"
    assert after(added, op("replace", "roles", added["roles"])) == added


def test_entra_adds_by_json_text_the_role_that_it_created_as_an_object() -> None:
    """[roles] POST has the type, PATCH has not."""
    role = {"primary": False, "type": "WindowsAzureActiveDirectoryRole", "value": "25"}
    before = person(roles=[role | {"display": "Role1234"}])

    assert after(before, op("Add", "roles", [{"value": ROLE}])) == before


def test_entra_sets_the_one_role_by_its_being_primary() -> None:
    """[roles] "SingleAppRoleAssignment"."""
    resource = after(person(), op("Add", 'roles[primary eq "True"].value', "Admin"))

    assert resource["roles"] == [{"primary": True, "value": "Admin"}]


def test_entra_of_2018_wraps_single_values() -> None:
    """[flags], behavior of the customappsso job."""
    before = person(externalId="old", displayName="Old")

    resource = after(
        before,
        op("Replace", "externalId", [{"$ref": None, "value": "new"}]),
        op("Add", "displayName", [{"value": "New"}]),
    )

    assert (resource["externalId"], resource["displayName"]) == ("new", "New")


@pytest.mark.parametrize("value", ["eva@new.example", {"value": "eva@new.example"}])
def test_a_mail_that_brackets_choose_may_be_plain_text(value: Any) -> None:
    """grokability/snipe-it pull request 19183."""
    resource = after(eva(), op("Replace", 'emails[type eq "work"]', value))

    assert resource["emails"][0] == {"value": "eva@new.example", "type": "work", "primary": True}


@pytest.mark.parametrize(
    "removal",
    [
        op("Remove", "members", [{"$ref": None, "value": "f648f8d5ea4e4cd38e9c"}]),
        op("Remove", "members", [{"value": "f648f8d5ea4e4cd38e9c"}]),
        op("remove", "members", {"value": "f648f8d5ea4e4cd38e9c"}),
        op("remove", 'members[value eq "f648f8d5ea4e4cd38e9c"]'),
    ],
)
def test_a_member_is_removed_by_value_or_filter(removal: Any) -> None:
    """[entra] "Update Group [Remove Members]"; MicrosoftDocs/azure-docs issue 30826; RFC 7644 section
    3.5.2.2. JumpCloud writes it as Entra does (Unimoni, "SSO setup: JumpCloud")."""
    assert of_group(removal).steps == [Remove(("f648f8d5ea4e4cd38e9c",))]


def test_okta_creates_a_user_with_groups_and_a_password() -> None:
    """[okta] "Create the User"."""
    body = {
        "schemas": [USER],
        "userName": "test.user@okta.local",
        "name": {"givenName": "Test", "familyName": "User"},
        "emails": [{"primary": True, "value": "test.user@okta.local", "type": "work"}],
        "displayName": "Test User",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": True,
    }

    resource = created(body)

    assert resource == {k: v for k, v in body.items() if k not in ("groups", "password")}
    assert "1mz050nq" not in repr(resource)


def test_okta_deactivates_without_a_path() -> None:
    """[okta] "Delete Users"; getsentry/sentry pull request 27199."""
    assert after(eva(), op("replace", None, {"active": False}))["active"] is False


def test_okta_changes_memberships_and_names_of_groups() -> None:
    """[okta] "Update a specific Group name", "Update specific Group membership"."""
    renamed = of_group(op("replace", None, {"id": "abf4dd94", "displayName": "Test SCIMv2"}))
    changed = of_group(
        op("remove", 'members[value eq "89bb1940"]'),
        op("add", "members", [{"value": "23a35c27", "display": "test.user@okta.local"}]),
    )

    assert [each.value for each in renamed.document_operations] == ["abf4dd94", "Test SCIMv2"]
    assert changed.steps == [Remove(("89bb1940",)), Add(("23a35c27",))]


def test_okta_pushes_an_empty_group() -> None:
    """Captain-P-Goldfish/SCIM-SDK issue 757."""
    assert of_group(op("replace", "members", [])).steps == [RemoveAll()]


def test_a_nightly_job_replaces_members_by_bare_ids() -> None:
    """indigo-iam/iam issue 934, whose `operations` has no capital either."""
    body = {"operations": [op("replace", "members", ["a", "b"])]}

    read = parse_operations(body, REGISTRY.group, REGISTRY)
    assert member_changes(read).steps == [Replace(("a", "b"))]


@pytest.mark.parametrize("urn", ["urn:scim:schemas:core:1.0", "urn:scim:schemas:core:1.0:User"])
def test_ping_and_other_clients_of_scim_1_name_its_schemas(urn: str) -> None:
    """Ping Identity, "SCIM provisioning features": 1.1 and 2.0; SCIM 1.1 core schema, sections 5 and 7."""
    enterprise = "urn:scim:schemas:extension:enterprise:1.0"
    body = {
        "schemas": [urn, enterprise],
        "userName": "eva",
        enterprise: {"department": "Sales", "manager": {"managerId": "jan", "displayName": "Jan"}},
    }

    assert created(body) == {
        "schemas": [USER, ENTERPRISE],
        "userName": "eva",
        ENTERPRISE: {"department": "Sales", "manager": {"value": "jan"}},
    }


def test_an_older_job_of_entra_names_microsofts_own_schema_of_users() -> None:
    """simstudioai/sim pull request 7567, beside the like-named one of groups."""
    own = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/User"

    assert created({"schemas": [USER, own], "userName": "eva"}) == {
        "schemas": [USER],
        "userName": "eva",
    }


def test_mails_may_come_as_bare_texts_among_objects() -> None:
    """wso2/product-is issue 21040: what its outbound provisioning is given and passes on."""
    mails = ["one@example.org", {"type": "work", "value": "two@example.org"}]

    assert created({"userName": "user1", "emails": mails})["emails"] == [
        {"value": "one@example.org"},
        {"type": "work", "value": "two@example.org"},
    ]


def test_one_mail_may_come_as_an_object() -> None:
    mail = {"value": "eva@example.org", "type": "work", "primary": "True"}

    assert created({"userName": "eva", "emails": mail})["emails"] == [mail | {"primary": True}]
    assert after(person(), op("add", "emails", mail))["emails"] == [mail | {"primary": True}]


def test_a_connector_that_was_set_up_for_zoom_says_the_same_to_us() -> None:
    """[zoom]"""
    phone = {
        "zoomPhoneExtNumber": 0,  # a number in Okta's profile, text in Zoom's documentation
        "zoomPhoneSite": "main",
        "zoomPhoneCallingPlan": "3000",
        "zoomPhoneNumber": "5550100",
    }
    kept = phone | {"zoomPhoneExtNumber": "0"}

    for urn in (ZOOM, ZOOM_READ, ZOOM.upper()):
        resource = created({"schemas": [USER, urn], "userName": "eva@example.org", urn: phone})
        assert resource[ZOOM] == kept
        assert resource["schemas"] == [USER, ZOOM]
        moved = after(resource, op("replace", f"{urn}:zoomPhoneSite", "Brno"))
        assert moved[ZOOM]["zoomPhoneSite"] == "Brno"


def test_the_phone_extension_takes_every_entitlement() -> None:
    phone = {
        "license": "zoom_phone",
        "packages": ["UK Metered", "US/CA Unlimited Calling Plan"],
        "site": "Brno",
        "template": "Office",
        "extension": 4077,
        "number": "+420555100200",
        "delegates": ["jan@example.org"],
        "delegatePrivileges": ["place_calls"],
        "credits": "True",
        "softphone": "PC-17",
    }

    resource = created({"userName": "eva", PHONE: phone})

    assert resource[PHONE] == phone | {"extension": "4077", "credits": True}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"active": "maybe"}, "active"),
        ({"active": 1}, "active"),
        ({"title": 5}, "title"),
        ({"title": {"value": "x"}}, "title"),
        ({"title": ["a", "b"]}, "title"),
        ({"name": "Eva"}, "name"),
        ({"name": {"givenName": ["a", "b"]}}, "name.givenName"),
        ({"emails": "eva@example.org"}, "emails"),
        ({"phoneNumbers": ["+420"]}, "phoneNumbers"),
        ({"emails": [{"value": "a"}, {"value": "b", "primary": "x"}]}, "emails.primary"),
        ({"x509Certificates": [{"value": "not base64!"}]}, "x509Certificates.value"),
        ({ENTERPRISE: "Sales"}, ENTERPRISE),
        ({ENTERPRISE: {"department": ["a", "b"]}}, f"{ENTERPRISE}:department"),
        ({PHONE: {"credits": "perhaps"}}, f"{PHONE}:credits"),
        ({"displayName": "\ud800"}, "displayName"),
        ({"displayName": "a\x00b"}, "displayName"),
        ({"displayName": "x" * 513}, "displayName"),
        ({"nickName": "x" * 70_000}, "nickName"),
        ({"emails": [{"value": str(n)} for n in range(501)]}, "emails"),
    ],
)
def test_what_no_client_needs_is_refused_by_the_name_of_its_attribute(body: Any, path: str) -> None:
    with pytest.raises(ScimError) as refused:
        created({"userName": "eva", **body})

    assert (refused.value.status, refused.value.scim_type) == (400, "invalidValue")
    assert refused.value.detail.startswith(f"{path}:")


def test_entra_names_a_second_schema_of_groups() -> None:
    """[entra] "Create Group"."""
    second = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"
    body = {
        "schemas": [GROUP, second],
        "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159",
        "displayName": "displayName",
        "meta": {"resourceType": "Group"},
    }

    for registry in (REGISTRY, STRICT):
        resource = read_resource(body, registry.group, registry)
        assert resource == {k: v for k, v in body.items() if k != "meta"} | {"schemas": [GROUP]}


@pytest.mark.parametrize("kind", ["Add", "Replace"])
def test_entra_of_2018_puts_a_dot_after_the_urn(kind: str) -> None:
    """[flags], "Extension attributes use dot notation before attribute names"."""
    resource = after(eva(), op(kind, f"{ENTERPRISE}.department", "Ops"))

    assert resource[ENTERPRISE]["department"] == "Ops"
    assert created({"userName": "eva", f"{ENTERPRISE}.division": "x"})[ENTERPRISE] == {
        "division": "x"
    }


def test_groups_schemas_may_be_written_as_in_scim_1() -> None:
    body = {"schemas": ["urn:scim:schemas:core:1.0"], "displayName": "Sales", "members": ["a"]}

    assert read_resource(body, REGISTRY.group, REGISTRY) == {
        "schemas": [GROUP],
        "displayName": "Sales",
        "members": [{"value": "a"}],
    }
