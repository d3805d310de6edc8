"""`provisioner mapping test` and `lint`: a mapping tried before it counts.

    1  an example came out otherwise, or something is certainly wrong   0  else, warnings included

A mapping file alone is enough, for a company's own CI; a config adds what its directories and its phone
system know.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from connectors.errors import InputError, Problem, RunError
from connectors.scim_schema import Schema
from mappings import Mapping, load_mapping
from mappings.examples import Example, differences
from mappings.load_examples import beside, load_examples
from mappings.yaml_nodes import in_order
from provisioner.config import Config, SyncConfig, load_config


@dataclass(frozen=True, slots=True)
class Tried:
    """One mapping to try; `sync` is whose it is, None where there is no config."""

    path: Path
    attributes: Schema | None
    sync: SyncConfig | None = None


def tried(file: Path | None, config: Config | None, sync: str | None) -> Iterator[Tried]:
    """Yield each mapping that is meant: a file, a sync's, or those of all syncs, each once for its schema."""
    if config is None:
        assert file is not None
        yield Tried(file, None)
        return
    if sync is not None and sync not in config.syncs:
        raise RunError(f"there is no sync {sync!r}", remedy=f"known: {', '.join(config.syncs)}")
    for name, each in config.syncs.items():
        if sync in (None, name):
            yield Tried(file or each.mapping, each.people, each)


def run_test(file: Path | None, config: Path | None, sync: str | None) -> int:
    """Hold every example against its mapping, print what came out otherwise, return the exit status."""
    loaded = None if config is None else load_config(config)
    count = failed = 0
    for one, rules, examples in _loaded(list(tried(file, loaded, sync))):
        if not examples:
            click.echo(f"{one.path}: no examples here, nor in {beside(one.path).name}")
        for example in examples:
            count += 1
            failed += _held_against(rules, example)
    click.echo(f"{_count(count, 'example')}, {failed or 'none'} failed")
    return 1 if failed or not count else 0


def _loaded(several: Sequence[Tried]) -> list[tuple[Tried, Mapping, list[Example]]]:
    """Return each mapping with its examples; raises InputError with what is wrong in any of them."""
    found: list[tuple[Tried, Mapping, list[Example]]] = []
    broken: list[InputError] = []
    for one in several:
        problems: list[Problem] = []
        try:
            rules = load_mapping(one.path, one.attributes, one.sync.pools if one.sync else None)
        except InputError as error:
            problems += error.problems
        try:
            examples = load_examples(one.path, one.attributes)
        except InputError as error:
            problems += error.problems
        if problems:
            broken.append(with_hint(InputError(in_order(problems, str(one.path))), one))
        else:
            found.append((one, rules, examples))
    if broken:
        raise united(broken)
    return found


def united(errors: Sequence[InputError]) -> InputError:
    """Return one error with the problems of several, each once."""
    remedy = next((error.remedy for error in errors if error.remedy), "")
    return InputError(dict.fromkeys(p for e in errors for p in e.problems), remedy=remedy)


def with_hint(error: InputError, one: Tried) -> InputError:
    """Return the error, saying what a mapping alone can do about an attribute that it doesn't know."""
    if one.sync is not None or not any("unknown attribute" in p.text for p in error.problems):
        return error
    remedy = (
        "what directories add to SCIM's attributes, a mapping alone declares: `attributes: [NAME]`"
    )
    return InputError(error.problems, remedy=remedy)


def _held_against(rules: Mapping, example: Example) -> bool:
    """Print how an example came out, if otherwise than expected; return whether it did."""
    found = list(differences(rules, example))
    if found:
        click.echo(f"{example.where}: {example.name}")
    for each in found:
        click.echo(f"  {each.what} (line {each.where.line})")
        click.echo(f"    expected {each.expected}")
        click.echo(f"    actual   {each.actual}: {each.because}")
    return bool(found)


def run_lint(file: Path | None, config: Path | None, sync: str | None) -> int:
    """Look for what mappings say in vain, print it, and return the exit status."""
    from provisioner.linting import lint_all

    loaded = None if config is None else load_config(config)
    findings = lint_all(list(tried(file, loaded, sync)), loaded)
    errors = [each for each in findings if not each.warning]
    for each in findings:
        click.echo(f"{'warning' if each.warning else 'error'}: {each}")
    warnings = len(findings) - len(errors)
    click.echo(f"{_count(len(errors), 'error')}, {_count(warnings, 'warning')}")
    return 1 if errors else 0


def _count(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
