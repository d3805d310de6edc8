"""The console as JSON: `/api/v1`, and the OpenAPI document that says what it is."""

from provisioner.console.api.application import blueprint

__all__ = ["blueprint"]
