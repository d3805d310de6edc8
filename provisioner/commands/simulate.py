"""`provisioner simulate`: a vendor's interface on this machine, and a SCIM directory beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from connectors.errors import RunError
from provisioner.simulators import faults, scim_service, zoom

DEMO_TOKEN = "demo-token"  # noqa: S105 (of a service that holds sample people only)
FAULTS_HELP = "`provisioner simulate zoom --faults list` tells every kind and what it does"
THREADS = 32
"""Requests at the same time: those that are kept waiting on purpose take no place from the others."""
_Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a simulated Zoom account begins with, and how it behaves.

    `load`: a snapshot. `database`: where its state is kept, None for memory. `directory`: SCIM
    resources that are served under /scim/v2 on the same port. `faults`: what goes wrong, as
    simulators/faults/spec.py has it, "" for nothing; `seed` decides when.
    """

    load: Path | None = None
    database: Path | None = None
    directory: Path | None = None
    sso: bool = True
    rate_limits: bool = True
    faults: str = ""
    seed: int = 0


def application(simulated: Simulated) -> _Application:
    """Return the WSGI application of the simulator.

    Raises RunError for files that can't be loaded, and for faults that don't exist.
    """
    options = zoom.Options(
        account_id=None,
        client_id=None,
        client_secret=None,
        sso="provisioning" if simulated.sso else "none",
        rates=zoom.BUSINESS_PLUS if simulated.rate_limits else None,
    )
    try:
        wanted = faults.parse(simulated.faults, simulated.seed)
    except faults.SpecError as error:
        raise RunError(f"--faults {error}", remedy=FAULTS_HELP) from None
    app = zoom.create_app(simulated.database or ":memory:", options=options)
    phone = faults.Faulty(app.wsgi_app, zoom.ZoomFaults(app), wanted)
    try:
        if simulated.load is not None:
            with simulated.load.open(encoding="utf-8") as lines:
                zoom.load_snapshot(app, lines)
        if simulated.directory is None:
            return phone
        resources = scim_service.load(simulated.directory)
    except (OSError, ValueError, zoom.SnapshotError) as error:
        raise RunError(
            f"the simulator can't be loaded: {error}",
            remedy="give --load a snapshot, and --directory SCIM resources as JSON lines",
        ) from None
    return _both(phone, scim_service.create_app(resources, DEMO_TOKEN).wsgi_app)


def _both(phone: _Application, directory: _Application) -> _Application:
    def serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        scim = environ.get("PATH_INFO", "").startswith("/scim/")
        return (directory if scim else phone)(environ, start_response)

    return serve


def run_simulate(simulated: Simulated, port: int) -> int:
    """Serve the simulator on loopback until it is stopped; port 0 takes a free one."""
    try:
        with scim_service.serve(application(simulated), port, threads=THREADS) as url:
            click.echo(f"Zoom simulator: api_url {url}/v2")
            click.echo(f"                token_url {url}/oauth/token")
            click.echo(f"                every write so far: {url}/_portal/log")
            if simulated.faults:
                click.echo(f"                every fault so far: {url}/_portal/faults")
            if simulated.directory is not None:
                click.echo(f"SCIM directory: url {url}/scim/v2")
            _wait()
    except OSError as error:
        raise RunError(
            f"port {port} can't be served: {error.strerror}", remedy="give another --port"
        ) from None
    return 0


def list_faults() -> int:
    """Tell every kind of fault, its part of the mix, and how long it lasts unless told otherwise."""
    parts = sum(kind.part for kind in faults.KINDS.values())
    click.echo(f"{'KIND':<16} {'MIX':>5}  WHAT GOES WRONG (SECONDS)")
    for name, kind in faults.KINDS.items():
        lasts = "" if kind.seconds is None else f" ({kind.seconds:g}s)"
        click.echo(f"{name:<16} {kind.part / parts:>5.1%}  {kind.does}{lasts}")
    return 0


def _wait() -> None:
    """Wait for the interrupt, or for a TERM."""
    import signal

    stops = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    signal.sigwait(stops)
