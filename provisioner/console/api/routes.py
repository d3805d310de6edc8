"""What a route is: declared once, with what it takes and gives, from which routing and document are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Response
from marshmallow import Schema

from provisioner.console.desk import Desk


@dataclass(frozen=True, slots=True)
class Given:
    """What a request gives, each part as its schema has loaded it. `by`: who asks for something to be done."""

    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Mapping[str, Any]
    by: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request is answered with; `location`: where what came of it is, below the API's own path."""

    document: Mapping[str, Any]
    location: str | None = None


Handler = Callable[[Desk, Given], Answer | Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation. `path` as OpenAPI writes it; `shows` describes its answer, which has this `status`.

    `summary` is a line for people, `told` more of it. `accepts`: the body's schema, None where it takes
    none and changes nothing.
    """

    method: str
    path: str
    summary: str
    handler: Handler
    shows: type[Schema] | type
    query: type[Schema] | None = None
    accepts: type[Schema] | None = None
    status: int = 200
    located: bool = False
    told: str = ""

    @property
    def name(self) -> str:
        """The operation's id: its handler's name."""
        return self.handler.__name__


@dataclass(slots=True)
class Routes:
    """Routes as they are declared, in their order."""

    listed: list[Route] = field(default_factory=list)

    def get(
        self,
        path: str,
        shows: type[Schema] | type,
        query: type[Schema] | None = None,
    ) -> Callable[[Handler], Handler]:
        """Declare what answers GET; the handler's docstring says what that is."""
        return self._add("get", path, shows=shows, query=query)

    def post(
        self,
        path: str,
        accepts: type[Schema],
        shows: type[Schema] | type,
        *,
        status: int = 200,
    ) -> Callable[[Handler], Handler]:
        """Declare what carries something out; with another status than 200 its answer says where that is."""
        return self._add(
            "post", path, accepts=accepts, shows=shows, status=status, located=status != 200
        )

    def _add(self, method: str, path: str, **given: Any) -> Callable[[Handler], Handler]:
        def add(handler: Handler) -> Handler:
            summary, _, told = (handler.__doc__ or "").partition("\n\n")
            given["summary"], given["told"] = summary.strip(), " ".join(told.split())
            self.listed.append(Route(method, path, handler=handler, **given))
            return handler

        return add
