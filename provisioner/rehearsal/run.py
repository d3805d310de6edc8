"""One rehearsal: read the real phone system, set the stage, apply there, and hold the end against the plan."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from connectors import phone as phones
from connectors.errors import RunError
from connectors.records import Http, Outside, PhoneSystem, PhoneUser, Rate
from provisioner import who
from provisioner.apply import Allowance, Applied, apply_plan
from provisioner.audit.calls import collecting
from provisioner.config import SyncConfig
from provisioner.inventory import write_inventory
from provisioner.plan.model import Plan
from provisioner.progress import Progress, counted
from provisioner.rates import Memory, shared
from provisioner.rehearsal import records
from provisioner.rehearsal.estimate import Estimate, estimate
from provisioner.rehearsal.stages import COPIED, Props, stage_of
from provisioner.rehearsal.verify import Verified, digests, verify
from provisioner.store import people as people_store
from provisioner.store import plans as plan_store
from provisioner.store.audit import Entry, append
from provisioner.store.database import open_database, reading
from provisioner.wiring import Site, wire_phone

if TYPE_CHECKING:
    from provisioner.http import CallRecord

_DELEGATING = ("delegate.add", "delegate.remove", "delegation.set")


@dataclass(slots=True)
class Rehearsed:
    """How a rehearsal went: as an apply would end, and what is there at the end.

    `plan`: as it stands in the copy. `calls`: every request of the apply by rate label, reads too;
    `estimate`: the least time that they take at the vendor's limits. `users`: how many phone users
    the stand-in was loaded with.
    """

    plan: Plan
    applied: Applied
    verified: Verified
    estimate: Estimate
    users: int
    calls: Counter[str] = field(default_factory=Counter)

    @property
    def status(self) -> int:
        """The exit status: as apply's; 5 where the end state is not what the plan says."""
        status = self.applied.status
        return 5 if self.verified.differences and status not in (1, 3) else status


def rehearse(
    site: Site,
    plan_id: str,
    allowance: Allowance,
    progress: Progress,
    *,
    inventory: Path | None = None,
    rate_limits: bool = False,
) -> Rehearsed:
    """Apply a recorded plan to a stand-in, as apply would if everything were approved.

    `inventory`: the phone system's state as snapshot lines, None to read it now. `rate_limits`: the
    stand-in keeps the vendor's limits, and so it takes its time. Raises RunError for a plan that can't
    be applied at all, and for a phone system without a stand-in.
    """
    with reading(site.engine) as connection:
        plan = plan_store.load(connection, plan_id)
    sync = site.config.syncs.get(plan.sync)
    if sync is None:
        raise RunError(
            f"plan {plan.id} is of sync {plan.sync!r}, which the config doesn't have",
            remedy="give -c the config that the plan was made with",
        )
    stage = stage_of(sync.phone_system.kind)
    with tempfile.TemporaryDirectory(prefix="rehearsal-") as made:
        folder = Path(made)
        given = inventory is not None
        if inventory is None and sync.phone_system.kind not in COPIED:
            inventory = _read(site, sync, plan, folder / "inventory.jsonl", progress)
        options = sync.phone_system.options
        progress.stage("setting the stage")
        aliases = sync.aliases if given else {}
        props = Props(options, site.config.base, inventory, folder, rate_limits, aliases)
        with stage(props) as own, _copy_of(site, sync, own, plan_id, folder) as copy:
            rates = _rates_of(site, sync)
            rehearsed = _go(copy, plan_id, sync.name, allowance, progress, rates)
    with site.engine.begin() as connection:
        append(connection, [_entry(rehearsed)], site.now())
    return rehearsed


def _go(
    copy: Site,
    plan_id: str,
    sync: str,
    allowance: Allowance,
    progress: Progress,
    rates: Mapping[str, Rate],
) -> Rehearsed:
    with copy.engine.begin() as connection:
        plan = plan_store.load(connection, plan_id)
    phone = wire_phone(copy, copy.config.syncs[sync])
    asked = _delegators(copy, plan)
    progress.stage("reading the stand-in")
    before = digests(counted(phone.read(asked), progress))
    calls: Counter[str] = Counter()

    def count(call: CallRecord) -> None:
        calls[call.label] += 1

    applied = apply_plan(replace(copy, record=count), plan_id, allowance, progress)
    with reading(copy.engine) as connection:
        plan = plan_store.load(connection, plan_id)
    progress.stage("reading the stand-in again")
    phone = wire_phone(copy, copy.config.syncs[sync])
    verified = verify(plan, before, counted(phone.read(asked), progress), phone.abilities)
    least = estimate(calls, rates)
    return Rehearsed(plan, applied, verified, least, len(before), calls)


def _delegators(site: Site, plan: Plan) -> frozenset[str]:
    """Return the ids of those whose delegations matter to the plan, or were once given by us."""
    ids = {c.id for c in plan.changes if c.id is not None and c.kind in _DELEGATING}
    with reading(site.engine) as connection:
        known = people_store.last_applied(connection, plan.sync, ())
        keys = [key for key, name in known if name == "delegates"]
        ids |= {b.phone_id for b in people_store.bound_some(connection, plan.sync, keys)}
    return frozenset(ids)


# The real phone system


def _read(site: Site, sync: SyncConfig, plan: Plan, path: Path, progress: Progress) -> Path:
    """Read the real phone system into a file of snapshot lines, under the vendor's own names."""
    site, calls = collecting(site, sync=sync.name, plan=plan.id)
    try:
        phone: PhoneSystem = phones.module(sync.phone_system.kind).connect(
            sync.phone_system.options, _reading_only(site, sync.phone_system.share)
        )
        users: Iterable[PhoneUser] = phone.read(_delegators(site, plan))
        progress.stage("reading the phone system")
        with path.open("w", encoding="utf-8") as out:
            write_inventory(phone, counted(users, progress), out)
    finally:
        calls.flush()
    return path


def _reading_only(site: Site, share: float) -> Outside:
    """Return what a connector is handed that may only read: whatever else it sends is refused here."""
    outside = site.outside_with(share)

    def http(account: str, rates: Mapping[str, Rate]) -> Http:
        send: Callable[..., Any] = outside.http(account, rates)

        def reading_only(method: str, url: str, **given: Any) -> Any:
            label = str(given.get("label", ""))
            reads = label == "oauth" or (label in rates and rates[label].reads)
            if method != "GET" and not reads:
                raise RunError(
                    f"a rehearsal only reads the phone system, and was about to send {method}",
                    remedy="nothing was sent; report this as a fault of the program",
                )
            return send(method, url, **given)

        return reading_only

    return Outside(outside.base, http, outside.now, outside.sleep, outside.kept)


def _rates_of(site: Site, sync: SyncConfig) -> dict[str, Rate]:
    """Return the vendor's limits as the sync's phone system has them, its share of them; nothing is sent."""
    found: dict[str, Rate] = {}
    share = sync.phone_system.share

    def http(_: str, rates: Mapping[str, Rate]) -> Http:
        found.update({label: shared(rate, share) for label, rate in rates.items()})
        return site.outside.http("rehearsal", rates)

    outside = Outside(site.config.base, http, site.now, site.stop.sleep)
    phones.module(sync.phone_system.kind).connect(sync.phone_system.options, outside)
    return found


@contextmanager
def _copy_of(
    site: Site, sync: SyncConfig, options: dict[str, Any], plan_id: str, folder: Path
) -> Iterator[Site]:
    """Give an installation of the rehearsal's own: its store, its rate board, the stand-in."""
    url = f"sqlite:///{folder / 'store.db'}"
    phone = replace(sync.phone_system, options=options)
    syncs = {sync.name: replace(sync, phone_system=phone)}
    engine = open_database(url)
    try:
        records.copy_sync(site.engine, engine, sync, plan_id)
        records.approve_all(engine, plan_id, sync, site.now())
        config = replace(site.config, store=url, syncs=syncs)
        yield Site(config, engine, site.stop, site.now, board=Memory())
    finally:
        engine.dispose()


def _entry(rehearsed: Rehearsed) -> Entry:
    applied = rehearsed.applied
    detail = {
        "by": who.login(),
        "version": who.version(),
        "status": rehearsed.status,
        "states": dict(applied.states),
        "differences": len(rehearsed.verified.differences),
    }
    return Entry(
        kind="plan.rehearsed", sync=rehearsed.plan.sync, plan=rehearsed.plan.id, detail=detail
    )
