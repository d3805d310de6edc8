"""What a Host header may say (RFC 9110 section 7.2): a name or an address, and perhaps a port."""

from __future__ import annotations

import re

HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
"""The whole of one; an IPv6 address stands in brackets."""
