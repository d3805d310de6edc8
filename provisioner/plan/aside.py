"""Those who stand aside: people whom the calendar takes out of the comparison, and who leave soon.

Kept are the numbers of those about whom something has to be said; everybody else's days are worked out
again when they are looked at.
"""

from __future__ import annotations

from collections.abc import Sequence

from connectors.records import Person, PhoneUser
from mappings import Mapping
from provisioner.plan.calendar import ON_LEAVE, Calendar, Days
from provisioner.plan.differences import Differences, Ending, Standing
from provisioner.plan.look import Names

_TOLD = 50
"""People whose dates can't be read that are named one by one."""


class Aside:
    """Whom the calendar says something of, by their number in People.

    `early`: those in scope who start within the horizon, `later`: how many start after it; `away`: who
    is on leave; `ending`: whose last day is within the horizon. `left_alone` gets, by folded key, why
    somebody is left alone; `result` is told of the first of them, and `alone` is their bit.
    """

    def __init__(self, calendar: Calendar | None, result: Differences, alone: int) -> None:
        self.calendar = calendar
        self.left_alone: dict[str, str] = {}
        self._result, self._alone = result, alone
        self.early: list[int] = []
        self.later = 0
        self.away: set[int] = set()
        self.ending: dict[int, Ending] = {}

    def take(
        self, number: int, key: str, days: Days, names: Names, outline: object
    ) -> tuple[bool, int]:
        """Take in what the calendar says of somebody, whose outline is None out of scope.

        Returns whether they are planned for as others, and the bit that they are left alone by.
        """
        in_scope = outline is not None
        if days.when == "unclear":
            self.left_alone[key] = days.reason
            self._tell(names, days)
            return True, self._alone
        if days.when == "on_leave":
            self.away.add(number)
        elif days.when == "early" and in_scope:
            assert self.calendar is not None
            if self.calendar.sees(days):
                self.early.append(number)
            else:
                self.later += 1
        elif days.when == "present" and in_scope and days.end is not None:
            self.ending[number] = Ending("", days.end)
        return days.when == "present", 0

    def _tell(self, names: Names, days: Days) -> None:
        result = self._result
        result.unclear_people += 1
        if len(result.unclear) < _TOLD:
            result.unclear.append((names.email or names.user_name or names.key, days.reason))

    def met(self, number: int, user: PhoneUser) -> None:
        """Take in the phone user of somebody who leaves soon."""
        self.ending[number].user = user

    def endings(self, keys: Sequence[str]) -> list[Ending]:
        """Return who leaves soon; `keys` are everybody's, by number."""
        for number, ending in self.ending.items():
            ending.key = keys[number]
        return list(self.ending.values())

    def days(self, person: Person) -> Days | None:
        """Return what the calendar says of a person."""
        return None if self.calendar is None else self.calendar.of(person.resource)

    def standing(self, person: Person, days: Days | None, mapping: Mapping) -> Standing:
        """Return how somebody stands who is not planned for as others."""
        if days is ON_LEAVE:
            return "on_leave"
        if person.resource.get("active") is False:
            return "inactive"
        if days is not None and days.when in ("early", "ended") and mapping.in_scope(person):
            return "early" if days.when == "early" else "ended"
        return "out_of_scope"
