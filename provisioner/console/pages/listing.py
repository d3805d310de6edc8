"""Lists that are longer than a page: which part of one is asked for, and where the others are."""

from __future__ import annotations

from typing import NamedTuple

from flask import request

from provisioner.console.pages.words import address

NEWEST_FIRST = ("Newest", "Older")
IN_ORDER = ("First", "Next")
"""What leads back to a list's first page, and on to the next one."""


class Listing(NamedTuple):
    """What is asked for of a list: what is of a sync, None for all; from the place `before` on, None for the first."""

    sync: str | None
    before: str | None

    @classmethod
    def asked(cls) -> Listing:
        """Return what the request's address asks for."""
        return cls(request.args.get("sync") or None, request.args.get("before") or None)

    def pages(
        self,
        path: str,
        next: str | None,
        names: tuple[str, str] = NEWEST_FIRST,
        *also: tuple[str, str | None],
    ) -> dict[str, str]:
        """Return the links to other pages of the list at `path`.

        `next`: the cursor of the next one, if there is one. `also`: what else their addresses say.
        """
        chosen = [("sync", self.sync), *also]
        back, on = names
        return {
            "newer": address(path, *chosen) if self.before else "",
            "newer_name": back,
            "older": address(path, *chosen, ("before", next)) if next else "",
            "older_name": on,
            "words": "",
        }
