"""Graph's errors: a body of code, message and innerError under an HTTP status.

Business rules of licensing all come as 400 Request_BadRequest: only the message tells them apart.
Their texts are those that Graph's own examples and the clients in the field quote.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

BAD_REQUEST = "Request_BadRequest"


class GraphError(Exception):
    """An answer that refuses: `status` (HTTP), `code` and `message`; `headers` go with it."""

    def __init__(
        self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})

    def body(self, date: str, request_id: str, client_request_id: str | None) -> dict[str, Any]:
        """Return the JSON body; `date` is the time without a zone, as Graph writes it here."""
        inner = {
            "date": date,
            "request-id": request_id,
            "client-request-id": client_request_id or request_id,
        }
        return {"error": {"code": self.code, "message": self.message, "innerError": inner}}


def refused(message: str) -> GraphError:
    """Return 400 Request_BadRequest with its own sentence."""
    return GraphError(400, BAD_REQUEST, message)


def malformed(message: str) -> GraphError:
    """Return 400 BadRequest: the request itself can't be read."""
    return GraphError(400, "BadRequest", message)


def unsupported(message: str) -> GraphError:
    """Return 400 Request_UnsupportedQuery."""
    return GraphError(400, "Request_UnsupportedQuery", message)


def no_property(name: str, kind: str) -> GraphError:
    """Return 400 for a property that the type does not have."""
    return malformed(
        f"Parsing OData Select and Expand failed: Could not find a property named '{name}' on type"
        f" 'microsoft.graph.{kind}'."
    )


def not_found(id_: str) -> GraphError:
    """Return 404 Request_ResourceNotFound."""
    return GraphError(
        404,
        "Request_ResourceNotFound",
        f"Resource '{id_}' does not exist or one of its queried reference-property objects are not"
        " present.",
    )


def no_location() -> GraphError:
    """Return 400: the user has no usage location."""
    return refused("License assignment cannot be done for user with invalid usage location.")


def no_seat(sku: str) -> GraphError:
    """Return 400: every seat of the product is taken."""
    return refused(f"Subscription with SKU {sku} does not have any available licenses.")


def unmet(plan: str, needs: Iterable[str]) -> GraphError:
    """Return 400: a service plan depends on others; all are named by their GUIDs."""
    return refused(
        f"License assignment failed because service plan {plan} depends on the service plan(s)"
        f" {', '.join(needs)}"
    )


def exclusive(first: str, second: str) -> GraphError:
    """Return 400: two service plans exclude each other."""
    return refused(
        f"License assignment failed because service plans {first} and {second} are mutually exclusive"
    )


def not_held() -> GraphError:
    """Return 400: the license isn't assigned directly; also where a group gives it."""
    return refused("User does not have a corresponding license.")


def nothing_to_do() -> GraphError:
    """Return 400: neither an addition nor a removal."""
    return refused("No license changes provided")


def not_subscribed(sku: str) -> GraphError:
    """Return 400: the tenant has no subscription to the product."""
    return refused(f"License {sku} does not correspond to a valid company License.")
