"""The environment of processes that tests start: little of ours, and what has their simulators judged."""

from __future__ import annotations

import os
from collections.abc import Mapping

from tests.oracle import REPORTS

KEPT = ("PATH", "HOME", "LANG", "PYTHONPATH", "VENDOR_SPECS", REPORTS)


def environment(more: Mapping[str, str] = {}) -> dict[str, str]:
    """Return what a process that a test starts gets from us, and `more`.

    On PYTHONPATH lies tests/judging, which puts the judge into whatever simulator the process makes.
    """
    return {name: os.environ[name] for name in KEPT if name in os.environ} | dict(more)
