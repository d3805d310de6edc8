"""What the API's operations are: each asks the desk, which does as the command line does."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from flask import Response

from connectors.errors import RunError
from provisioner.apply import Allowance
from provisioner.console.api import asked, shown
from provisioner.console.api.documents import outline_document, page_document, sync_document
from provisioner.console.api.routes import Answer, Given, Routes
from provisioner.console.desk import Desk
from provisioner.console.door import Refusal
from provisioner.explaining import asked_about
from provisioner.letting_go import rest_document
from provisioner.plan.document import change_document
from provisioner.plan.explanation import Explanation
from provisioner.plan.model import Plan
from provisioner.report.document import json_pieces
from provisioner.report.explanation import document as explanation_document
from provisioner.report.history import plan_document as line_document
from provisioner.report.history import run_document
from provisioner.report.manual import step_document
from provisioner.store.change_pages import Wanted

ROUTES = Routes()
_PIECE = 64 * 1024
"""Characters of a plan that are sent together."""


@ROUTES.get("/syncs", shown.Syncs)
def list_syncs(desk: Desk, given: Given) -> Answer:  # noqa: ARG001 - it takes nothing
    """How it stands with each sync."""
    return Answer({"syncs": list(map(sync_document, desk.syncs()))})


@ROUTES.get("/syncs/{sync}", shown.Sync)
def show_sync(desk: Desk, given: Given) -> Answer:
    """How it stands with one sync."""
    return Answer(sync_document(desk.sync(given.path["sync"])))


@ROUTES.post("/syncs/{sync}/runs", asked.Act, shown.Started, status=202)
def start_sync(desk: Desk, given: Given) -> Answer:
    """Have a sync run now.

    The daemon plans it and applies what the policy lets through, as at any of its moments; also where
    the sync has no schedule or is in quarantine.
    """
    run = desk.start(given.path["sync"], given.by)
    return Answer({"run": run}, f"/syncs/{given.path['sync']}" if run is None else f"/runs/{run}")


@ROUTES.post("/syncs/{sync}/directories/{directory}/ready", asked.Act, shown.Told)
def declare_ready(desk: Desk, given: Given) -> Answer:
    """Declare a pushed directory complete: plans take away again what nobody has a right to."""
    told = desk.ready(given.path["sync"], given.path["directory"], given.by)
    return Answer({"told": [told]})


@ROUTES.get("/syncs/{sync}/people", shown.People, asked.PeopleAsked)
def find_people(desk: Desk, given: Given) -> Answer:
    """People of whom some name holds a text, as of the last accepted read."""
    found = desk.find(given.path["sync"], given.query["name"], given.query["limit"])
    people = [{"key": e.key, "user": e.user, "display_name": e.shown} for e in found]
    return Answer({"people": people})


@ROUTES.get("/syncs/{sync}/people/{user}", Explanation, asked.ExplanationAsked)
def explain_person(desk: Desk, given: Given) -> Answer:
    """Why somebody has what they have, by any of their names, as `provisioner explain` says it."""
    why_not = given.query.get("why_not")
    question = None if why_not is None else _asked_about(why_not)
    offline = given.query["offline"] == "true"
    about = desk.explain(given.path["sync"], given.path["user"], question, offline=offline)
    return Answer(explanation_document(about))


@ROUTES.get("/syncs/{sync}/credits", shown.Credits)
def show_credits(desk: Desk, given: Given) -> Answer:
    """The statement of a sync's Communications Credits."""
    told = desk.credits(given.path["sync"])
    if told is None:
        raise Refusal(404, f"config says nothing of credits of sync {given.path['sync']}")
    return Answer(told)


@ROUTES.post("/syncs/{sync}/quarantine/release", asked.ReleaseAsked, shown.Told)
def release_people(desk: Desk, given: Given) -> Answer:
    """Let people go from quarantine, or everybody and the sync itself if none is named."""
    return Answer({"told": desk.release(given.path["sync"], given.by, given.body["users"])})


@ROUTES.post("/syncs/{sync}/manual-steps/{step}/done", asked.DoneAsked, shown.Told)
def tick_off(desk: Desk, given: Given) -> Answer:
    """Say that a manual step is done.

    Where the next read of the phone system shows it, it is only noted until then.
    """
    note = given.body.get("note")
    return Answer({"told": desk.tick_off(given.path["sync"], given.path["step"], given.by, note)})


@ROUTES.get("/manual-steps", shown.ManualSteps, asked.PagesAsked)
def list_manual_steps(desk: Desk, given: Given) -> Answer:
    """Open manual steps: by sync, the longest due first."""
    query = given.query
    page = desk.manual(query.get("sync"), query.get("cursor"), query["limit"])
    return Answer(page_document("steps", list(map(step_document, page.items)), page))


@ROUTES.get("/quarantine", shown.Quarantine, asked.PagesAsked)
def list_quarantine(desk: Desk, given: Given) -> Answer:
    """Which syncs are slowed down, and who is parked: by sync, then user."""
    query = given.query
    slowed, page = desk.quarantine(query.get("sync"), query.get("cursor"), query["limit"])
    people = page_document("people", list(map(rest_document, page.items)), page)
    return Answer({"syncs": list(map(rest_document, slowed)), **people})


@ROUTES.get("/runs", shown.Runs, asked.RunsAsked)
def list_runs(desk: Desk, given: Given) -> Answer:
    """Runs, the newest first."""
    query = given.query
    page = desk.runs(query.get("sync"), query.get("before"), query["limit"], plan=query.get("plan"))
    return Answer(page_document("runs", list(map(run_document, page.items)), page))


@ROUTES.get("/runs/{run}", shown.Run)
def show_run(desk: Desk, given: Given) -> Answer:
    """One run, and how it ended if it has."""
    return Answer(run_document(desk.run(given.path["run"])))


@ROUTES.post("/runs/{run}/undo", asked.Act, shown.Undone, status=201)
def undo_run(desk: Desk, given: Given) -> Answer:
    """Plan to take back what a run did.

    The phone system is read for it, so that the answer may take as long as a plan; one at a time. The
    plan is reviewed and applied like any other.
    """
    plan = desk.undo(given.path["run"], given.by).result()
    return Answer({"plan": plan}, f"/plans/{plan}")


@ROUTES.get("/plans", shown.Plans, asked.PlansAsked)
def list_plans(desk: Desk, given: Given) -> Answer:
    """Plans, the newest first."""
    query = given.query
    page = desk.plans(query.get("sync"), query.get("before"), query["limit"])
    return Answer(page_document("plans", list(map(line_document, page.items)), page))


@ROUTES.get("/plans/{plan}", Plan)
def show_plan(desk: Desk, given: Given) -> Response:
    """A whole plan as it stands now: the document `provisioner-plan/1`.

    It is as long as the plan; `outline` and `changes` give it in parts.
    """
    plan = desk.plan(given.path["plan"])
    return Response(_together(json_pieces(plan)), mimetype="application/json")


@ROUTES.get("/plans/{plan}/outline", shown.Outline)
def outline_plan(desk: Desk, given: Given) -> Answer:
    """A plan without its changes, and what they count up to."""
    return Answer(outline_document(desk.outline(given.path["plan"])))


@ROUTES.get("/plans/{plan}/changes", shown.Changes, asked.ChangesAsked)
def list_changes(desk: Desk, given: Given) -> Answer:
    """A plan's changes in its order, each as it stands now.

    A page may hold fewer than the limit, or none, and others follow all the same: `next` tells.
    """
    query = given.query
    wanted = Wanted(*(query.get(name) for name in Wanted._fields))
    page = desk.changes(given.path["plan"], wanted, query["after"], query["limit"])
    return Answer({"changes": list(map(change_document, page.changes)), "next": page.after})


@ROUTES.post("/plans/{plan}/decisions", asked.DecisionAsked, shown.Told)
def decide_plan(desk: Desk, given: Given) -> Answer:
    """Approve or reject a plan, or what `only` means in it.

    As `provisioner approve` and `reject`: nothing is carried out by it.
    """
    body = given.body
    told = desk.decide(
        given.path["plan"],
        body["decision"],
        given.by,
        body["words"],
        with_needs=body["with_needs"],
    )
    return Answer({"told": told})


@ROUTES.post("/plans/{plan}/runs", asked.ApplyAsked, shown.Started, status=202)
def apply_plan(desk: Desk, given: Given) -> Answer:
    """Carry out what is decided of a plan, in the background.

    As `provisioner apply`: what a limit holds, a freeze stops or nobody approved stays, and the run says
    so. Who is parked is tried again.
    """
    body = given.body
    allowance = Allowance(
        removals=body.get("allow_removals"),
        changes=body.get("allow_changes"),
        kinds=body["allow"],
        despite_freeze=body["despite_freeze"],
    )
    run = desk.apply(given.path["plan"], allowance, given.by)
    return Answer({"run": run}, f"/runs/{run}")


def _asked_about(text: str) -> tuple[str, str]:
    try:
        return asked_about(text)
    except RunError as error:
        faults = [{"detail": error.message, "parameter": "why_not"}]
        raise Refusal(400, error.message, more={"errors": faults}) from None


def _together(pieces: Iterable[str]) -> Iterator[str]:
    """Yield text in pieces that are worth sending."""
    kept, size = [], 0
    for piece in pieces:
        kept.append(piece)
        size += len(piece)
        if size >= _PIECE:
            yield "".join(kept)
            kept, size = [], 0
    yield "".join(kept)
