"""What holds for every test."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.judging import hook
from tests.oracle import NO_OPERATION, REPORTS, Reports
from tests.vendor_specs import FOLDER, WHY_SKIPPED

# a property is true or not, however busy the machine is
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# every simulator is judged, in this process and in those that it starts
_folder = tempfile.TemporaryDirectory(prefix="judged-")
os.environ[REPORTS] = str(Path(_folder.name) / "reports.jsonl")
_paths = [str(Path(__file__).parent / "judging"), str(Path(__file__).parents[1])]
_paths += [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p and p not in _paths]
os.environ["PYTHONPATH"] = os.pathsep.join(_paths)
hook.install()
_reports = Reports(Path(os.environ[REPORTS]))


def pytest_report_header() -> str:
    """Say whether the vendors' own files judge what is asked and answered."""
    if FOLDER:
        return "vendors' OpenAPI files: every call to a simulator is held against them"
    return f"vendors' OpenAPI files: none; {WHY_SKIPPED}"


def pytest_configure(config: pytest.Config) -> None:
    """Name the suite's markers."""
    config.addinivalue_line(
        "markers", "asks_for_what_is_not_there: calls operations that the vendor doesn't have"
    )


def fail_for_what_was_told(allowed: str | None = None) -> None:
    """Raise AssertionError for the faults that simulators told of, but for those with `allowed` in them."""
    faults = [f for f in _reports.new_faults() if allowed is None or allowed not in f]
    shown = "\n".join(fault[:300] for fault in faults[:5])
    assert not faults, f"{len(faults)} calls aren't as the vendor's file says:\n{shown}"


@pytest.fixture(autouse=True, scope="session")
def what_was_told_last_is_heard_too() -> Iterator[None]:
    """Fail the run for what was told after the last test: simulators of a whole module end then."""
    yield
    fail_for_what_was_told()


@pytest.fixture(autouse=True)
def whatever_simulators_were_asked_and_answered_is_as_the_vendors_say(
    request: pytest.FixtureRequest,
) -> Iterator[None]:
    """Fail the test during which a simulator, in any process, told of a fault."""
    yield
    marked = request.node.get_closest_marker("asks_for_what_is_not_there")
    fail_for_what_was_told(allowed=NO_OPERATION if marked else None)


# what is started in the background inherits that these are ignored, and hands it on to what tests start
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
