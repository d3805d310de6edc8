"""PATCH against an independent implementation: the same people, the same operations, the same outcome."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from scim2_models import EnterpriseUser, PatchOp, SCIMException, ScimPolicy, User

from connectors.records import ENTERPRISE
from provisioner.scim.errors import ScimError
from tests.provisioner.scim.patched import after, person

Model = User[EnterpriseUser]
LENIENT = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    remove_value_as_filter=ScimPolicy.RemoveValue.apply,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)
"""The settings under which the other implementation serves the clients that we serve."""

TEXTS = st.sampled_from(["Eva", "Jan", "Clerk", "Sales"])
MAILS = st.sampled_from(["a@example.org", "b@example.org", "c@example.org"])
TYPES = st.sampled_from(["work", "home", "other"])
NAMES = ["givenName", "familyName", "middleName"]
SIMPLE = ["title", "displayName", "nickName", "externalId"]
EXTENDED = ["department", "costCenter", "division"]


def some(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=members)


MAIL = st.fixed_dictionaries({"value": MAILS, "type": TYPES})
ADDRESS = st.fixed_dictionaries(
    {"type": TYPES, "locality": TEXTS}, optional={"country": st.just("CZ"), "region": TEXTS}
)


def distinct_mails(mails: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(each["value"], each["type"]): each for each in mails}.values())


def of_different_types(mails: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({each["type"]: each for each in mails}.values())


MAIL_LISTS = st.lists(MAIL, min_size=1, max_size=3).map(distinct_mails)

PEOPLE = some(
    **dict.fromkeys(SIMPLE, TEXTS),
    name=some(**dict.fromkeys(NAMES, TEXTS)),
    active=st.booleans(),
    emails=st.tuples(MAIL_LISTS.map(of_different_types), st.booleans()).map(
        lambda drawn: [drawn[0][0] | ({"primary": True} if drawn[1] else {}), *drawn[0][1:]]
    ),
    addresses=st.lists(ADDRESS, min_size=1, max_size=2, unique_by=str),
    **{ENTERPRISE: some(**dict.fromkeys(EXTENDED, TEXTS))},
).map(lambda attributes: person(**attributes))

WRITES = st.sampled_from(["add", "replace", "Add", "Replace"])


def writes(path: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"op": WRITES, "path": st.just(path), "value": values})


def removes(path: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"op": st.sampled_from(["remove", "Remove"]), "path": st.just(path)}
    )


def brackets(attribute: str) -> list[str]:
    found = [f'{attribute}[type eq "{each}"]' for each in ("work", "home", "other")]
    return [*found, f'{attribute}[type eq "work" and primary eq true]', f"{attribute}[type pr]"]


PATHLESS = some(
    **dict.fromkeys(SIMPLE, TEXTS),
    **{f"name.{each}": TEXTS for each in NAMES},
    **{f"{ENTERPRISE}:{each}": TEXTS for each in EXTENDED},
    **{ENTERPRISE: some(**dict.fromkeys(EXTENDED, TEXTS))},
    name=some(**dict.fromkeys(NAMES, TEXTS)),
    active=st.booleans(),
    emails=MAIL_LISTS,
).filter(bool)

OPERATIONS = st.one_of(
    st.sampled_from([*SIMPLE, *(f"name.{each}" for each in NAMES)]).flatmap(
        lambda path: writes(path, TEXTS) | removes(path)
    ),
    st.sampled_from([f"{ENTERPRISE}:{each}" for each in EXTENDED]).flatmap(
        lambda path: writes(path, TEXTS) | removes(path)
    ),
    writes("active", st.booleans()),
    writes("name", some(**dict.fromkeys(NAMES, TEXTS)).filter(bool)),
    st.sampled_from(["name", "emails", "addresses", ENTERPRISE, "userName"]).flatmap(removes),
    writes("emails", MAIL_LISTS),
    st.fixed_dictionaries(
        {"op": st.just("Remove"), "path": st.just("emails"), "value": st.lists(some(value=MAILS).filter(bool), min_size=1, max_size=2)}
    ),
    st.sampled_from(brackets("emails")).flatmap(
        lambda path: writes(f"{path}.value", MAILS)
        | writes(path, st.fixed_dictionaries({"value": MAILS}))
        | removes(path)
    ),
    st.sampled_from(brackets("addresses")).flatmap(
        lambda path: writes(f"{path}.locality", TEXTS)
        | writes(f"{path}.region", TEXTS)
        | removes(path)
        | removes(f"{path}.region")
    ),
    st.fixed_dictionaries({"op": WRITES, "value": PATHLESS}),
)  # fmt: skip


PRIMARY = st.sampled_from(brackets("emails")[:3]).flatmap(
    lambda path: writes(f"{path}.primary", st.just(True))
)
"""Comes first or not at all, while each type is there once: two that are marked at once are settled
otherwise here (one of them that is primary stays so)."""

SEQUENCES = st.tuples(
    st.lists(PRIMARY, max_size=1), st.lists(OPERATIONS, min_size=1, max_size=4)
).map(lambda drawn: [*drawn[0], *drawn[1]])


def theirs(resource: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return what the other implementation makes of it; None if it refuses."""
    model = Model.model_validate(resource)
    try:
        patch = PatchOp[Model].model_validate({"Operations": operations}, scim_policy=LENIENT)
        patch.patch(model, scim_policy=LENIENT)
    except (SCIMException, ValueError):
        return None
    return model.model_dump(scim_policy=LENIENT)


def ours(resource: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any] | None:
    try:
        patched: dict[str, Any] = after(resource, *operations)
    except ScimError:
        return None
    return patched


def comparable(resource: dict[str, Any] | None) -> Any:
    """Leave out what either may write differently without meaning anything else.

    That is the order of values, `primary: false`, what says only its type, empty objects, and whether
    what is said of one value and type stands in one object or in two (RFC 7643 section 2.4).
    """
    if resource is None:
        return None
    shown: dict[str, Any] = {"active": resource.get("active")}
    for name, value in resource.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            shown[name] = _values(value)
        elif value and name != "schemas":
            shown[name] = value
    return {name: value for name, value in shown.items() if value != [] or name == "active"}


def _values(values: list[dict[str, Any]]) -> list[str]:
    kept: dict[Any, dict[str, Any]] = {}
    for number, each in enumerate(values):
        said = {k: v for k, v in each.items() if v is not False and v is not None}
        if said.keys() - {"type", "primary"}:
            key = (said["value"], said.get("type")) if "value" in said else number
            kept[key] = kept.get(key, {}) | said
    return sorted({str(sorted(each.items())) for each in kept.values()})


@given(PEOPLE, SEQUENCES)
@settings(max_examples=500, deadline=None)
def test_an_independent_implementation_comes_to_the_same(
    resource: dict[str, Any], operations: list[dict[str, Any]]
) -> None:
    assert comparable(ours(resource, operations)) == comparable(theirs(resource, operations))
