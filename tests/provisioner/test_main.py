"""The ways to call the command line besides `provisioner`: as a package, and as its module."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["provisioner", "provisioner.cli"])
def test_the_program_runs_as_a_module_with_its_own_statuses(module: str) -> None:
    ran = [
        subprocess.run([sys.executable, "-m", module, word], capture_output=True, text=True)
        for word in ("--help", "nonsense")
    ]

    assert [each.returncode for each in ran] == [0, 1]
    assert "Usage: provisioner" in ran[0].stdout
