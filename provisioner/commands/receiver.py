"""`provisioner receiver`: the SCIM receiver alone, as many of them as one likes on one store.

It opens `bind` and nothing else, and starts no schedule: what is pushed to it lies in the store, where
the daemon plans it. TERM and INT end it within ten seconds, after the requests at work; HUP reads
config again. It asks no phone system and no directory, so their secrets aren't read and need not be
there: of the config it needs the store's and the server's alone.
"""

from __future__ import annotations

import sys
from pathlib import Path

from connectors.errors import InputError, ProvisionerError, RunError
from provisioner.config import Config, load_config
from provisioner.hiding import secrets_of
from provisioner.logs import configure_logs, logger
from provisioner.store.database import open_database
from provisioner.store.rate_board import open_board
from provisioner.web.listening import listen, url_of
from provisioner.web.workers import Master, Task


def run_receiver(config: Path) -> int:
    """Serve until told to stop, and return the exit status."""
    configure_logs()
    try:
        loaded = load_config(config, outside=False)
        configure_logs(secrets=secrets_of(loaded))
        _serve(loaded)
    except InputError as error:
        if sys.stderr.isatty():
            raise
        logger().error("receiver.refused", problems=list(map(str, error.problems)))
    except ProvisionerError as error:
        logger().error("receiver.failed", error=error.message, remedy=error.remedy)
    return 1


def _serve(config: Config) -> None:
    """Serve; ends the process. Raises RunError for what keeps it from beginning."""
    if not config.pushed:
        raise RunError(
            "no sync has a `pushed` directory, so there is nothing to receive",
            remedy="add {kind: pushed, name: …} to a sync's directories",
        )
    _make_ready(config.store)
    sockets = listen(config.server.bind)
    logger().info("http.serving", url=url_of(sockets[0]))
    task = Task(str(config.path), tuple(each.detach() for each in sockets))
    Master(task, config).run()


def _make_ready(store: str) -> None:
    """Bring the store up to date, and its board, once: those who are forked find them made."""
    engine = open_database(store)
    board = open_board(engine)
    if board is not None:
        board.close()
    engine.dispose()
