"""Measures what a mapping of fifty rules costs for every person of a directory (see README.md).

The evaluation of all of them, asked one by one as a plan asks, beside the plain comparison's whole
run on the same company: both as processes, in turn, in CPU time, because both use one processor and a
busy machine shares it out unevenly. Ends with 1 if anybody is decided otherwise than
by reading rule by rule, or a budget is exceeded.

Usage: python benchmarks/evaluation.py [--users N] [--repeat N] [--seed N]
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MAX_RATIO = 3.0
"""Budget: evaluation of everybody, in times of the plain comparison's whole run."""
RULES = 50
SAMPLE = 997
"""Of so many people one is decided again, rule by rule."""

_BATCH = 2000


def mapping(groups: list[str], places: list[str], departments: list[str]) -> str:
    """Return a mapping of RULES rules over these groups, places and departments, of every sort.

    Personas that extend one another, rules that take or are exclusive, lookups and transforms are
    among them; no two rules have the same condition.
    """
    rules: list[str] = []

    def rule(when: str, says: str) -> None:
        if len(rules) < RULES:
            rules.append(f"  - {{name: r{len(rules)}, when: '{when}', {says}}}")

    rule('title sw "Dir" or title eq "Grade 8"', "persona: leader, exclusive: [template]")
    rule(f'groups.display eq "{groups[0]}" and title pr', "take: [{packages: [fax]}]")
    for n, group in enumerate(groups):
        rule(f'groups.display eq "{group}"', f"give: {{license: L{n % 5}, packages: [P{n % 7}]}}")
    for place in places:
        rule(f'location eq "{place}"', "give: {site: '{location | lookup sites | upper}'}")
    for n, (one, place) in enumerate(zip(departments * 3, places * 3, strict=False)):
        when = f'department eq "{one}" and location eq "{place}"'
        rule(when, f"give: {{template: T{n}, packages: [fax, D{n % 3}]}}")
    for n, group in enumerate(groups * 2):
        when = f'groups.display eq "{group}" and not (department eq "{departments[n % 5]}")'
        rule(when, f"persona: office, give: {{delegate_privileges: [V{n % 4}]}}")
    sites = ", ".join(f"{place}: site-{n}" for n, place in enumerate(places))
    return f"""version: 1
scope: 'active eq true'
defaults: {{template: plain}}
profile: {{display_name: "{{displayName}}", email: "{{email}}", department: "{{department}}"}}
lookups:
  sites: {{{sites}, default: HQ}}
personas:
  base: {{license: desk, packages: [home]}}
  office: {{extends: base, packages: [europe], take: {{packages: [fax]}}}}
  leader: {{extends: office, license: desk_plus, template: leader}}
rules:
""" + "".join(f"{line}\n" for line in rules)


def evaluate(folder: Path, file: str, columns: dict[str, str]) -> dict[str, Any]:
    """Evaluate the mapping for everybody in a directory's file; return what it took, in CPU seconds.

    `evaluating_s` is the mapping's alone: batches are read, then evaluated.
    """
    from connectors.directory import csv_file
    from connectors.records import Flaw, Outside, Person
    from mappings import load_mapping

    outside = Outside(folder, None, None, None, {})  # type: ignore[arg-type]
    options = csv_file.Config().load({"path": file, "columns": columns})
    rules = load_mapping(folder / "fifty.yaml")
    assert len(rules.rules) == RULES
    people = csv_file.connect("hr", options, outside, "").read()
    count = in_scope = 0
    spent = 0.0
    wrong: list[str] = []
    while batch := [p for p in islice(people, _BATCH) if not isinstance(p, Flaw)]:
        started = time.process_time()
        given = [rules.entitlements(p) if rules.in_scope(p) else None for p in batch]
        spent += time.process_time() - started
        count += len(batch)
        in_scope += sum(each is not None for each in given)
        sample: list[Person] = batch[::SAMPLE]
        wrong += [
            p.key
            for p, g in zip(sample, given[::SAMPLE], strict=True)
            if g and _differs(rules, p, g)
        ]
    return {"people": count, "in_scope": in_scope, "evaluating_s": spent, "wrong": wrong}


def _differs(rules: Any, person: Any, given: Any) -> bool:
    """Tell whether a remembered decision is another than reading rule by rule gives."""
    from mappings.rules import decide, fill, fill_listed

    resource = person.resource
    decided = decide(rules.rules, rules.defaults, resource)
    single = {n: (fill(n, v, resource), r) for n, (v, r) in decided.single.items() if v is not None}
    many = {
        name: sorted({str(fill_listed(value, resource)[0]) for value, _ in values})
        for name, values in decided.many.items()
        if values
    }
    return {n: tuple(g) for n, g in given.single.items()} != single or {
        n: sorted(values) for n, values in given.many.items()
    } != many


def company(folder: Path, users: int, seed: int) -> tuple[list[str], str, dict[str, str]]:
    """Make the data and the mapping; return the plain comparison, the people's file and its columns."""
    sys.path.insert(0, str(HERE.parent))
    from benchmarks import company as ours

    if kit := os.environ.get("BENCH_KIT"):
        kit_folder = Path(kit).resolve()
        make = [sys.executable, str(kit_folder / "gen_directory.py"), "--out", str(folder)]
        more = [f"--users={users}", f"--seed={seed}", "--formats=csv,sqlite"]
        subprocess.run([*make, *more], check=True, stdout=subprocess.DEVNULL)
        stated = json.loads((folder / "rules.json").read_text(encoding="utf-8"))
        groups = [rule["group"] for rule in stated["rules"]]
        places = ["Prague", "Brno", "Munich", "Vienna", "London", "Paris", "Madrid", "Oslo"]
        departments = ["Sales", "Support", "Engineering", "Finance", "Legal"]
        yardstick = str(kit_folder / "yardstick_python.py")
        plain = [sys.executable, "-B", yardstick, str(folder), str(folder / "plain.jsonl")]
        file, columns = "users.csv", dict[str, str]()
    else:
        ours.write(folder, users, seed, 0.01)
        groups = [*ours.LICENSES, *ours.PACKAGES, *ours.TEMPLATES, ours.FAX, ours.CREDITS]
        places, departments = list(ours.OFFICES), list(ours.DEPARTMENTS)
        plain = [sys.executable, str(HERE / "plain.py"), str(folder), str(folder / "plain.jsonl")]
        file, columns = "people.csv", {"employeeId": "externalId"}
    (folder / "fifty.yaml").write_text(mapping(groups, places, departments), encoding="utf-8")
    return plain, file, columns


def runs(folder: Path, given: argparse.Namespace) -> Iterator[tuple[float, dict[str, Any]]]:
    """Yield (the plain comparison's CPU seconds, what the evaluation told), in turn."""
    plain, file, columns = company(folder, given.users, given.seed)
    own = [sys.executable, str(Path(__file__)), "--evaluate", str(folder), "--file", file]
    own += ["--columns", json.dumps(columns)]
    environ = {**os.environ, "YARD_NOCHECK": "1", "PYTHONPATH": str(HERE.parent)}
    for _ in range(given.repeat):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(plain, check=True, env=environ, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        told = subprocess.run(own, check=True, env=environ, capture_output=True, text=True)
        yield spent, json.loads(told.stdout)


def main() -> None:
    """Make the data, run both in turn, print the figures."""
    parser = argparse.ArgumentParser(description="Measure the evaluation of fifty rules.")
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--evaluate", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--file", help=argparse.SUPPRESS)
    parser.add_argument("--columns", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.evaluate is not None:
        gc.set_threshold(50_000, 20, 100)  # as every command does
        print(json.dumps(evaluate(given.evaluate, given.file, given.columns)))
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        folder = Path(temporary) / "company"
        folder.mkdir()
        found = list(runs(folder, given))
    plain = statistics.median(spent for spent, _ in found)
    own = statistics.median(told["evaluating_s"] for _, told in found)
    told = found[0][1]
    wrong = [key for _, each in found for key in each["wrong"]]
    print(
        f"{told['people']:,} people, {told['in_scope']:,} in scope, {RULES} rules, median of"
        f" {given.repeat}, load {os.getloadavg()[0]:.1f}\n"
        f"plain comparison, whole run   {plain:>8.3f} s CPU\n"
        f"evaluation of everybody       {own:>8.3f} s CPU   ratio {own / plain:.2f} (budget {MAX_RATIO})"
        f"   {'wrong' if wrong else 'right'}"
    )
    if wrong:
        print(f"decided otherwise than rule by rule: {wrong[:3]}", file=sys.stderr)
    sys.exit(1 if wrong or own / plain > MAX_RATIO else 0)


if __name__ == "__main__":
    main()
