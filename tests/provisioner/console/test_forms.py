"""Forms: only one that this browser was given, for this operator, changes anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioner.console import forms
from provisioner.console_config import ConsoleConfig
from tests.provisioner.console.entered import Behind, bearer

PROXY = ConsoleConfig(sign_in="proxy", user_header="X-User", proxies=("127.0.0.1",))


@pytest.fixture
def nobody(tmp_path: Path) -> Behind:
    return Behind(tmp_path)


def test_a_form_that_was_given_out_is_taken(nobody: Behind) -> None:
    answer = nobody.post("/decide", data={"csrf": nobody.form(), "by": "eva"})

    assert (answer.status_code, answer.text) == (200, "eva")


def test_a_script_sends_the_text_in_a_header(nobody: Behind) -> None:
    headers = {forms.HEADER: nobody.form()}

    assert nobody.post("/decide", data={"by": "eva"}, headers=headers).status_code == 200


@pytest.mark.parametrize("text", [None, "", "0" * 64, "ž"])
def test_a_form_without_its_text_changes_nothing(nobody: Behind, text: str | None) -> None:
    nobody.form()

    answer = nobody.post("/decide", data={"by": "eva"} | ({} if text is None else {"csrf": text}))

    assert answer.status_code == 403
    assert "load its page again" in answer.text


def test_a_form_is_no_good_in_another_browser(nobody: Behind) -> None:
    text = nobody.form()
    nobody.client = nobody.app.test_client()
    nobody.form()

    assert nobody.post("/decide", data={"csrf": text, "by": "eva"}).status_code == 403


def test_a_form_is_no_good_for_another_operator(tmp_path: Path) -> None:
    proxy = Behind(tmp_path, PROXY)
    text = proxy.form(headers={"X-User": "mallory"})

    answers = [
        proxy.post("/decide", data={"csrf": text}, headers={"X-User": name}).status_code
        for name in ("eva", "mallory")
    ]

    assert answers == [403, 200]


def test_a_form_from_before_signing_in_is_no_good_after_it(tmp_path: Path) -> None:
    behind = Behind(tmp_path, ConsoleConfig(sign_in="token"))
    before = behind.form("/sign-in")
    behind.sign_in(behind.token())

    assert behind.post("/decide", data={"csrf": before}).status_code == 403
    assert behind.post("/decide", data={"csrf": behind.form()}).text == "eva"


def test_a_sessions_form_outlives_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = Behind(tmp_path, ConsoleConfig(sign_in="token"))
    behind.sign_in(behind.token())
    text = behind.form()
    monkeypatch.setattr(forms, "_KEY", b"another process's")

    assert behind.post("/decide", data={"csrf": text}).status_code == 200


def test_a_program_with_a_token_needs_no_text(nobody: Behind) -> None:
    answer = nobody.post("/decide", headers=bearer(nobody.token()))

    assert answer.text == "eva"


def test_the_name_that_was_given_is_remembered_in_the_browser(nobody: Behind) -> None:
    nobody.post("/decide", data={"csrf": nobody.form(), "by": "Eva Mal\u00e1"})

    assert nobody.get("/name").text == "Eva Mal\u00e1"


def test_no_text_is_set_for_who_was_given_no_form(nobody: Behind) -> None:
    assert "Set-Cookie" not in nobody.get().headers
