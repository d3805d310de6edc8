"""The conditions that a client puts on a write: do it only if the resource is still what was read."""

from __future__ import annotations

from typing import NamedTuple

from provisioner.scim.etag import refuse_if, refuse_unless


class Preconditions(NamedTuple):
    """The If-Match and If-None-Match headers of a request, where it has them."""

    if_match: str | None = None
    if_none_match: str | None = None

    def check(self, tag: str) -> None:
        """Raise ScimError 412 unless a resource with that entity tag may be written."""
        refuse_unless(self.if_match, tag)
        refuse_if(self.if_none_match, tag)


ALWAYS = Preconditions()
"""No conditions."""
