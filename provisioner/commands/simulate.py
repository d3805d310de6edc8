"""`provisioner simulate`: a vendor's interface on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from connectors.errors import RunError


def run_simulate(system: str, port: int, load: Path | None, database: Path | None) -> int:
    """Serve the simulator on loopback until it is stopped."""
    assert system == "zoom"  # the command line offers no other
    from provisioner.simulators import zoom

    app = zoom.create_app(database or ":memory:")
    if load is not None:
        try:
            with load.open(encoding="utf-8") as lines:
                zoom.load_snapshot(app, lines)
        except (OSError, UnicodeDecodeError, zoom.SnapshotError) as error:
            raise RunError(f"{load} can't be loaded: {error}", remedy="give a snapshot") from None
    click.echo(f"Zoom simulator: api_url http://127.0.0.1:{port}/v2")
    click.echo(f"                token_url http://127.0.0.1:{port}/oauth/token")
    click.echo(f"                writes so far: http://127.0.0.1:{port}/_portal/log")
    zoom.serve(app, port)
    return 0
