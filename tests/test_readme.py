"""What the first page shows is what the program reads."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import click
import pytest

from mappings import load_mapping
from provisioner.cli import provisioner
from provisioner.config import Config, load_config
from provisioner.console.api.handlers import ROUTES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONFIG, MAPPING, *PARTS = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
TENANT = "      tenant_id: abc\n      client_id: def\n      client_secret: ghi\n"
FLOORS = ("provisioner", "mappings", "connectors", "benchmarks")
PAGES = [*ROOT.glob("*.md"), *(page for floor in FLOORS for page in (ROOT / floor).rglob("*.md"))]
PLACES = re.findall(r"([\w-]+)(?:,| ) *mappings/demo\.yaml:(\d+):(\d+)", README)


def read(folder: Path, text: str) -> Config:
    """Read a config in a folder of its own, the mapping beside that."""
    for name in ("config", "mappings"):
        (folder / name).mkdir()
    (folder / "mappings" / "emea.yaml").write_text(MAPPING, encoding="utf-8")
    (folder / "config" / "emea.yaml").write_text(text, encoding="utf-8")
    return load_config(folder / "config" / "emea.yaml", {"SCIM_TOKEN": "a", "ZOOM_SECRET": "b"})


def test_the_config_and_the_mapping_that_it_shows_fit_each_other(tmp_path: Path) -> None:
    sync = read(tmp_path, CONFIG).syncs["emea"]

    mapping = load_mapping(sync.mapping, sync.people, sync.pools)

    assert [rule.name for rule in mapping.rules] == ["munich-sales"]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.partition(":")[0])
def test_each_part_of_a_config_that_it_shows_can_be_read(tmp_path: Path, part: str) -> None:
    name = part.partition(":")[0]
    if name == "server":
        of_others = re.compile(r"\{kind: scim_endpoint.*\}\n")
        text = of_others.sub("{kind: pushed, name: entra}\n", CONFIG) + part
    else:
        more = TENANT if name == "phone_system" else ""
        text = re.sub(rf"\n    {name}:.*", "", CONFIG) + indent(part, "    ") + more

    assert list(read(tmp_path, text).syncs) == ["emea"]


def test_where_the_sample_says_that_a_rule_is_it_is() -> None:
    lines = (ROOT / "mappings" / "demo.yaml").read_text(encoding="utf-8").splitlines()

    assert len(PLACES) == 3
    for rule, line, column in PLACES:
        of_rule = [text for text in lines[: int(line)] if text.startswith("  - name: ")]
        assert of_rule[-1] == f"  - name: {rule}"
        assert lines[int(line) - 1].lstrip().startswith("give: ")
        assert lines[int(line) - 1][int(column) - 2] in "{["  # the value begins behind it


def test_the_table_of_the_api_has_every_operation_and_no_other() -> None:
    shown = re.findall(r"`(GET|POST) (/[^`?]*)`", README)

    assert sorted(shown) == sorted((route.method.upper(), route.path) for route in ROUTES.listed)


def shown(page: Path) -> Iterator[list[str]]:
    """Yield the words of every command that stands on a line of its own, or between backticks."""
    text = page.read_text(encoding="utf-8").replace("\\|", "|")
    for line in re.findall(
        r"^(?: {4}|\$ )(provisioner .*)$|`(provisioner [^`]*)`", text, re.MULTILINE
    ):
        command = re.sub(r"(?:^| )#.*| &$|…|\n", " ", "".join(line))
        yield shlex.split(command)[1:]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_that_a_page_shows_is_one_with_these_options(page: Path) -> None:
    for words in shown(page):
        command: click.Command = provisioner
        while words and isinstance(command, click.Group) and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        known = {name for param in command.params for name in param.opts}
        assert command is not provisioner, words
        assert not isinstance(command, click.Group) or not words or command.params, words
        assert {word for word in words if word.startswith("-")} <= known, (command.name, words)
