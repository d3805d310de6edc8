"""What the tests of config share: configs as text, loaded in a folder of their own, and what is refused in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from connectors.errors import InputError
from provisioner.config import Config, load_config

Load = Callable[..., Config]

LEAST = """\
version: 1
syncs:
  emea:
    directories: [{kind: csv, name: hr, path: people.csv}]
    mapping: emea.yaml
    phone_system: {kind: snapshot, path: phones.jsonl}
"""
SECRETS = {"ZOOM_SECRET": "s3cr3t"}


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load a config from its text, in a folder where the mapping is there."""
    monkeypatch.chdir(tmp_path)
    Path("maps").mkdir()
    Path("maps/emea.yaml").touch()
    Path("emea.yaml").touch()

    def load(text: str, environ: Mapping[str, str] = SECRETS) -> Config:
        Path("c.yaml").write_text(text)
        return load_config(Path("c.yaml"), environ)

    return load


def with_lines(sync: str = "", *, top: str = "") -> str:
    """Return the least config with more members of its sync, or at its top."""
    return LEAST + "".join(f"    {line}\n" for line in sync.splitlines()) + top


def problems(load: Load, text: str, environ: Mapping[str, str] = SECRETS) -> list[str]:
    """Return what a config is refused with."""
    with pytest.raises(InputError) as refused:
        load(text, environ)
    return [str(problem) for problem in refused.value.problems]
