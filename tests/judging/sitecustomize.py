"""Python runs this at the start of every process that a test starts: its simulators are judged as well.

It is found because tests put this folder on PYTHONPATH (tests/conftest.py).
"""

from __future__ import annotations

import sys

from tests.judging.hook import Hook, install

if not any(isinstance(finder, Hook) for finder in sys.meta_path):
    install()
