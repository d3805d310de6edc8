"""What a config may hold: of a sync, at the top, and of a directory's schema extensions, each refused at its place."""

from __future__ import annotations

import pytest

from provisioner.config import Schedule
from provisioner.scim.schemas.custom import registry_of
from tests.provisioner.configs import LEAST, Load, load, problems, with_lines

__all__ = ["load"]


@pytest.mark.parametrize(
    ("sync", "said"),
    [
        ("schedule: {every: 15x}", "'15x' is no duration: write 90s, 15m, 24h, 7d or 2w"),
        ("schedule: {every: 0s}", "0s is too short: at least 1s"),
        ("schedule: {every: 1m, cron: '* * * * *'}", "write either `every` or `cron`"),
        ("schedule: {}", "write either `every` or `cron`"),
        ("schedule: {cron: '61 * * * *'}", "is no cron expression"),
        ("schedule: {cron: '@daily'}", "Wrong number of fields"),
        ("schedule: {cron: '0 0 30 2 *'}", "never comes"),
        ("schedule: {cron: '0 1 * * 1-5'}", "write weekdays as names (mon-fri)"),
        ("approval: {automatic: [risky]}", "must be one of: safe, service, destructive"),
        ("approval: {automatic: [licence.remove]}", "did you mean 'license.remove'?"),
        ("approval: {second: [destroy]}", "must be one of: safe, service, destructive"),
        ("approval: {automatic: [safe], second: [safe]}", "safe can't be automatic and"),
        ("approval: {approvers: []}", "name somebody, or leave it out"),
        ("approval: {approvers: [7]}", "7 is nobody's name"),
        ('approval: {approvers: [eva, "  "]}', "'  ' is nobody's name"),
        ("approval: {approvers: [eva, Eva], second: [destructive]}", "takes two different names"),
        ("approval: {automatic: safe}", "must be a list"),
        ("freeze: [{from: 2026-12-20}]", "`from` and `until` go together"),
        ("freeze: [{}]", "write either `from` and `until`, or `weekly`"),
        ("freeze: [{from: 2026-12-20, until: 2026-12-19}]", "is not after `from`"),
        ("freeze: [{from: 2026-12-20, until: 2026-13-01}]", "'2026-13-01' is no day or moment"),
        ("freeze: [{from: yesterday, until: 2026-12-19}]", "'yesterday' is no day or moment"),
        ("freeze: [{weekly: Fri 16:00}]", "'Fri 16:00' is no part of a week"),
        ("freeze: [{weekly: Fri 16:00 - Fry 07:00}]", "is no part of a week"),
        ("freeze: [{weekly: Fri 16:00 - Fri 16:00}]", "ends where it begins"),
        ("freeze: [{weekly: Fri 24:00 - Mon 07:00}]", "is no part of a week"),
        (
            "freeze: [{weekly: Fri 16:00 - Mon 07:00, from: 2026-12-20, until: 2026-12-21}]",
            "write either `from` and `until`, or `weekly`",
        ),
        (
            "freeze: [{weekly: Fri 16:00 - Mon 07:00, zone: Europe/Prag}]",
            "did you mean 'Europe/Prague'?",
        ),
        ("freeze: [{weekly: Fri 16:00 - Mon 07:00, zone: ../etc}]", "'../etc' is no time zone"),
        ("freeze: [{weekly: Fri 16:00 - Mon 07:00, allow: [sfae]}]", "did you mean 'safe'?"),
        ("freeze: {weekly: Fri 16:00 - Mon 07:00}", "must be a list"),
        ("limits: {kinds: {licence.remove: 5}}", "did you mean 'license.remove'?"),
        ("limits: {kinds: {license.remove: lots}}", "'lots' is no limit"),
        ("limits: {kinds: [license.remove]}", "must be a mapping"),
        ("limits: {removals: [10%, few]}", "'few' is no limit"),
        ("limits: {removals: []}", "is no limit"),
        ("approval: {expires: 14}", "14 is no duration"),
        ("forecast: 36501d", "36501d is too long: at most 36500d"),
        ("limits: {people_min: 0}", "Must be greater than or equal to 1"),
        ("limits: 10%", "syncs.emea.limits: must be a mapping"),
        ("manages: kind eq person", "expected a value"),
        ("manages: 'knd eq \"person\"'", "unknown attribute 'knd'"),
        ("pools: {m: {}}", "write either `ranges` or `vendor: true`"),
        ("pools: {m: {ranges: ['+491'], vendor: true}}", "write either `ranges` or"),
        ("pools: {m: {vendor: yes}}", "must be true or false"),
        ("pools: {m: {ranges: ['+491'], site: Brno}}", "goes with `vendor: true` only"),
        ("pools: {m: {ranges: ['0891234']}}", "'0891234' is no E.164 number"),
        ("pools: {m: {ranges: ['+49 89 1']}}", "is no E.164 number"),
        ("pools: {m: {ranges: ['+4989-+49899']}}", "+4989 and +49899 differ in length"),
        ("pools: {m: {ranges: ['+4989-+4988']}}", "+4989 comes after +4988"),
        ("pools: {m: {ranges: ['+4910000000-+4990000000']}}", "more than 1,000,000 numbers"),
        ("pools: {m: {ranges: ['+491-+499', '+495']}}", "overlaps +491-+499 of pools.m.ranges.0"),
        ("pools: {m: {ranges: ['+491']}, n: {ranges: ['+491']}}", "overlaps +491-+491"),
        ("pools: {m: {vendor: true}, n: {vendor: true, site: B}}", "the same numbers as pools.m"),
        ("pools: {m: {ranges: ['+491'], reserved: ['+492']}}", "is in none of the ranges"),
        ("pools: {'m m': {ranges: ['+491']}}", "'m m' is no name"),
        ("aliases: {package: {a: b}}", "known: licenses, packages, templates, sites"),
        ("aliases: {packages: {a: X, b: x}}", "'x' is the same as aliases.packages.a"),
        ("aliases: {packages: {a: X, A: Y}}", "'A' is the same as aliases.packages.a"),
    ],
)
def test_what_makes_no_sense_in_a_sync_is_told_with_its_place(
    load: Load, sync: str, said: str
) -> None:
    (problem,) = problems(load, with_lines(sync))

    assert problem.startswith("c.yaml:7:")
    assert said in problem


def test_a_member_without_a_value_is_as_if_it_were_left_out(load: Load) -> None:
    assert load(with_lines("protected:")).syncs["emea"].protected is None


@pytest.mark.parametrize(
    ("top", "said"),
    [
        ("server: {bind: 8080}", "is no HOST:PORT to listen on"),
        ("server: {bind: '127.0.0.1:70000'}", "is no HOST:PORT"),
        ("server: {bind: '127.0.0.1:8081'}", "server.admin_bind: is the same as `bind`"),
        ("server: {base_url: scim.example.org}", "is no base URL"),
        ("server: {base_url: 'https://u:p@example.org'}", "is no base URL"),
        ("server: {trusted_proxies: [proxy]}", "'proxy' is no IP address or network"),
        ("store: mysql://u:hunter2@db/x", "is no store: write sqlite:///FILE or postgresql"),
        ("store: postgresql+psycopg2://db/x", "is no store"),
        ("store: [x]", "is no store"),
        ("log: debug", "log: isn't known here"),
    ],
)
def test_what_makes_no_sense_at_the_top_is_told_with_its_place(
    load: Load, top: str, said: str
) -> None:
    (problem,) = problems(load, with_lines(top=top))

    assert problem.startswith("c.yaml:7:")
    assert said in problem
    assert "hunter2" not in problem


@pytest.mark.parametrize("share", ["0%", "101%", "0.9", "[90%]", "yes", "-5%", "1000%"])
def test_a_share_that_is_none_is_told_with_its_place(load: Load, share: str) -> None:
    text = LEAST.replace("path: phones.jsonl", f"path: phones.jsonl, share: {share}")

    (problem,) = problems(load, text)

    assert problem.startswith("c.yaml:6:63: syncs.emea.phone_system.share: ")
    assert "is no share: write a percentage above 0% and up to 100%" in problem


def test_names_of_syncs_differ_by_more_than_case(load: Load) -> None:
    found = problems(load, with_lines(top="  EMEA:" + LEAST.split("  emea:")[1]))

    assert found == ["c.yaml:7:3: syncs.EMEA: 'EMEA' is the same as syncs.emea"]


def test_a_second_pushed_directory_is_one_too_many(load: Load) -> None:
    pushed = "{kind: pushed, name: a}, {kind: pushed, name: b}"

    found = problems(load, LEAST.replace("directories: [", f"directories: [{pushed}, "))

    assert any("a sync has one `pushed` directory at most" in problem for problem in found)


def test_a_cron_that_names_its_weekdays_is_kept_as_it_is_written(load: Load) -> None:
    config = load(with_lines("schedule: {cron: '*/15 6-18 * * mon-fri'}"))

    assert config.syncs["emea"].schedule == Schedule(every_s=None, cron="*/15 6-18 * * mon-fri")


PUSHED = """\
version: 1
syncs:
  emea:
    directories:
      - kind: pushed
        name: entra
        unknown: refuse
        extensions:
          - id: urn:example:badge:2.0:User
            attributes: [{name: number, type: integer}]
    mapping: emea.yaml
    phone_system: {kind: snapshot, path: phones.jsonl}
    protected: 'urn:example:badge:2.0:User:number lt 100'
"""


def test_a_schema_extension_of_a_pushed_directory_is_part_of_what_people_have(load: Load) -> None:
    sync = load(PUSHED).syncs["emea"]

    assert registry_of(sync.directories[0].options).unknown == "refuse"
    assert sync.people.resolve("urn:example:badge:2.0:user:NUMBER")


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("type: integer", "type: number", 10),
        ("id: urn:example:badge:2.0:User", "id: badge", 9),
        ("id: urn:example:badge:2.0:User", "id: urn:scim:schemas:core:1.0", 9),
        ("unknown: refuse", "unknown: keep", 7),
        ("attributes: [{name: number, ", "attributes: [{nmae: number, ", 10),
    ],
)
def test_what_is_wrong_with_an_extension_is_told_with_its_line(
    load: Load, right: str, wrong: str, line: int
) -> None:
    assert any(
        each.startswith(f"c.yaml:{line}:") for each in problems(load, PUSHED.replace(right, wrong))
    )
