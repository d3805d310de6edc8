"""Any series of changes, and whatever goes wrong between: reads of what changed equal full reads."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.errors import ProvisionerError
from connectors.phone.teams import TeamsPhone
from connectors.phone.teams.skus import CREDITS_SKU
from connectors.records import PhoneUser
from tests.connectors.phone.teams.simulated_graph import SimulatedGraph, carried_out, users

E3, E5 = "Microsoft 365 E3", "Microsoft 365 E5"
DOMESTIC = "Skype for Business PSTN Domestic Calling"
PEOPLE, GROUPS = ("p0", "p1", "p2", "p3", "p4"), {"Callers": E5, "Staff": E3}
SKUS = {
    E3: "05e9a617-0261-4cee-bb44-138d3ef5d965",
    E5: "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
    "credits": CREDITS_SKU,
}
LATE_S, GROUPS_LATE_S = 600, 5
FAILURES: list[tuple[int, Any]] = [
    (503, {"error": {"code": "ServiceNotAvailable", "message": "no"}}),
    (410, {"error": {"code": "resyncRequired", "message": "anew"}}),
    (400, {"error": {"code": "syncStateNotFound", "message": "expired"}}),
    (429, {"error": {"code": "TooManyRequests", "message": "slowly"}}),
]

who, group = st.sampled_from(PEOPLE), st.sampled_from(sorted(GROUPS))
often = st.one_of(
    st.tuples(st.just("create"), who),
    st.tuples(st.just("update"), who, st.sampled_from(["department", "jobTitle", "usageLocation"])),
    st.tuples(st.just("guest"), who, st.booleans()),
    st.tuples(st.just("assign"), who, st.sampled_from(sorted(SKUS)), st.booleans()),
    st.tuples(st.just("member"), who, group, st.booleans()),
    st.tuples(st.just("delete"), who, st.booleans()),
    st.tuples(st.just("restore"), who),
    st.tuples(st.just("purge"), who),
    st.tuples(st.just("write"), who, st.sampled_from(["user.trash", "user.restore"])),
    st.tuples(st.just("wait"), st.sampled_from([10, 700, 3_700])),
    st.tuples(st.just("read")),
)
seldom = st.one_of(
    st.tuples(st.just("gives"), group, st.sets(st.sampled_from([E3, E5]))),
    st.tuples(st.just("reset")),
    st.tuples(
        st.just("fail"),
        st.sampled_from(["users/delta", "groups/delta", "$batch", "deletedItems"]),
        st.sampled_from(FAILURES),
        st.integers(1, 7),
    ),
    st.tuples(st.just("wait"), st.sampled_from([90_000, 7 * 86_400, 31 * 86_400])),
)
series_of_steps = st.tuples(
    st.lists(often, min_size=1, max_size=12),
    st.lists(seldom, max_size=1),
    st.lists(often, max_size=6),
).map(lambda three: [*three[0], *three[1], *three[2]])


class Told:
    """A tenant that series of steps happen to, and a process that reads it now and then."""

    def __init__(self, **options: Any) -> None:
        people = [
            {
                "id": id,
                "email": f"{id}@example.org",
                "usage_location": "DE",
                "vendor": {"licenses": [E5] if id == "p0" else []},
            }
            for id in PEOPLE[:3]
        ]
        people.append({"id": "always", "email": "always@example.org", "usage_location": "DE"})
        seats = {
            "catalog": {"licenses": {"teams_phone": 9, E3: 2, E5: 3}, "packages": {DOMESTIC: 9}}
        }
        self.graph = SimulatedGraph([seats, *people], group_delay_s=GROUPS_LATE_S, **options)
        for name, product in GROUPS.items():
            self.graph.portal("group", name=name, licenses=[product], add=["always"])
        self.graph.pass_by(seconds=10)
        self.late_s = self.graph.options.delta_late_s
        self.phone: TeamsPhone = self.graph.phone()
        users(self.phone)
        self.compared = 0

    def happen(self, step: tuple[Any, ...]) -> None:
        """Let one step happen; what Graph refuses doesn't."""
        getattr(self, f"_{step[0]}")(*step[1:])

    def check(self) -> None:
        """Read when everything shows, and find what a full read shows."""
        self.graph.troubles.clear()
        users(self.phone)  # a read before everything shows
        self.graph.pass_by(seconds=self.late_s + 1)
        before = len(self.graph.asked)
        found = users(self.phone)
        self.compared += "/users" not in self.graph.asked[before:]
        _same(found, self.graph.in_full())

    def _create(self, id: str) -> None:
        self.graph.portal("user", id=id, email=f"{id}@example.org", usage_location="DE")

    def _update(self, id: str, name: str) -> None:
        value = "FR" if name == "usageLocation" else f"{name} {len(self.graph.asked)}"
        self._call("PATCH", f"/users/{id}", {name: value})

    def _guest(self, id: str, guest: bool) -> None:
        self._call("PATCH", f"/users/{id}", {"userType": "Guest" if guest else "Member"})

    def _assign(self, id: str, sku: str, add: bool) -> None:
        adds = [{"skuId": SKUS[sku], "disabledPlans": []}] if add else []
        body = {"addLicenses": adds, "removeLicenses": [] if add else [SKUS[sku]]}
        self._call("POST", f"/users/{id}/assignLicense", body)

    def _member(self, id: str, name: str, inside: bool) -> None:
        self.graph.portal("group", name=name, **{"add" if inside else "remove": [id]})

    def _gives(self, name: str, products: set[str]) -> None:
        self.graph.portal("group", name=name, licenses=sorted(products))

    def _delete(self, id: str, strip: bool) -> None:
        self.graph.portal("delete", id=id, strip=strip)

    def _restore(self, id: str) -> None:
        self._call("POST", f"/directory/deletedItems/{id}/restore", None)

    def _purge(self, id: str) -> None:
        self._call("DELETE", f"/directory/deletedItems/{id}", None)

    def _write(self, id: str, kind: str) -> None:
        with suppress(ProvisionerError):
            carried_out(self.phone, kind, id)

    def _reset(self) -> None:
        self.graph.portal("delta")
        self.graph.pass_by(seconds=1)

    def _fail(self, where: str, answer: tuple[int, Any], times: int) -> None:
        self.graph.troubles[where] = [answer] * times

    def _wait(self, seconds: int) -> None:
        self.graph.pass_by(seconds=seconds)

    def _read(self) -> None:
        with suppress(ProvisionerError):
            users(self.phone)

    def _call(self, method: str, path: str, body: Any) -> None:
        self.graph.call(method, path, body)


def _same(found: dict[str, PhoneUser], whole: dict[str, PhoneUser]) -> None:
    assert found.keys() == whole.keys()
    for id, user in whole.items():
        assert found[id] == user, id


@settings(max_examples=60)
@given(
    series=st.lists(series_of_steps, min_size=1, max_size=3),
    late=st.booleans(),
    forgets=st.booleans(),
    replays=st.sampled_from([0, 1, 7]),
    tells_restored=st.booleans(),
)
def test_whatever_happens_a_read_of_what_changed_shows_what_a_full_read_shows(
    series: list[list[tuple[Any, ...]]],
    late: bool,
    forgets: bool,
    replays: int,
    tells_restored: bool,
) -> None:
    told = Told(
        delta_late_s=LATE_S if late else 0,
        delta_replays=replays,
        delta_forgets=forgets,
        delta_tells_restored=tells_restored,
    )
    for some in series:
        for step in some:
            told.happen(step)
        told.check()
