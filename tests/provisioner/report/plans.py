"""Plans for the tests of the reports: one small and whole, and texts that nobody should obey."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import strategies as st

from connectors.records import Change
from provisioner.plan.model import (
    Adoption,
    Base,
    Cluster,
    Conflict,
    Decided,
    Match,
    Plan,
    PoolUse,
    Summary,
)
from provisioner.report import write_report

NASTY = (
    "\x1b[31mred\x1b[0m",
    "[red]markup[/red]",
    "one\ntwo\r\nthree\tfour",
    "\x9b31m and \u202egnp.exe",
    '=HYPERLINK("http://evil.example","x")',
    "<script>window.obeyed = 1</script>",
    "<img src=x onerror='window.obeyed = 2'>",
    "a|b `c` **d** ~~e~~ [f](http://g) ![h](i) @everyone #12",
    "{{ 7 * 7 }} {% raw %} \\x1b \\",
    "\ud800 lone",
    "x" * 1000,
    "",
)
"""Texts that somebody could have as a display name, and that a report must only show."""

anything = st.one_of(st.sampled_from(NASTY), st.text(st.characters(), max_size=20))


def change(seq: int, kind: str = "package.assign", user: str = "eva", **members: Any) -> Change:
    """Return a planned change of cluster c1; `user` is also the key and the name of the mailbox."""
    given: dict[str, Any] = {"after": "UK Metered", "rule": "sales", "cluster": "c1"}
    given |= {"because": "joined group Sales (hr)", **members}
    key = given.pop("key", f"key-{user}")
    return Change(seq=seq, kind=kind, user=f"{user}@example.org", key=key, **given)


def a_plan(*changes: Change, **members: Any) -> Plan:
    """Return plan 118 of sync emea with these changes, all of one cluster."""
    kinds: dict[str, int] = {}
    for each in changes:
        kinds[each.kind] = kinds.get(each.kind, 0) + 1
    people = len({each.key for each in changes})
    figures = {"people": 640, "unchanged": 640 - people, "changes": kinds}
    figures |= members.pop("summary", {})
    at = datetime(2026, 11, 23, 9, tzinfo=UTC)
    given: dict[str, Any] = {
        "clusters": (Cluster("c1", "joined group Sales (hr)", people, "safe"),) if changes else (),
        "base": Base("sha256:d", "sha256:p", "sha256:m", "sha256:r"),
        **members,
    }
    return Plan(
        id="118",
        sync="emea",
        created_at=at,
        as_of=at,
        summary=msgspec.convert(figures, Summary),
        changes=changes,
        **given,
    )


UNTIL = datetime(2026, 12, 7, 9, tzinfo=UTC)
HELD = "212 of 640 people, limit 10%, would lose a license; if that is right: `provisioner apply PLAN --allow-removals 212`"


def whole_plan() -> Plan:
    """Return a plan in which everything occurs that a plan can hold."""
    return a_plan(
        change(1, "license.remove", "jan", before="zoom_phone", after=None, rule=None,
               cluster="c2", because="left group Sales (hr)", risk="destructive", state="held",
               reason=HELD, consequences=("number +4989123401 is released",)),
        change(2, "user.create", "eva", after="eva@example.org", rule=None),
        change(3, "license.assign", "eva", after="zoom_phone", needs=(1, 2)),
        change(4, "profile.update", "eva", before={"department": None, "display_name": "Eva"},
               after={"department": "Sales", "display_name": "Eva Malá"}, rule="profile"),
        change(5, "credit.assign", "zoe", before=False, after=True, because="title changed (hr)"),
        change(6, "number.assign", "zoe", before=None, after="+4989123402"),
        change(7, "softphone.authorize", "zoe", after="pc-7", risk="service", state="manual",
               reason="in the portal: open zoe@example.org, choose pc-7"),
        clusters=(
            Cluster("c2", "left group Sales (hr)", 1, "destructive"),
            Cluster("c1", "joined group Sales (hr)", 2, "service"),
        ),
        blocked=(change(0, "package.assign", "bob", cluster="", reason="no seat is free"),),
        waiting=(change(0, "site.set", "amy", cluster="", after="Brno", reason="in grace until 2026-12-01T00:00:00Z"),),
        conflicts=(Conflict(("k1", "k2"), ("tom@example.org",), ("hr.csv:3", "hr.csv:9"), "one mail under two keys"),),
        warnings=("the account has neither balance nor auto-recharge",),
        summary={
            "removals": 1, "held": 1, "blocked": 1, "waiting": 1, "manual": 1, "api_calls": 4,
            "pools": {"license:zoom_phone": PoolUse(10, 8, 9), "package:UK Metered": PoolUse(5, 5, 7),
                      "credits:credits": PoolUse(None, 3, 4)},
        },
        adoption=Adoption(
            matched={"join": 230, "email": 2},
            examples=(Match("jan@example.org", "key-jan", "p1", "join"),),
            people_unmatched=("eva@example.org",),
            phone_users_unmatched=("old@example.org", "older@example.org"),
        ),
        decisions=(
            Decided(decision="approved", by=("Eva Malá",), until=UNTIL, lacks="a second approver", seqs=(1, 4)),
            Decided(decision="approved", by=("Eva Malá", "jan"), until=UNTIL, seqs=(3,)),
            Decided(decision="rejected", by=("jan",), until=UNTIL, seqs=(5,)),
            Decided(decision="expired", by=("zoe",), until=UNTIL, seqs=(6,)),
        ),
    )  # fmt: skip


def nasty_plan(text: str) -> Plan:
    """Return a plan in which everything that somebody else writes is `text`."""
    one = Change(
        seq=1, kind="profile.update", user=text, key=text, before={"display_name": text},
        after={"display_name": text, text: text}, rule=text, cluster="c1", because=text,
        consequences=(text,), state="held", reason=text,
    )  # fmt: skip
    other = msgspec.structs.replace(
        one, seq=2, kind="site.set", before=text, after=text, needs=(1,), key=f"{text}2"
    )
    return msgspec.structs.replace(
        a_plan(one, other),
        sync=text,
        clusters=(Cluster("c1", text, 1, "safe"),),
        blocked=(one,),
        waiting=(other,),
        conflicts=(Conflict((text,), (text,), (text,), text),),
        warnings=(text,),
        decisions=(Decided(decision="approved", by=(text,), until=UNTIL, lacks=text, seqs=(1, 2)),),
        summary=Summary(
            people=1, unchanged=0, changes={"site.set": 1}, pools={text: PoolUse(1, 1, 1)}
        ),
        adoption=Adoption(
            matched={text: 1},
            examples=(Match(text, text, text, text),),
            people_unmatched=(text,),
            phone_users_unmatched=(text,),
        ),
    )


def written(plan: Plan, format: str, **options: Any) -> str:
    """Return the report as one text."""
    out = io.StringIO(newline="")
    write_report(plan, format, out, **options)
    return out.getvalue()
