"""Trying another mapping: it is compared with the one that counts while people are read for its plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from connectors.columns import Columns, Row
from connectors.errors import InputError
from connectors.records import Person, fold
from mappings import Mapping, load_mapping
from provisioner.config import SyncConfig
from provisioner.joining import People
from provisioner.plan.against import Against
from provisioner.plan.model import Plan
from provisioner.reads import Reading


class Watched(People):
    """People, who are shown to a comparison of two mappings on their way by."""

    def __init__(self, readings: Sequence[Reading], against: Against) -> None:
        super().__init__(readings)
        self._against = against

    def as_table(self) -> Columns | None:
        """Return the columns if everybody may be taken as rows."""
        columns = super().as_table()
        if columns is not None:
            self._against.take_rows(columns, self.readings[0].key_column)
        return columns

    def __iter__(self) -> Iterator[tuple[str, Person, int]]:
        for each in super().__iter__():
            self._against.see(each[1])
            yield each

    def rows(self) -> Iterator[tuple[str, Row, int]]:
        """Yield people as rows."""
        for each in super().rows():
            self._against.see_row(each[1])
            yield each


class Trial:
    """One other mapping on trial; `flaw` tells why nothing can be compared, None if it can.

    `against` is the hash of the mapping that counts, "" where nothing can be compared.
    """

    def __init__(
        self, sync: SyncConfig, mapping: Mapping, only: Sequence[str], as_of: datetime
    ) -> None:
        self._sync = sync
        self._against: Against | None = None
        self.flaw: str | None = None
        self.against = ""
        try:
            old = load_mapping(sync.mapping, sync.people, sync.pools)
        except InputError as error:
            count = len(error.problems)
            self.flaw = (
                f"the mapping that counts can't be used ({count} to mend), so nothing is compared"
            )
        else:
            self._against = Against(old, mapping, only, as_of)
            self.against = old.sha256_with_lines

    def people(self, readings: Sequence[Reading]) -> People:
        """Return the people of the readings, who are compared as they go by."""
        return People(readings) if self._against is None else Watched(readings, self._against)

    def told(self, plan: Plan) -> Plan:
        """Return the plan with the comparison, once everybody has gone by."""
        if self._against is None:
            return msgspec.structs.replace(plan, warnings=(*plan.warnings, self.flaw or ""))
        pools = {fold(name): use for name, use in plan.summary.pools.items()}

        def used(pool: str) -> tuple[int | None, int]:
            use = pools.get(fold(pool))
            return (None, 0) if use is None else (use.total, use.used)

        compared = self._against.result(self._sync.prices, used)
        return msgspec.structs.replace(plan, comparison=compared)
