"""The servers that benchmarks/receiver.py compares, each in a process group of its own, on an empty store.

All of gunicorn's have as many workers and threads as ours; scim2-server comes with one process and keeps
everything in memory. The peers live in a virtual environment of their own, never in the project's.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import make_url

from benchmarks.push_to_phone import CONFIG, MAPPING, PROGRAM, free_port, run, wait_for
from benchmarks.rate_use import stores
from provisioner.server_config import Server, default_workers

ROOT = Path(__file__).parents[2]
PEERS = ("django-scim2==0.23.0", "scim2-server==0.8.3", "gunicorn>=23", "psycopg[binary]>=3.2")
TABLES = (
    "import django_peer.site; from django.core.management import call_command;"
    "call_command('migrate', run_syncdb=True, verbosity=0)"
)


class Served(NamedTuple):
    """A server that answers: its SCIM base, a token for it, and its process group."""

    url: str
    token: str
    group: int


def peers_in(folder: Path) -> Path:
    """Return the programs' folder of the peers' environment, which is made where it isn't there."""
    programs = folder / "bin"
    if not (programs / "scim2-server").exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS]
        subprocess.run([str(programs / "python"), *install], check=True)
    return programs


@contextmanager
def ours(kind: str) -> Iterator[Served]:
    """Our receiver on an empty store, `sqlite` or `postgresql`."""
    with stores() as urls, tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        port, token = installed(folder, urls[kind])
        with receiver(folder, port) as group:
            yield Served(f"http://127.0.0.1:{port}/scim/v2", token, group)


def installed(folder: Path, store: str) -> tuple[int, str]:
    """Write what the receiver needs into a folder; return its port and a token."""
    port = free_port()
    zoom, admin = "http://127.0.0.1:1", free_port()  # nothing is ever carried out
    written = CONFIG.format(plan="business", store=f'"{store}"', zoom=zoom, port=port, admin=admin)
    (folder / "config.yaml").write_text(written, encoding="utf-8")
    (folder / "mapping.yaml").write_text(MAPPING, encoding="utf-8")
    return port, run(folder, "token", "create", "--name", "bench").strip()


@contextmanager
def receiver(folder: Path, port: int) -> Iterator[int]:
    """Have `provisioner receiver` answer at a port, on the config in a folder."""
    with _running([PROGRAM, "receiver", "-c", "config.yaml"], folder, port) as group:
        yield group


@contextmanager
def ceiling() -> Iterator[Served]:
    """A bare Flask app on our own workers."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        port = free_port()
        kind = ["-k", "provisioner.web.worker.Worker"]
        command = [sys.executable, "-m", "gunicorn", *kind, *_gunicorn(port)]
        paths = {"PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), *sys.path)))}
        app = "benchmarks.peers.ceiling:app"
        with _running([*command, app], Path(name), port, paths) as group:
            yield Served(f"http://127.0.0.1:{port}/scim/v2", "any", group)


@contextmanager
def django_scim2(programs: Path) -> Iterator[Served]:
    """django-scim2 under gunicorn, on PostgreSQL."""
    with stores() as urls, tempfile.TemporaryDirectory(prefix="bench-") as name:
        url, token, port = make_url(urls["postgresql"]), secrets.token_hex(16), free_port()
        database = {
            "HOST": url.host,
            "PORT": url.port,
            "USER": url.username,
            "PASSWORD": url.password or "",
            "NAME": url.database,
            "OPTIONS": {"options": url.query["options"]},
        }
        more = {
            "PYTHONPATH": str(Path(__file__).parent),
            "PEER_DATABASE": json.dumps(database),
            "PEER_TOKEN": token,
        }
        make_tables = [str(programs / "python"), "-c", TABLES]
        subprocess.run(make_tables, cwd=name, env=os.environ | more, check=True)
        command = [str(programs / "gunicorn"), "-k", "gthread", *_gunicorn(port)]
        app = "django_peer.site:application"
        with _running([*command, app], Path(name), port, more) as group:
            yield Served(f"http://127.0.0.1:{port}/scim/v2", token, group)


@contextmanager
def scim2_server(programs: Path) -> Iterator[Served]:
    """scim2-server, in memory."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        port, token = free_port(), secrets.token_hex(16)
        command = [str(programs / "scim2-server"), "--port", str(port), "--bearer-token", token]
        with _running(command, Path(name), port) as group:
            yield Served(f"http://127.0.0.1:{port}/v2", token, group)


def _gunicorn(port: int) -> list[str]:
    workers, threads = default_workers(), Server().threads
    return ["-b", f"127.0.0.1:{port}", "-w", str(workers), "--threads", str(threads)]


@contextmanager
def _running(
    command: Sequence[str], folder: Path, port: int, more: dict[str, str] | None = None
) -> Iterator[int]:
    """Have a server answer at a port; gives its process group."""
    with (folder / "server.log").open("a", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=os.environ | (more or {}),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            wait_for(f"http://127.0.0.1:{port}/")
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
