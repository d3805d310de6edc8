"""The console's door over HTTP, before a real daemon: what is served where, and to whom.

Nothing is at /api/v1/nowhere: whoever is let in is told so (404), and nobody else (401).
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.provisioner.web.served import Pushed, Running, raw, rest, soon

PRIVATE = ("/", "/sign-in", "/api/v1/nowhere", "/api/v1/openapi.json", "/metrics", "/plans")
STRANGE = f"prov_{'0' * 12}_{'0' * 64}"
LET_IN, STOPPED_AT_THE_DOOR = 404, 401

TOLD = """\
import os, sys
def told(event, given):
    if event == "import" and (given[0] + ".").startswith("provisioner.console."):
        with open({path!r}, "a") as file:
            file.write(f"{{os.getpid()}}\\n")
sys.addaudithook(told)
"""


class Console(Pushed):
    """An installation with a console, and who asks at it."""

    def __init__(self, folder: Path, admin_host: str = "127.0.0.1", **console: object) -> None:
        super().__init__(folder)
        self.admin_url = f"http://{self.admin}"
        self.listens_at = self.admin.replace("127.0.0.1", admin_host)
        self.reconfigure(**console)

    def reconfigure(self, **console: object) -> None:
        """Write the config, with this as `server.console`."""
        self.configure(admin_bind=self.listens_at, console=console)

    def operator(self, name: str = "eva", *options: str) -> str:
        """Make an operator's token at the command line."""
        ran = self.emea.shell("token create", "--console", "--name", name, *options)
        assert ran.status == 0, ran.said
        return ran.out.strip()

    def ask(
        self, path: str = "/api/v1/nowhere", token: str | None = None, **headers: str
    ) -> requests.Response:
        """Ask at the console."""
        shown = {} if token is None else {"Authorization": f"Bearer {token}"}
        url = f"{self.admin_url}{path}"
        return requests.get(url, headers=shown | headers, timeout=20, allow_redirects=False)

    def status(self, token: str | None = None, **headers: str) -> int:
        """Return what is answered to whoever asks for what isn't there."""
        return self.ask(token=token, **headers).status_code

    def browser(self, token: str) -> requests.Session:
        """Sign in as a browser does; the session is let in."""
        session = requests.Session()
        form = session.get(f"{self.admin_url}/sign-in", timeout=20).text
        csrf = re.search(r'name="csrf" value="(\w+)"', form)
        assert csrf
        data = {"csrf": csrf[1], "token": token, "next": "/api/v1/nowhere"}
        answer = session.post(f"{self.admin_url}/sign-in", data=data, timeout=20)
        assert answer.status_code == LET_IN, answer.text
        return session

    def with_session(self, session: requests.Session) -> int:
        """Return what a session is answered."""
        return session.get(f"{self.admin_url}/api/v1/nowhere", timeout=20).status_code


@pytest.fixture
def loopback(tmp_path: Path) -> Iterator[Console]:
    console = Console(tmp_path)
    with console.running("daemon"):
        yield console


@pytest.fixture
def token(tmp_path: Path) -> Iterator[Console]:
    console = Console(tmp_path, admin_host="0.0.0.0")
    with console.running("daemon"):
        yield console


@pytest.mark.parametrize("command", ["daemon", "receiver"])
def test_the_public_listener_neither_serves_nor_imports_the_console(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "imported"
    told.touch()
    (tmp_path / "sitecustomize.py").write_text(TOLD.format(path=str(told)))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    console = Console(tmp_path)
    scim = console.token()
    with console.running(command) as running:
        serving, daemon = set(running.all_workers()), running.process.pid
        found = {path: requests.get(f"{console.url}{path}", timeout=20) for path in PRIVATE}
        shown = {"Authorization": f"Bearer {scim}"}
        users = requests.get(f"{console.url}/scim/v2/Users", headers=shown, timeout=20)
        importing = set(map(int, told.read_text().split()))

    assert {path: a.status_code for path, a in found.items()} == dict.fromkeys(PRIVATE, 404)
    assert users.status_code == 200
    assert not importing & serving
    assert (daemon in importing) == (command == "daemon")


def test_on_a_loopback_address_whoever_is_on_the_machine_is_in(loopback: Console) -> None:
    assert loopback.status() == LET_IN
    assert loopback.status(loopback.token()) == STOPPED_AT_THE_DOOR
    assert loopback.status(loopback.operator()) == LET_IN
    assert loopback.ask("/metrics").status_code == 200


def test_a_page_that_has_its_name_mean_our_address_reaches_nothing(loopback: Console) -> None:
    answer = loopback.ask(Host="evil.example:8081")

    assert answer.status_code == 421
    assert (
        loopback.ask("/metrics", Host="evil.example", **{"Accept-Language": "en"}).status_code
        == 421
    )
    assert loopback.ask("/metrics", Host="scraped.example").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"},
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/nowhere", "/nowhere", "/sign-in", "/sign-out"])
def test_another_sites_form_is_stopped_at_the_door(
    loopback: Console, path: str, headers: dict[str, str]
) -> None:
    url = f"{loopback.admin_url}{path}"

    assert requests.post(url, data={"by": "eva"}, headers=headers, timeout=20).status_code == 403


def test_elsewhere_nobody_is_in_without_an_operators_token(token: Console) -> None:
    scim, operator = token.token(), token.operator()
    strangers, page = token.ask(token=STRANGE), token.ask("/")

    assert token.status() == STOPPED_AT_THE_DOOR
    assert (page.status_code, page.headers["Location"]) == (303, "/sign-in")
    assert token.status(operator) == LET_IN
    assert token.ask("/metrics").status_code == 200
    of_scim = token.ask(token=scim)
    assert (of_scim.status_code, of_scim.text) == (STOPPED_AT_THE_DOOR, strangers.text)


def test_an_operators_token_is_nobodys_at_the_receiver(token: Console) -> None:
    users = f"{token.url}/scim/v2/Users"

    operators, strangers = (
        requests.get(users, headers={"Authorization": f"Bearer {text}"}, timeout=20)
        for text in (token.operator(), STRANGE)
    )

    assert (operators.status_code, operators.text) == (401, strangers.text)
    assert operators.headers["WWW-Authenticate"] == strangers.headers["WWW-Authenticate"]


@pytest.mark.parametrize("end", [("revoke", "eva"), ("rotate", "eva", "--overlap", "0s")])
def test_whoever_ends_a_token_has_ended_its_sessions_when_the_command_comes_back(
    token: Console, end: tuple[str, ...]
) -> None:
    text, other = token.operator(), token.operator("jan")
    session, others = token.browser(text), token.browser(other)

    assert token.emea.shell(f"token {end[0]}", *end[1:]).status == 0

    assert token.status(text) == token.with_session(session) == STOPPED_AT_THE_DOOR
    assert token.status(other) == token.with_session(others) == LET_IN


def test_a_token_that_expires_takes_its_sessions_along(token: Console) -> None:
    text = token.operator("eva", "--expires", "5s")
    session = token.browser(text)

    soon(lambda: token.with_session(session) == STOPPED_AT_THE_DOOR)
    assert token.status(text) == STOPPED_AT_THE_DOOR


def test_a_proxys_word_is_taken_from_its_address_alone(tmp_path: Path) -> None:
    console = Console(
        tmp_path, sign_in="proxy", user_header="X-Forwarded-User", proxies=["127.0.0.1"]
    )
    named = {"X-Forwarded-User": "eva"}
    with console.running("daemon") as running:
        assert console.status(**named) == LET_IN
        assert console.status() == STOPPED_AT_THE_DOOR
        assert console.status(X_Forwarded_User="eva") == STOPPED_AT_THE_DOOR
        assert twice(console, "X-Forwarded-User: mallory", "X-Forwarded-User: eva") == 401
        assert console.status(console.token()) == STOPPED_AT_THE_DOOR
        assert console.status(console.operator()) == LET_IN

        console.reconfigure(sign_in="proxy", user_header="X-Forwarded-User", proxies=["10.0.0.7"])
        reread(running)
        assert console.status(**named) == STOPPED_AT_THE_DOOR
        forwarded = {"X-Forwarded-For": "10.0.0.7"}
        assert console.status(**named, **forwarded) == STOPPED_AT_THE_DOOR


def test_how_operators_sign_in_changes_without_a_restart(tmp_path: Path) -> None:
    console = Console(tmp_path)
    with console.running("daemon") as running:
        assert console.status() == LET_IN
        console.reconfigure(sign_in="token", hosts=["console.example.org"])
        reread(running)

        assert console.status() == STOPPED_AT_THE_DOOR
        assert console.status(console.operator(), Host="console.example.org") == LET_IN


def test_what_is_no_request_of_ours_is_answered_in_a_few_words(loopback: Console) -> None:
    nameless = sent(loopback, b"GET / HTTP/1.0\r\n\r\n")
    large = sent(
        loopback, b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\n"
    )

    assert nameless.startswith("HTTP/1.0 400 ")
    assert large.startswith("HTTP/1.1 413 ")
    assert "Traceback" not in nameless + large


def reread(running: Running) -> None:
    """Have the daemon read its config again."""
    before = len(running.told("daemon.reloaded"))
    running.process.send_signal(signal.SIGHUP)
    soon(lambda: len(running.told("daemon.reloaded")) > before)


def twice(console: Console, *lines: str) -> int:
    """Return the status of a request with these header lines, which may have the same name."""
    head = "\r\n".join(
        ["GET /api/v1/nowhere HTTP/1.1", "Host: localhost", "Connection: close", *lines]
    )
    return int(sent(console, f"{head}\r\n\r\n".encode()).split()[1])


def sent(console: Console, request: bytes) -> str:
    """Return what is answered to bytes as they are."""
    with raw(console.admin_url) as connection:
        connection.sendall(request)
        return rest(connection)
