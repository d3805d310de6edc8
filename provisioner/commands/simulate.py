"""`provisioner simulate`: a vendor's interface on this machine, and a SCIM directory beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import click
from flask import Flask

from connectors.errors import RunError
from provisioner.aliases import in_vendors_words
from provisioner.simulators import faults, scim_service, teams, zoom

DEMO_TOKEN = "demo-token"  # noqa: S105 (of a service that holds sample people only)
FAULTS_HELP = "`provisioner simulate zoom --faults list` tells every kind and what it does"
OPTIONS_HELP = "provisioner/simulators/zoom/README.md tells every option"
THREADS = 32
"""Requests at the same time: those that are kept waiting on purpose take no place from the others."""
_Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a simulated account of a vendor begins with, and how it behaves.

    `system`: zoom or teams. `load`: a snapshot. `database`: where its state is kept, None for memory.
    `directory`: SCIM resources that are served under /scim/v2 on the same port. `sso`: at Zoom, whether
    the account has SSO pre-provisioning. `agreement`: at Microsoft, mca or other; `settling_h`: how many
    hours a new calling plan takes until it bears a number. `faults`: what goes wrong, as
    simulators/faults/spec.py has it, "" for nothing; `seed` decides when. `options`: at Zoom, NAME=VALUE
    of what else the account is like.
    """

    system: str = "zoom"
    load: Path | None = None
    database: Path | None = None
    directory: Path | None = None
    sso: bool = True
    rate_limits: bool = True
    agreement: str = "other"
    settling_h: float = 24
    faults: str = ""
    seed: int = 0
    options: Sequence[str] = ()


class _Vendor(NamedTuple):
    """One vendor's simulator: its application, what its faults know, and how a snapshot is loaded."""

    app: Flask
    faults: faults.Vendor
    load: Callable[[Flask, Iterable[str]], object]


def _zoom(simulated: Simulated) -> _Vendor:
    options = zoom.Options(
        account_id=None,
        client_id=None,
        client_secret=None,
        sso="provisioning" if simulated.sso else "none",
        rates=zoom.BUSINESS_PLUS if simulated.rate_limits else None,
    )
    try:
        options = zoom.with_given(options, simulated.options)
    except zoom.OptionError as error:
        raise RunError(f"--option: {error}", remedy=OPTIONS_HELP) from None
    app = zoom.create_app(simulated.database or ":memory:", options=options)
    return _Vendor(app, zoom.ZoomFaults(app), zoom.load_snapshot)


def _teams(simulated: Simulated) -> _Vendor:
    options = teams.Options(
        tenant=None,
        client_id=None,
        client_secret=None,
        mca=simulated.agreement == "mca",
        settling_s=simulated.settling_h * 3600,
        throttled=simulated.rate_limits,
    )
    app = teams.create_app(simulated.database or ":memory:", options=options)
    return _Vendor(app, teams.TeamsFaults(app), teams.load_snapshot)


_SYSTEMS = {"zoom": _zoom, "teams": _teams}


def application(simulated: Simulated) -> _Application:
    """Return the WSGI application of the simulator.

    Raises RunError for files that can't be loaded, and for faults that don't exist.
    """
    try:
        wanted = faults.parse(simulated.faults, simulated.seed)
    except faults.SpecError as error:
        raise RunError(f"--faults {error}", remedy=FAULTS_HELP) from None
    vendor = _SYSTEMS[simulated.system](simulated)
    phone = faults.Faulty(vendor.app.wsgi_app, vendor.faults, wanted)
    try:
        if simulated.load is not None:
            with simulated.load.open(encoding="utf-8") as lines:
                vendor.load(vendor.app, in_vendors_words(lines))
        else:
            vendor.load(vendor.app, ())  # a new tenant has products even without people
        if simulated.directory is None:
            return phone
        resources = scim_service.load(simulated.directory)
    except (OSError, ValueError) as error:
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
            for line in _addresses(simulated, url):
                click.echo(line)
            if simulated.directory is not None:
                click.echo(f"SCIM directory: url {url}/scim/v2")
            _wait()
    except OSError as error:
        raise RunError(
            f"port {port} can't be served: {error.strerror}", remedy="give another --port"
        ) from None
    return 0


def _addresses(simulated: Simulated, url: str) -> Iterator[str]:
    """Yield where everything is."""
    if simulated.system == "zoom":
        title, api, token = "Zoom simulator:", f"{url}/v2", f"{url}/oauth/token"
    else:
        # any tenant's name will do in its place
        title, api = "Teams simulator:", f"{url}/v1.0"
        token = f"{url}/simulated-tenant/oauth2/v2.0/token"
    lines = [f"api_url {api}", f"token_url {token}", f"every write so far: {url}/_portal/log"]
    if simulated.faults:
        lines.append(f"every fault so far: {url}/_portal/faults")
    yield f"{title} {lines[0]}"
    yield from (" " * (len(title) + 1) + line for line in lines[1:])


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
