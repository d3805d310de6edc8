"""Secrets in config: read where they are written, hidden from whoever prints them, one problem where they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.errors import InputError
from provisioner.config import load_config
from provisioner.secret import Secret
from tests.provisioner.configs import LEAST, Load, load, problems

__all__ = ["load"]


def zoom(secret: str) -> str:
    system = f"{{kind: zoom, account_id: abc, client_id: def, client_secret: {secret}}}"
    return LEAST.replace("{kind: snapshot, path: phones.jsonl}", system)


@pytest.mark.parametrize("written", ["{env: ZOOM_SECRET}", "{file: secret.txt}", "s3cr3t"])
def test_a_secret_is_known_to_its_user_and_hidden_from_whoever_prints(
    load: Load, written: str
) -> None:
    Path("secret.txt").write_text("s3cr3t\n")

    config = load(zoom(written))

    secret = config.syncs["emea"].phone_system.options["client_secret"]
    assert secret == "s3cr3t"
    assert isinstance(secret, Secret)
    assert "s3cr3t" not in repr(config)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{env: NOT_SET}", "the environment variable NOT_SET isn't set"),
        ("{env: EMPTY}", "the variable EMPTY is empty"),
        ("{env: 5}", "env: must be followed by a name"),
        ("{file: none.txt}", "the file none.txt can't be read: No such file"),
        ("{file: empty.txt}", "the file empty.txt is empty"),
        ("{file: bytes.txt}", "the file bytes.txt isn't UTF-8 text"),
    ],
)
def test_a_secret_that_is_not_there_is_one_problem_at_its_place(
    load: Load, written: str, said: str
) -> None:
    Path("empty.txt").write_text("\n")
    Path("bytes.txt").write_bytes(b"\xff\xfe")

    (problem,) = problems(load, zoom(written), {"EMPTY": ""})

    assert problem.startswith("c.yaml:6:80: syncs.emea.phone_system.client_secret: ")
    assert said in problem


def test_who_asks_nobody_outside_needs_no_secret_of_theirs(load: Load) -> None:
    Path("c.yaml").write_text(zoom("{env: NOT_SET}"))

    config = load_config(Path("c.yaml"), {}, outside=False)

    assert config.syncs["emea"].phone_system.kind == "zoom"
    with pytest.raises(InputError, match="NOT_SET isn't set"):
        load_config(Path("c.yaml"), {})


def test_a_secret_that_must_have_a_form_is_read_all_the_same(load: Load) -> None:
    text = zoom("{env: NOT_SET}").replace("client_id: def", "client_id: def, api_url: {env: API}")
    Path("c.yaml").write_text(text)

    with pytest.raises(InputError, match="API isn't set"):
        load_config(Path("c.yaml"), {}, outside=False)
    environ = {"API": "https://zoom.example.org/v2", "NOT_SET": "s3cr3t"}
    system = load_config(Path("c.yaml"), environ, outside=False).syncs["emea"].phone_system

    assert system.options["api_url"] == "https://zoom.example.org/v2"


def test_another_mistake_is_told_without_a_word_of_secrets_that_nobody_needs(load: Load) -> None:
    text = zoom("{env: NOT_SET}").replace("version: 1", "version: 1\nservr: {}")
    Path("c.yaml").write_text(text)

    with pytest.raises(InputError) as refused:
        load_config(Path("c.yaml"), {}, outside=False)

    (problem,) = refused.value.problems
    assert "servr" in str(problem)


def test_a_column_may_be_called_file_or_env_without_being_a_secret(load: Load) -> None:
    text = LEAST.replace("path: people.csv", "path: people.csv, columns: {file: title}")

    assert load(text).syncs["emea"].directories[0].options["columns"] == {"file": "title"}


def test_a_store_with_a_password_is_a_secret(load: Load) -> None:
    url = "postgresql://u:hunter2@db.example.org/provisioner"

    config = load("store: {env: STORE}\n" + LEAST, {"STORE": url})

    assert config.store == "postgresql+psycopg://u:hunter2@db.example.org/provisioner"
    assert "hunter2" not in repr(config)
