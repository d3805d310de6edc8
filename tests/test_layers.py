"""How the house hangs together: imports run one way, the middle touches nothing, files say what they are.

    provisioner -> mappings -> connectors

A connector knows the shared values, the errors, the filter language and its own folder; a simulator
knows its own folder and what simulators have in common; mapping and planning neither read, write, wait
nor ask the time.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("provisioner", "mappings", "connectors")
SHARED = {
    "connectors.credits",
    "connectors.records",
    "connectors.errors",
    "connectors.operations",
    "connectors.scim_filter",
    "connectors.scim_schema",
}
"""What every connector may import."""

FILES = sorted(
    path
    for folder in OURS
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
)
MIDDLE = [
    path
    for path in FILES
    if path.is_relative_to(ROOT / "mappings") or path.is_relative_to(ROOT / "provisioner" / "plan")
]
LOADS = {
    "mappings/load.py",
    "mappings/lookups.py",
    "mappings/places.py",
    "mappings/yaml_file.py",
}
"""The files of the middle that may read a file: those that load mappings."""

OUTSIDE_MODULES = {
    "io", "os", "random", "requests", "secrets", "shutil", "socket", "sqlalchemy", "sqlite3",
    "subprocess", "tempfile", "threading", "time", "urllib", "uuid",
}  # fmt: skip
OUTSIDE_CALLS = {
    "input", "now", "open", "print", "read_bytes", "read_text", "sleep", "today", "utcnow",
    "write_bytes", "write_text",
}  # fmt: skip


def name_of(path: Path) -> str:
    """Return a file's dotted module name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def label(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[str]:
    """Yield every module of ours that a file imports, in functions and for types too."""
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parts, base] if base else parts)
            # `from package import module` imports the module
            names = [
                f"{base}.{alias.name}" if is_module(f"{base}.{alias.name}") else base
                for alias in node.names
            ]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] in OURS)


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def connector_of(module: str) -> str | None:
    """Return which connector a module belongs to: its folder, or the kind that its file is named for.

    >>> connector_of("connectors.phone.zoom.calls"), connector_of("connectors.records")
    ('connectors.phone.zoom', None)
    """
    parts = module.split(".")
    if len(parts) < 3:
        return None
    own = ".".join(parts[:3])
    if ROOT.joinpath(*parts[:3]).is_dir():
        return own
    # a kind in one file may keep siblings named for the same thing: scim_endpoint, scim_pages
    return ".".join([*parts[:2], parts[2].split("_")[0]])


@pytest.mark.parametrize("path", FILES, ids=label)
def test_imports_run_from_the_top_shelf_down(path: Path) -> None:
    floor = OURS.index(name_of(path).split(".")[0])

    above = [name for name in imported(path) if OURS.index(name.split(".")[0]) < floor]

    assert above == []


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if connector_of(name_of(p)) is not None and OURS[2] in p.parts],
    ids=label,
)
def test_a_connector_knows_the_shared_values_and_its_own_folder(path: Path) -> None:
    own = connector_of(name_of(path))

    foreign = [name for name in imported(path) if name not in SHARED and connector_of(name) != own]

    assert foreign == []


@pytest.mark.parametrize(
    "path", sorted((ROOT / "provisioner" / "simulators").rglob("*.py")), ids=label
)
def test_a_simulator_knows_nothing_of_what_it_is_there_to_test(path: Path) -> None:
    own = ROOT / "provisioner" / "simulators"
    folder = name_of(path.parent if path.parent != own else path)

    common = "provisioner.simulators.common"
    foreign = [name for name in imported(path) if not name.startswith((folder, common))]

    assert foreign == []


@pytest.mark.parametrize("path", MIDDLE, ids=label)
def test_the_middle_reads_nothing_writes_nothing_and_asks_nobody_the_time(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    }
    calls = {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    }

    assert modules & OUTSIDE_MODULES == set()
    allowed = {"open", "read_bytes", "read_text"} if label(path) in LOADS else set()
    assert calls & OUTSIDE_CALLS - allowed == set()


@pytest.mark.parametrize("path", MIDDLE, ids=label)
def test_the_middle_knows_no_store_no_config_and_no_command(path: Path) -> None:
    edges = ("provisioner.store", "provisioner.commands", "provisioner.http", "provisioner.wiring")

    assert [name for name in imported(path) if name.startswith(edges)] == []


@pytest.mark.parametrize("path", FILES, ids=label)
def test_every_module_begins_with_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert not text.strip() or ast.get_docstring(ast.parse(text)), "a docstring comes first"


@pytest.mark.parametrize("path", FILES, ids=label)
def test_no_file_outgrows_what_a_reader_takes_in(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert len(text.splitlines()) <= 450
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 70, node.name
        if isinstance(node, ast.ClassDef):
            assert "Manager" not in node.name


def written() -> list[Path]:
    """Return every file of the project that somebody wrote, but for what CI and benches may look for."""
    folders = [ROOT / name for name in (*OURS, "config", "tests")]
    listed = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    listed += [path for path in ROOT.glob("*") if path.suffix in (".md", ".toml", ".yaml")]
    kept = (
        ".py",
        ".md",
        ".toml",
        ".yaml",
        ".yml",
        ".csv",
        ".json",
        ".jsonl",
        ".html",
        ".j2",
        ".js",
    )
    return sorted(p for p in listed if p.suffix in kept and p != Path(__file__))


def test_nothing_needs_what_lies_outside_the_project() -> None:
    outside = re.compile(r"\.\./shared|/work/|/home/\w|/root/|/tmp/\w")

    found = [
        f"{label(path)}: {match[0]}"
        for path in written()
        for match in outside.finditer(path.read_text(encoding="utf-8", errors="replace"))
    ]

    assert found == []


@pytest.mark.parametrize("kind", ["directory", "phone"])
def test_readme_has_a_row_for_every_kind_of_connector(kind: str) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    source = (ROOT / "connectors" / kind / "__init__.py").read_text(encoding="utf-8")
    kinds = re.findall(r'^    "(\w+)":', source, re.MULTILINE)

    assert kinds
    for name in kinds:
        assert re.search(rf"^\| `{name}` \|", readme, re.MULTILINE), name


def test_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    source = (ROOT / "provisioner" / "cli.py").read_text(encoding="utf-8")
    commands = re.findall(r"@provisioner\.command\(\)\n(?:@.*\n|    .*\n|\)\n)*def (\w+)", source)

    assert len(commands) > 8
    for name in commands:
        assert re.search(rf"(?:`|provisioner |make |, ){name}\b", readme), name
