"""The console's pages: what operators look at, question, decide and undo, in a browser.

    Desk -> a view's values -> template          forms: POST, then a redirect to the page that tells it

Every page is whole without a script. What plans say was written by others: templates escape and make
visible all that they print (report/page.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response, abort
from werkzeug.wrappers import Response as BaseResponse

from connectors.errors import RunError
from provisioner.console.desk import Desk, NoSuchSync
from provisioner.console.door import Door, Refusal, open_to_all
from provisioner.console.pages import (
    applying,
    deciding,
    manual,
    overview,
    people,
    plans,
    quarantine,
    runs,
    syncs,
)
from provisioner.console.pages.shell import ASSETS, Counter, Shell, asset
from provisioner.console.refusals import answer
from provisioner.store.plans import NoSuchPlan
from provisioner.store.runs import NoSuchRun

_YEAR_S = 31_536_000


def routes(desk: Desk, now: Callable[[], datetime], door: Door) -> Blueprint:
    """Return the pages over a desk, and have the `door` draw refusals as they are drawn.

    `now` tells the time by which moments are told.
    """
    shell = Shell(now)
    door.page = shell.refusal
    door.sign_in_page = shell.sign_in
    pages = Blueprint("pages", __name__)
    counter = Counter(desk, shell)
    for each in (overview, plans, deciding, applying, runs, people, manual, quarantine, syncs):
        each.add(pages, counter)

    @pages.errorhandler(NoSuchSync)
    @pages.errorhandler(NoSuchPlan)
    @pages.errorhandler(NoSuchRun)
    def missing(error: RunError) -> BaseResponse:
        return answer(Refusal(404, error.message), door.page)

    @pages.get("/assets/<name>")
    @open_to_all
    def assets(name: str) -> Response:
        if name not in ASSETS:
            abort(404)
        response = Response(asset(name), mimetype=ASSETS[name])
        # its address names its content
        response.headers["Cache-Control"] = f"private, max-age={_YEAR_S}, immutable"
        return response

    return pages
