"""Faults for any simulated vendor: what the network, a busy service and a lagging copy do to requests.

    app = Faulty(vendor_app, vendor, parse("30%,timeout=0%", seed=7))

`spec` is the language of `--faults`, `middleware` what happens to a request, `gate` holds requests at a
point for crash tests, `portal` steers both over HTTP. What only the vendor knows (its error bodies, its
tokens, its seats) a `Vendor` gives; nothing here knows any of them.
"""

from __future__ import annotations

from .middleware import LATE_S, Faulty
from .spec import KINDS, Faults, SpecError, parse
from .vendor import Answer, Vendor

__all__ = ["KINDS", "LATE_S", "Answer", "Faults", "Faulty", "SpecError", "Vendor", "parse"]
