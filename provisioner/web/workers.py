"""The processes that serve `bind`: a gunicorn master and its workers, several threads each.

The master opens no store and answers nothing: it replaces workers that die, and passes signals on.

    TERM, INT   answer what is at work, take no more, and end
    HUP         read config again, start new workers, and let the old ones end so; a config that
                can't be used is told of and changes nothing

A worker has an engine of its own, made after the fork. Whoever is left without a parent ends, and the
address is free at once for who comes next: a killed daemon can be started again.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from sqlalchemy import Engine

from connectors.errors import InputError, ProvisionerError
from provisioner.config import Config, load_config
from provisioner.hiding import secrets_of
from provisioner.logs import configure_logs, logger
from provisioner.store.database import StoreError, engine_on
from provisioner.store.rate_board import open_board
from provisioner.web import metrics
from provisioner.web.access_log import AccessLog
from provisioner.web.around import Figures
from provisioner.web.board_figures import BoardFigures
from provisioner.web.connections import room
from provisioner.web.listening import BACKLOG
from provisioner.web.receiver import CLOSING, create_app
from provisioner.web.worker import Worker, end_with_parent

DRAIN_S = 8.0
"""Seconds in which requests at work are answered once the end has begun: nobody waits for ten."""

KEEP_ALIVE_S = 75
"""Seconds that an idle connection stays open: longer than proxies keep theirs."""

_FLUSH_S = 1.0
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - for what waits for no disk, full or slow


@dataclass(frozen=True, slots=True)
class Task:
    """What the processes are given: the config's path, and descriptors of sockets that listen.

    `parent` is the daemon's process id, `daemon` where it tells of its health, `drain_s` how long it
    waits; all but the last are None where there is no daemon.
    """

    config: str
    sockets: tuple[int, ...]
    parent: int | None = None
    daemon: str | None = None
    drain_s: float = DRAIN_S

    def written(self) -> str:
        """Return the task as `python -m provisioner.web.workers` takes it."""
        return json.dumps(asdict(self))


class Master(BaseApplication):  # type: ignore[misc]
    """gunicorn's application: its settings, and what makes a worker's own."""

    def __init__(self, task: Task, config: Config) -> None:
        self._task, self._config = task, config
        self._closing: list[Callable[[], None]] = []
        super().__init__()

    def load_config(self) -> None:
        """Set what gunicorn needs to know; everything else that it could do is off."""
        server = self._config.server
        settings: dict[str, Any] = {
            "bind": [f"fd://{descriptor}" for descriptor in self._task.sockets],
            "backlog": BACKLOG,
            "workers": server.workers,
            "threads": server.threads,
            "worker_class": Worker,
            "worker_connections": room(server.threads),
            "keepalive": KEEP_ALIVE_S,
            "graceful_timeout": int(self._task.drain_s),
            "limit_request_line": 8190,
            "limit_request_fields": 100,
            "logger_class": Log,
            # another one is taken where it is installed, and what that refuses we don't know
            "http_parser": "python",
            "control_socket_disable": True,
            # proxies are believed by provisioner/web/proxies.py or not at all
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "forwarder_headers": "",
            "child_exit": _child_exit,
            "worker_exit": self._worker_exit,
        }
        if SHARED_MEMORY.is_dir():
            settings["worker_tmp_dir"] = str(SHARED_MEMORY)
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Return a worker's application, with an engine of its own; called after the fork."""
        self._closing = []
        threads = self._config.server.threads
        engine = engine_on(self._config.store, pool_size=threads, max_overflow=2)
        log = AccessLog() if logger().isEnabledFor(logging.INFO) else None
        figures = self._figures(engine)
        app = create_app(
            self._config,
            engine,
            log=log,
            figures=figures,
            daemon=self._task.daemon,
        )
        self._closing += app.extensions[CLOSING]
        if log is not None:
            self._closing.append(lambda: log.close(_FLUSH_S))
        return app

    def _figures(self, engine: Engine) -> Figures | None:
        """Return what counts a worker's requests: for the daemon above it, or for one elsewhere."""
        if metrics.FOLDER in os.environ:
            return metrics.RequestFigures()
        try:
            board = open_board(engine)
        except StoreError as error:  # whoever pushes needs no figures
            logger().warning("http.figures_not_told", exc_info=error)
            board = None
        if board is None:
            return None
        figures = BoardFigures(board)
        self._closing += [figures.close, board.close]
        return figures

    def reload(self) -> None:
        """Take the config as it is written now."""
        self.callable = None
        super().reload()

    def renew(self) -> bool:
        """Read the config anew; return whether it can be used."""
        config = _loaded(Path(self._task.config))
        if config is None:
            return False
        if config.store != self._config.store or config.server.bind != self._config.server.bind:
            logger().warning("http.needs_restart", reason="`store` or `bind` is another now")
        self._config = config
        return True

    def run(self) -> None:
        """Serve until told to stop; ends the process."""
        with suppress(RuntimeError):
            _Master(self, self._task.parent).run()

    def _worker_exit(self, _: Any, __: Any) -> None:
        for close in self._closing:
            with suppress(Exception):
                close()


class _Master(Arbiter):  # type: ignore[misc]
    """gunicorn's master, which ends with its parent and survives a spoiled config."""

    def __init__(self, app: Master, parent: int | None) -> None:
        self._master, self._parent = app, parent
        super().__init__(app)

    def handle_hup(self) -> None:
        if self._master.renew():
            logger().info("http.reloading")
            super().handle_hup()

    def handle_int(self) -> None:
        raise StopIteration  # as TERM: what is at work is answered

    def handle_usr2(self) -> None:
        pass  # gunicorn's way to a new program; ours is a restart

    def murder_workers(self) -> None:
        """Look after the workers, once a second: and first after ourselves."""
        if self._parent is not None and os.getppid() != self._parent:
            raise StopIteration
        super().murder_workers()


class Log(Logger):  # type: ignore[misc]
    """gunicorn's own words, in our log; requests are told of by provisioner/web/around.py."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log = _Said()

    def exception(self, msg: str, *_: Any, **__: Any) -> None:
        # the rest of such a message would quote the address that was asked for
        logger().warning("http.connection_failed", said=msg.partition("%")[0], exc_info=True)

    def reopen_files(self) -> None:
        pass

    def close_on_exec(self) -> None:
        pass

    def access(self, *_: Any, **__: Any) -> None:
        pass


class _Said:
    """Takes what gunicorn says by level: what it finds worth an info, we find worth a debug.

    What it finds worth a debug has every request's address in it, with the ids and names that are there.
    """

    def debug(self, *_: Any, **__: Any) -> None:
        pass

    def __getattr__(self, level: str) -> Callable[..., None]:
        tell = getattr(logger(), "debug" if level == "info" else level)
        return lambda msg, *args, **_: tell("http.gunicorn", said=msg % args if args else msg)


def main(arguments: Iterable[str]) -> int:
    """Serve as a task says; only the daemon calls this."""
    # the daemon's threads have signals wait for one of them, and a child inherits that
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    (written,) = arguments
    given = json.loads(written)
    task = Task(**(given | {"sockets": tuple(given["sockets"])}))
    configure_logs()
    config = _loaded(Path(task.config))
    if config is None:
        return 1
    if task.parent is not None:
        end_with_parent(task.parent)
    Master(task, config).run()
    return 0


def _loaded(path: Path) -> Config | None:
    """Return the config, None if it can't be used, which is told."""
    try:
        config = load_config(path, outside=False)
    except InputError as error:
        logger().error("http.config_refused", problems=list(map(str, error.problems)))
        return None
    except ProvisionerError as error:
        logger().error("http.config_refused", problems=[str(error)])
        return None
    configure_logs(secrets=secrets_of(config))
    return config


def _child_exit(_: Any, worker: Any) -> None:
    if metrics.FOLDER in os.environ:
        metrics.process_ended(worker.pid)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
