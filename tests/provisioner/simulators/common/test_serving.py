"""A simulator that is served in a thread answers meanwhile, and nobody after."""

from __future__ import annotations

import pytest
import requests
from flask import Flask

from provisioner.simulators.common.serving import running


def test_it_answers_while_the_block_runs_and_frees_the_port_after() -> None:
    app = Flask("told")
    app.add_url_rule("/", view_func=lambda: "here")

    with running(app) as url, requests.Session() as client:
        assert client.get(url, timeout=10).text == "here"  # and the connection stays open

    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=10)
