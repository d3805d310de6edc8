"""Risks and kinds of change, as config names them."""

from __future__ import annotations

import pytest

from provisioner import config_guards


def test_what_is_no_text_is_no_risk_and_no_kind() -> None:
    for value in (["safe"], {"kind": "safe"}):
        with pytest.raises(ValueError, match="must be one of"):
            config_guards.risk_or_kind(value)
        with pytest.raises(ValueError, match="is no kind of change"):
            config_guards.kind(value)
