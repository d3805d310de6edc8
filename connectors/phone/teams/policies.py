"""Templates: the policies that a user of Teams is given, under one name.

Config names templates and the policy that each gives of a type (calling, voice routing, caller id
…). A template says all of it: a type that another template names, and this one doesn't, is left to
the group or the organisation. A name that config doesn't have is that of a calling policy. What is
effective is read back, so a template is known by what a user has.
Source: Microsoft Graph, "teamsPolicyUserAssignment: assign", effectivePolicyAssignment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from connectors.errors import PersonError
from connectors.phone.teams.answers import Refused
from connectors.phone.teams.api import Api, segment
from connectors.records import fold

CALLING_POLICY = "TeamsCallingPolicy"
ORGANISATION = "global"
ASSIGN = "/admin/teams/policy/userAssignments/assign"
UNASSIGN = "/admin/teams/policy/userAssignments/unassign"


class Policy(NamedTuple):
    """A policy that is effective for a user: its name, whether it is their own, its type."""

    name: str
    direct: bool
    type: str = ""


class Templates:
    """The templates of config: by name, the policy of each type."""

    def __init__(self, templates: Mapping[str, Mapping[str, str]]) -> None:
        self._templates = {name: dict(policies) for name, policies in templates.items()}
        self._types = {fold(t): t for policies in templates.values() for t in policies}
        self._types.setdefault(fold(CALLING_POLICY), CALLING_POLICY)

    @property
    def types(self) -> tuple[str, ...]:
        """Every type of policy that some template names, as config spells it."""
        return tuple(self._types.values())

    def named(self, effective: Mapping[str, Policy]) -> str | None:
        """Return the template that a user has by what is effective, None for the organisation's own.

        `effective`: by folded type the policy.

        >>> Templates({}).named({"teamscallingpolicy": Policy("Office", True)})
        'Office'
        """
        for name, policies in self._templates.items():
            if self._has(policies, effective):
                return name
        policy = effective.get(fold(CALLING_POLICY), Policy("", False)).name
        own = [t for t, each in effective.items() if each.direct and t in self._types]
        if policy and fold(policy) != ORGANISATION and {*own} <= {fold(CALLING_POLICY)}:
            return policy
        return " + ".join(sorted(effective[t].name for t in own)) or None

    def policies(self, name: str | None) -> dict[str, str | None]:
        """Return for every type the policy that a template gives, None where it gives none."""
        given = {} if name is None else self._templates.get(self._spelled(name))
        if given is None:
            given = {CALLING_POLICY: str(name)}
        by_type = {fold(t): policy for t, policy in given.items()}
        return {spelled: by_type.get(folded) for folded, spelled in self._types.items()}

    def _spelled(self, name: str) -> str:
        return next((known for known in self._templates if fold(known) == fold(name)), name)

    def _has(self, policies: Mapping[str, str], effective: Mapping[str, Policy]) -> bool:
        given = {fold(t): fold(policy) for t, policy in policies.items()}
        for each in self._types:
            held = effective.get(each, Policy(ORGANISATION, False))
            if each in given and fold(held.name) != given[each]:
                return False
            if each not in given and held.direct:
                return False
        return True


class PolicyIds:
    """Ids of policies by type and name, asked for once."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._known: dict[tuple[str, str], str] = {}

    def forget(self) -> None:
        """Ask anew from now on."""
        self._known = {}

    def id(self, kind: str, name: str) -> str:
        """Return a policy's id. Raises PersonError where the tenant has no such policy."""
        known = (fold(kind), fold(name))
        if known not in self._known:
            self._known[known] = self._ask(kind, name)
        return self._known[known]

    def _ask(self, kind: str, name: str) -> str:
        texts = (segment(text.replace("'", "''")) for text in (kind, name))
        path = "/admin/teams/policy/getPolicyId(type='{}',name='{}')".format(*texts)
        try:
            answer = self._api.get(path, label="teams.read")
        except Refused as error:
            if error.status not in (400, 404):
                raise
            answer = {}
        for each in answer.get("value") or ():
            if each.get("policyId"):
                return str(each["policyId"])
        raise PersonError(
            f"the tenant has no {kind} called {name!r}",
            remedy="look at the policy's name in the Teams admin center, and at templates in config",
        )


def bodies(
    wished: Iterable[tuple[str, dict[str, str | None]]],
    direct: Mapping[str, frozenset[str]],
    ids: PolicyIds,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what to assign and what to unassign, as requests want it.

    `wished`: user ids with the policy (None: none of their own) of each type; `direct`: by user id
    the folded types of which they have one of their own.
    """
    give, take = [], []
    for user, policies in wished:
        for kind, policy in policies.items():
            entry = {"userId": user, "policyType": kind}
            if policy is not None:
                give.append(entry | {"policyId": ids.id(kind, policy)})
            elif fold(kind) in direct.get(user, frozenset()):
                take.append(entry)
    return give, take
