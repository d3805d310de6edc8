"""What holds for every test."""

from __future__ import annotations

import signal

from hypothesis import settings

from tests.vendor_specs import FOLDER, WHY_SKIPPED

# a property is true or not, however busy the machine is
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


def pytest_report_header() -> str:
    """Say whether the vendors' own files judge what is asked and answered."""
    if FOLDER:
        return "vendors' OpenAPI files: every call to a simulator is held against them"
    return f"vendors' OpenAPI files: none; {WHY_SKIPPED}"


# what is started in the background inherits that these are ignored, and hands it on to what tests start
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
