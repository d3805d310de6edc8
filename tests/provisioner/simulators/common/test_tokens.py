"""Tokens that hold something: what was made is read again, and nothing else is."""

from __future__ import annotations

import pytest

from provisioner.simulators.common.tokens import make_token, read_token


def test_a_token_is_read_with_the_secret_that_made_it_alone() -> None:
    content = ["/users", "{}", 7, 1.5]

    token = make_token("secret", content)

    assert read_token("secret", token) == content
    assert read_token("other", token) is None
    assert read_token(None, make_token(None, content)) == content


@pytest.mark.parametrize("change", [lambda t: t[:-2], lambda t: "A" + t[1:], lambda t: "é" + t])
def test_a_token_that_was_tampered_with_is_none_of_ours(change: object) -> None:
    assert callable(change)

    assert read_token("secret", change(make_token("secret", ["/users"]))) is None
