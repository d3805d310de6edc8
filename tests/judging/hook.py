"""Has every simulated vendor that a process makes judged, whoever makes it (tests/oracle.py).

Tests and the processes that they start install it: it stands at the only door by which a simulator
comes into the world, `create_app`, so none can be started that nobody judges. Nothing is imported
until a process imports a simulator.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

SIMULATORS = {"provisioner.simulators.zoom": "zoom", "provisioner.simulators.teams": "graph"}
"""The vendors whose own file is at hand, by the package that simulates them."""


class _Judging(Loader):
    """Loads a simulator's package as it is, and has whatever its `create_app` gives judged."""

    def __init__(self, loader: Loader, vendor: str) -> None:
        self._loader, self._vendor = loader, vendor

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        make, vendor = module.create_app, self._vendor

        def create_app(*given: Any, **named: Any) -> Any:
            from tests.oracle import Oracle

            app = make(*given, **named)
            app.wsgi_app = Oracle(app.wsgi_app, vendor)
            return app

        module.create_app = create_app  # type: ignore[attr-defined]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)


class Hook(MetaPathFinder):
    """Finds the simulators' packages where everybody does."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a simulator's package is, with a loader that has it judged."""
        if fullname not in SIMULATORS:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Judging(spec.loader, SIMULATORS[fullname])
        return spec


def install() -> None:
    """Have the simulators judged from now on; they must not have been imported yet."""
    early = SIMULATORS.keys() & sys.modules.keys()
    if early:
        raise RuntimeError(f"{', '.join(sorted(early))}: imported before anybody could judge")
    sys.meta_path.insert(0, Hook())
