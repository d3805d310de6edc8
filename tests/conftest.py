"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# a property is true or not, however busy the machine is
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
