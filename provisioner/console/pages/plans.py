"""Plans: the list of them, one as it stands, its changes by whatever they have in common, its report."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, request

from connectors.records import Change, fold
from provisioner.console.door import Refusal, operator
from provisioner.console.pages import clusters
from provisioner.console.pages.listing import Listing
from provisioner.console.pages.next_step import next_step
from provisioner.console.pages.shell import Counter, Shell, numbers
from provisioner.console.pages.situation import Reviewed, reviewed
from provisioner.console.pages.taking import kinds_in_words, takes
from provisioner.console.pages.words import states
from provisioner.plan.model import RISKS, Plan
from provisioner.report import figures, views, write_report
from provisioner.report.figures import counted, people_counted
from provisioner.store.reviews import Review
from provisioner.store.runs import PlanRow

AT_ONCE = 100
"""Rows of a list or of changes on one page."""


def add(pages: Blueprint, counter: Counter) -> None:
    """Add the pages."""

    @pages.get("/plans")
    def plans() -> str:
        listing = Listing.asked()
        found = counter.desk.plans(*listing)
        return counter.shell.page(
            "plans.html.j2",
            "Plans",
            syncs=counter.names,
            chosen=listing.sync,
            plans=[_row(row, counter.shell) for row in found.items],
            pages=listing.pages("/plans", found.next),
        )

    @pages.get("/plans/<plan>")
    def plan(plan: str) -> str:
        return _plan_page(counter, reviewed(counter.desk, plan))

    @pages.get("/plans/<plan>/changes")
    def changes(plan: str) -> str:
        return _changes_page(counter, reviewed(counter.desk, plan))

    @pages.get("/plans/<plan>/report")
    def report(plan: str) -> Response:
        out = io.StringIO()
        write_report(counter.desk.plan(plan), "html", out)
        response = Response(out.getvalue(), mimetype="text/html")
        # the report brings its own policy, which allows its one style sheet and script by their hashes
        response.headers["Content-Security-Policy"] = "frame-ancestors 'none'"
        return response


def _row(row: PlanRow, shell: Shell) -> dict[str, Any]:
    lacking = f"{row.lacking:,} wait for a second approver"
    return {
        "id": row.id,
        "href": f"/plans/{row.id}",
        "sync": row.sync,
        "at": shell.at(row.created_at),
        "scope": _SCOPES.get(row.scope, row.scope),
        "states": states(row.states),
        "reviews": [*map(review_in_words, row.reviews), *([lacking] if row.lacking else [])],
    }


_SCOPES = {
    "full": "everybody",
    "users": "named people",
    "push": "a push",
    "undo": "an undo",
    "preview": "a look ahead",
}


def review_in_words(review: Review) -> str:
    """Return who decided what about how much of a plan."""
    about = "all of it" if not review.only else ", ".join(review.only)
    number = "" if review.changes is None else f" ({counted(review.changes, 'change', 'changes')})"
    return f"{review.by} {review.decision} {about}{number}"


def _plan_page(counter: Counter, found: Reviewed) -> str:
    plan, shell = found.plan, counter.shell
    may_decide = operator().may_decide
    more = clusters.more_clusters(plan)
    return shell.page(
        "plan.html.j2",
        f"Plan {plan.id} · sync {plan.sync}",
        **_head(plan),
        plan=plan,
        made=shell.at(plan.created_at),
        next=next_step(plan, found.situation(shell.now(), may_decide=may_decide)),
        adopted=found.adopted,
        adopted_words=_matched(plan),
        groups=list(clusters.folded(plan, found.awaiting, may_decide=may_decide)),
        groups_more=f"… and {more:,} more causes: filter the changes by them." if more else "",
        choices=_choices(plan),
        reviews=[
            {"at": shell.at(review.at), "words": review_in_words(review)}
            for review in found.row.reviews
        ],
    )


def _head(plan: Plan) -> dict[str, Any]:
    """Return the head that the report has, and among its figures what the plan costs."""
    head = views.head_of(plan)
    cost = plan.summary.cost
    if cost is not None:
        note = f"{cost.currency} a month"
        head["tiles"].append(views.Tile("cost", f"{Decimal(cost.monthly):+,f}", note))
    return head


def _matched(plan: Plan) -> str:
    """Return in words how many were matched at adoption, and how many are left over on either side."""
    if plan.adoption is None:
        return ""
    people, users = plan.adoption.people_unmatched, plan.adoption.phone_users_unmatched
    matched = ", ".join(f"{count:,} by {how}" for how, count in plan.adoption.matched.items())
    return (
        f"{matched or 'nobody'}; {counted(len(people), 'person', 'people')} without a phone user,"
        f" {counted(len(users), 'phone user', 'phone users')} of nobody"
    )


def _choices(plan: Plan) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return by what changes can be filtered, each with the values that there are and their words."""
    kinds, risks, in_states = (values for _, values in views.choices(plan))
    causes = [(each.id, _shortened(each.title)) for each in plan.clusters]
    return [
        ("cluster", causes),
        ("kind", [(kind, kind) for kind in kinds]),
        ("risk", [(risk, risk) for risk in RISKS if risk in risks]),
        ("state", [("to approve", "to approve"), *((state, state) for state in in_states)]),
    ]


def _shortened(title: str) -> str:
    return title if len(title) <= 60 else f"{title[:59]}…"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which changes are asked for: all that every given member fits. `person`: the seq of a change of theirs."""

    cluster: str = ""
    kind: str = ""
    risk: str = ""
    state: str = ""
    text: str = ""
    person: str = ""

    @classmethod
    def asked(cls) -> Filter:
        """Return the filter that the request's address says."""
        return cls(**{name: request.args.get(name, "").strip() for name in cls.__slots__})

    def given(self) -> dict[str, str]:
        """Return what is given of it, as an address says it."""
        return {name: text for name in self.__slots__ if (text := getattr(self, name))}

    def word(self, key: str | None) -> str | None:
        """Return the word by which a decision means just these changes, None if there is none."""
        given = self.given()
        if len(given) != 1:
            return None
        (name,) = given
        if name == "person" and key is not None:
            return f"user:{key}"
        return f"{name}:{given[name]}" if name in ("cluster", "kind", "risk") else None


def _changes_page(counter: Counter, found: Reviewed) -> str:
    plan, chosen = found.plan, Filter.asked()
    key = _key_of(plan, chosen)
    everything = _listed(plan, found.awaiting)
    fitting = [(c, state) for c, state in everything if _fits(c, state, chosen, key)]
    (start,) = numbers([request.args.get("from") or "0"])
    shown = fitting[max(0, start) : max(0, start) + AT_ONCE]
    own = [change for change, _ in fitting if change.seq]
    word = chosen.word(key)
    may_decide = operator().may_decide
    words = f"{counted(len(fitting), 'change', 'changes')} of {people_counted(len({fold(c.key) for c, _ in fitting}))}"
    title = f"Plan {plan.id}: changes" if key is None else f"Plan {plan.id}: {_user_of(plan, key)}"
    return counter.shell.page(
        "changes.html.j2",
        title,
        plan=plan,
        words=words,
        choices=_choices(plan),
        chosen={
            "cluster": chosen.cluster,
            "kind": chosen.kind,
            "risk": chosen.risk,
            "state": chosen.state,
        },
        text=chosen.text,
        filtered=bool(chosen.given()),
        person=key
        and {"href": clusters.explain_href(plan, key), "words": _cluster_words(plan, own)},
        kinds=kinds_in_words(c for c, _ in fitting),
        takes=takes(c for c, _ in fitting),
        acts=clusters.acts(plan, own, word, words) if word and own and may_decide else [],
        can_tick=may_decide and key is None and any(c.seq for c, _ in shown),
        rows=_rows(plan, shown),
        pages=_pages(plan, chosen, max(0, start), len(fitting)),
    )


def _listed(plan: Plan, awaiting: Iterable[int]) -> list[tuple[Change, str]]:
    """Return all of a plan's changes as they are shown, each with its state in words of the filter."""
    waiting = frozenset(awaiting)
    listed: list[tuple[Change, str]] = [
        (change, "to approve" if change.seq in waiting else change.state)
        for _, changes in figures.changes_by_cluster(plan)
        for change in changes
    ]
    listed += [(change, "blocked") for change in plan.blocked]
    return listed + [(change, "waiting") for change in plan.waiting]


def _fits(change: Change, state: str, chosen: Filter, key: str | None) -> bool:
    if key is not None and fold(change.key) != fold(key):
        return False
    for given, own in (
        (chosen.cluster, change.cluster),
        (chosen.kind, change.kind),
        (chosen.risk, change.risk),
    ):
        if given and given != own:
            return False
    if chosen.state and chosen.state not in (state, change.state if change.seq else state):
        return False
    return not chosen.text or _says(change, chosen.text.casefold().split())


def _says(change: Change, words: Sequence[str]) -> bool:
    text = " ".join(
        [
            *(change.user, change.key, change.kind, str(change.before), str(change.after)),
            *(change.rule or "", change.because, change.reason or "", *change.consequences),
        ]
    ).casefold()
    return all(word in text for word in words)


def _key_of(plan: Plan, chosen: Filter) -> str | None:
    if not chosen.person:
        return None
    (seq,) = numbers([chosen.person])
    return change_called(plan, seq).key


def change_called(plan: Plan, seq: int) -> Change:
    """Return a plan's change by its seq. Raises Refusal 404 if there is none."""
    found = next((change for change in plan.changes if change.seq == seq), None)
    if found is None:
        raise Refusal(404, f"plan {plan.id} has no change {seq}")
    return found


def _user_of(plan: Plan, key: str) -> str:
    return next(change.user for change in plan.changes if fold(change.key) == fold(key))


def _cluster_words(plan: Plan, own: Sequence[Change]) -> str:
    titles = {cluster.id: cluster.title for cluster in plan.clusters}
    causes = dict.fromkeys(titles.get(change.cluster, change.because) for change in own)
    return f"Because: {'; '.join(causes)}." if causes else ""


def _rows(plan: Plan, shown: Sequence[tuple[Change, str]]) -> list[clusters.Linked]:
    rows_of = views.Rows(plan)
    found: list[clusters.Linked] = []
    last = ""
    for change, state in shown:
        aside = state if state in ("blocked", "waiting") else ""
        (row,) = rows_of([change], state=aside)
        row = row._replace(again=change.key == last, quiet="")
        found += clusters.linked(plan, [row])
        last = change.key
    return found


def _pages(plan: Plan, chosen: Filter, start: int, number: int) -> dict[str, str]:
    def at(place: int) -> str:
        given = chosen.given() | ({"from": str(place)} if place else {})
        return clusters.changes_href(plan, **given)

    last = min(start + AT_ONCE, number)
    return {
        "newer": at(max(0, start - AT_ONCE)) if start else "",
        "newer_name": "Before",
        "older": at(last) if last < number else "",
        "older_name": "Next",
        "words": f"{start + 1:,} to {last:,} of {number:,}",
    }
