"""The console of one installation, as a test visits it: without a browser, or served for one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from provisioner.commands.plans import site_of
from provisioner.console.desk import Desk
from provisioner.console.errands import Begun, Errands
from provisioner.scheduler import View
from provisioner.serving import Served
from provisioner.web import admin
from tests.scenarios.installation import Installation

HOST = {"Host": "127.0.0.1:8081"}


class Asked:
    """A clockwork that only notes which syncs it is asked to start; it knows how they stand from `known`."""

    def __init__(self) -> None:
        self.started: list[tuple[str, str]] = []
        self.known: dict[str, View] = {}

    def views(self) -> dict[str, View]:
        """Return how it stands with each sync."""
        return self.known

    def start(self, sync: str, by: str, begun: Begun) -> None:
        """Note it."""
        self.started.append((sync, by))
        begun("a-run-of-its-own")


class Visit:
    """The application over an installation; `errands` is what it carries out in the background."""

    def __init__(self, installation: Installation, desk: Desk | None = None) -> None:
        site = site_of(installation.folder / "config.yaml")
        self.clockwork, self.errands = Asked(), Errands()
        self.desk = desk or Desk(lambda: site, self.clockwork, self.errands)
        self.app: Flask = admin.create_app([], lambda: site, self.desk)
        self.client = self.app.test_client()

    def get(self, path: str, status: int = 200) -> str:
        """Return a page, which must be answered with this status."""
        answer = self.client.get(path, headers=HOST)
        assert answer.status_code == status, answer.text
        return answer.text

    def post(self, path: str, page: str | None = None, **fields: Any) -> TestResponse:
        """Send a form as the `page` that has it (else the one at its own address) gives it out."""
        page = self.get(path if page is None else page)
        token = page.partition('name="csrf" value="')[2].partition('"')[0]
        return self.client.post(path, data={"csrf": token, **fields}, headers=HOST)

    def told(self, answer: TestResponse) -> str:
        """Return the page that a form leads to."""
        assert answer.status_code == 303, answer.text
        return self.get(answer.headers["Location"])

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve it; give the address."""
        served = Served(self.app, "127.0.0.1:0")
        served.start()
        try:
            yield served.url
        finally:
            self.errands.end()
            served.stop()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def words(page: str) -> str:
    """Return what a page says, blanks made one."""
    reader = _Reader()
    reader.feed(page)
    return " ".join(" ".join(reader.text).split())


def elements(page: str, tag: str) -> list[dict[str, str | None]]:
    """Return the attributes of each of a page's elements of this kind."""
    reader = _Reader()
    reader.feed(page)
    return [attributes for name, attributes in reader.elements if name == tag]


def links(page: str) -> list[str]:
    """Return where a page leads."""
    return [str(each["href"]) for each in elements(page, "a")]


def at(text: str) -> datetime:
    """Return a moment of the tests' day, by its time in UTC."""
    return datetime.fromisoformat(f"2026-11-23T{text}+00:00")
