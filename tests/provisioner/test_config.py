"""Config: everything that an operator writes is understood, or refused with its place and a remedy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.errors import InputError
from provisioner import config_guards
from provisioner.config import Config, PoolConfig, Schedule, load_config
from provisioner.limits import Limit, Limits
from provisioner.scim.schemas.custom import registry_of
from provisioner.secret import Secret

Load = Callable[..., Config]

WHOLE = """\
version: 1
store: sqlite:///state/provisioner.db
server: {bind: 127.0.0.1:9080, admin_bind: "[::1]:9081", base_url: https://scim.example.org/p/, trusted_proxies: [10.0.0.0/8]}
syncs:
  emea:
    directories:
      - {kind: csv, name: hr, path: people.csv, columns: {Mail: 'emails[type eq "work"].value', KST: costCentre}}
      - {kind: ldap_json, name: ad, path: export.json}
    mapping: maps/emea.yaml
    phone_system: {kind: zoom, account_id: abc, client_id: def, client_secret: {env: ZOOM_SECRET}, share: 80%}
    schedule: {every: 15m}
    approval: {automatic: [safe], expires: 7d}
    limits: {removals: 5%, changes: 100, people_min: 10, people_drop: 1%, group_drop: 2%, column_drop: 3%}
    protected: 'title eq "CEO" or costCentre eq "1"'
    pools:
      munich: {ranges: ["+4989123400-+4989123499", +4989555], reserved: ["+4989123400"], cooling: 30d}
      brno: {vendor: true, site: Brno}
    aliases: {packages: {us_ca: "US/CA Unlimited Calling Plan"}}
    manages: 'kind eq "person" and role ne "owner"'
"""
LEAST = """\
version: 1
syncs:
  emea:
    directories: [{kind: csv, name: hr, path: people.csv}]
    mapping: emea.yaml
    phone_system: {kind: snapshot, path: phones.jsonl}
"""
SECRETS = {"ZOOM_SECRET": "s3cr3t"}


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load a config from its text, in a folder where the mapping is there."""
    monkeypatch.chdir(tmp_path)
    Path("maps").mkdir()
    Path("maps/emea.yaml").touch()
    Path("emea.yaml").touch()

    def load(text: str, environ: Mapping[str, str] = SECRETS) -> Config:
        Path("c.yaml").write_text(text)
        return load_config(Path("c.yaml"), environ)

    return load


def with_lines(sync: str = "", *, top: str = "") -> str:
    """The least config with more members of its sync, or at its top."""
    return LEAST + "".join(f"    {line}\n" for line in sync.splitlines()) + top


def problems(load: Load, text: str, environ: Mapping[str, str] = SECRETS) -> list[str]:
    with pytest.raises(InputError) as refused:
        load(text, environ)
    return [str(problem) for problem in refused.value.problems]


def several(*marked: str) -> str:
    """A config of three syncs, two of them pushed to; of these are those that are marked."""
    text = "version: 1\nsyncs:\n"
    for name, kind in (("emea", "pushed"), ("apac", "pushed"), ("hq", "csv")):
        path = "" if kind == "pushed" else ", path: people.csv"
        text += f"  {name}:\n    directories: [{{kind: {kind}, name: d{path}}}]\n    mapping: emea.yaml\n"
        text += "    phone_system: {kind: snapshot, path: phones.jsonl}\n"
        text += "    default: true\n" if name in marked else ""
    return text


def test_the_receivers_short_address_is_of_the_only_pushed_sync_or_the_marked_one(
    load: Load,
) -> None:
    assert load(several().replace("kind: pushed", "kind: csv, path: x", 1)).alias == "apac"
    assert load(several()).alias is None
    assert load(several("apac")).alias == "apac"
    assert load(LEAST).alias is None


def test_one_sync_is_the_default_and_it_is_pushed_to(load: Load) -> None:
    found = problems(load, several("emea", "apac", "hq"))

    assert sorted(each.partition(": ")[2] for each in found) == [
        "syncs.apac.default: emea is the default already",
        "syncs.hq.default: emea is the default already",
        "syncs.hq.default: goes with a `pushed` directory only",
    ]


def test_a_whole_config_is_understood(load: Load, tmp_path: Path) -> None:
    config = load(WHOLE)

    sync = config.syncs["emea"]
    assert config.store == f"sqlite:///{tmp_path}/state/provisioner.db"
    assert config.server.admin_bind == "[::1]:9081"
    assert config.server.base_url == "https://scim.example.org/p"
    assert config.server.trusted_proxies == ("10.0.0.0/8",)
    assert [(d.kind, d.name) for d in sync.directories] == [("csv", "hr"), ("ldap_json", "ad")]
    assert sync.directories[0].options["path"] == "people.csv"
    assert sync.people.resolve("COSTCENTRE") == "costCentre"
    assert sync.mapping == Path("maps/emea.yaml")
    assert (sync.phone_system.kind, sync.phone_system.options["account_id"]) == ("zoom", "abc")
    assert sync.phone_system.share == 0.8
    assert sync.schedule == Schedule(every_s=900, cron=None)
    assert sync.approval.automatic == {"safe"}
    assert sync.approval.expires == timedelta(days=7)
    assert sync.limits == Limits(
        removals=Limit.parse("5%"),
        changes=Limit.parse(100),
        people_min=10,
        people_drop=Limit.parse("1%"),
        group_drop=Limit.parse("2%"),
        column_drop=Limit.parse("3%"),
    )
    assert sync.protected == 'title eq "CEO" or costCentre eq "1"'
    assert sync.pools == {
        "munich": PoolConfig(
            ranges=(("+4989123400", "+4989123499"), ("+4989555", "+4989555")),
            reserved=frozenset({"+4989123400"}),
            cooling=timedelta(days=30),
        ),
        "brno": PoolConfig(vendor=True, site="Brno"),
    }
    assert sync.aliases == {"packages": {"us_ca": "US/CA Unlimited Calling Plan"}}
    assert sync.manages == 'kind eq "person" and role ne "owner"'


def test_what_is_left_out_is_the_default(load: Load, tmp_path: Path) -> None:
    config = load(LEAST)

    sync = config.syncs["emea"]
    assert config.store == f"sqlite:///{tmp_path}/provisioner.db"
    assert (config.server.bind, config.server.admin_bind) == ("127.0.0.1:8080", "127.0.0.1:8081")
    assert (sync.schedule, sync.protected, sync.manages) == (None, None, None)
    assert (sync.pools, sync.aliases) == ({}, {})
    assert sync.phone_system.share == 0.95
    assert sync.approval.automatic == {"safe", "service"}
    assert sync.approval.expires == timedelta(days=14)
    assert sync.approval.approvers is None
    assert sync.approval.second == frozenset()
    assert sync.limits == Limits()


def test_paths_are_relative_to_the_config_wherever_it_is_read_from(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(LEAST)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    config = load_config(Path("../c.yaml"), {})

    assert config.store == f"sqlite:///{tmp_path}/provisioner.db"
    assert config.syncs["emea"].mapping == Path("../emea.yaml")
    assert config.base == Path("..")


def test_a_mapping_in_a_folder_beside_is_named_the_short_way_unless_a_link_leads_elsewhere(
    load: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(LEAST)
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "c.yaml").write_text(LEAST.replace("emea.yaml", "../emea.yaml"))
    (tmp_path / "near").mkdir()
    (tmp_path / "near" / "link").symlink_to(tmp_path / "far")
    monkeypatch.chdir(tmp_path)

    assert load_config(Path("far/c.yaml"), {}).syncs["emea"].mapping == Path("emea.yaml")
    through = load_config(Path("near/link/c.yaml"), {}).syncs["emea"].mapping
    assert through == Path("near/link/../emea.yaml")


def test_every_problem_is_told_at_once_in_the_order_of_the_file(load: Load) -> None:
    text = """\
version: 2
sync: {}
syncs:
  emea:
    directories:
      - {kind: csv, name: hr, pth: people.csv}
      - {kind: ldap, name: HR}
    mapping: nope.yaml
    phone_system: {kind: snapshot, path: [x]}
    limits: {removals: 110%, removal: 1}
    protected: 'titel eq "CEO"'
"""

    found = problems(load, text)

    assert found == [
        "c.yaml:1:10: version: must be 1",
        "c.yaml:2:1: sync: isn't known here; did you mean 'syncs'?",
        "c.yaml:6:9: syncs.emea.directories.0.path: is missing",
        "c.yaml:6:31: syncs.emea.directories.0.pth: isn't known here; did you mean 'path'?",
        "c.yaml:7:16: syncs.emea.directories.1.kind: 'ldap' is no kind of directory;"
        " did you mean 'ldap_json'?",
        "c.yaml:7:28: syncs.emea.directories.1.name: 'HR' is the same as directories.0.name",
        "c.yaml:8:14: syncs.emea.mapping: there is no file nope.yaml",
        "c.yaml:9:42: syncs.emea.phone_system.path: must be text: quote it",
        "c.yaml:10:24: syncs.emea.limits.removals: '110%' is no limit:"
        " write a percentage (10%) or a whole number (25)",
        "c.yaml:10:30: syncs.emea.limits.removal: isn't known here; did you mean 'removals'?",
        found[-1],
    ]
    assert found[-1].startswith("c.yaml:11:17: syncs.emea.protected: unknown attribute 'titel'")


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
        ("protected:", ""),
    ],
)
def test_what_makes_no_sense_in_a_sync_is_told_with_its_place(
    load: Load, sync: str, said: str
) -> None:
    if not said:
        assert load(with_lines(sync)).syncs["emea"].protected is None
        return
    found = problems(load, with_lines(sync))

    assert len(found) == 1
    assert found[0].startswith("c.yaml:7:")
    assert said in found[0]


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


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "x",
        "5",
        "version: 1\nsyncs: 5",
        "version: 1\nsyncs: []",
        "version: 1\nsyncs: {}",
        "version: 1\nsyncs: {a: 5}",
        "version: 1\nsyncs: {a: {directories: 5}}",
        "version: 1\nsyncs: {a: {directories: [5, {}, {kind: [1]}, {kind: {a: b}, name: 5}]}}",
        "version: 1\nsyncs: {a: {phone_system: [], pools: [], aliases: [], approval: []}}",
        "version: 1\nsyncs: {a: {pools: {b: 5, c: {ranges: 5}}, aliases: {packages: 5}}}",
        "version: 1\nsyncs: {a: {pools: {b: {ranges: [5, [], {}], cooling: []}}, protected: 5}}",
        "version: 1\nsyncs: {a: {directories: [{kind: csv, columns: 5}], mapping: {env: 5}}}",
        "version: 1\nserver: {bind: [], base_url: {}, trusted_proxies: {}}\nstore: {file: []}",
    ],
)
def test_however_wrong_a_config_is_it_is_told_in_words_with_places(load: Load, text: str) -> None:
    found = problems(load, text)

    assert found
    assert all(problem.startswith("c.yaml:") for problem in found)


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


# Secrets


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


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        ("sqlite:////var/lib/p.db", "sqlite:////var/lib/p.db"),
        ("sqlite:///p.db?timeout=5", "sqlite:///{base}/p.db?timeout=5"),
        ("sqlite:///../p.db", "sqlite:///{base.parent}/p.db"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
        ("postgresql+psycopg:///p", "postgresql+psycopg:///p"),
    ],
)
def test_a_store_is_made_absolute_where_it_is_a_file(
    load: Load, tmp_path: Path, written: str, understood: str
) -> None:
    assert load(f"store: '{written}'\n{LEAST}").store == understood.format(base=tmp_path)


# What it costs


def test_only_the_kinds_that_a_config_uses_are_imported(load: Load) -> None:
    load(LEAST)
    program = (
        "import sys; from pathlib import Path; from provisioner.config import load_config;"
        "load_config(Path('c.yaml'));"
        "print([m for m in sys.modules if m.startswith(('connectors.phone.zoom', 'apscheduler',"
        " 'sqlalchemy', 'flask', 'connectors.directory.scim_endpoint'))])"
    )

    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert run.stdout == "[]\n"


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


def test_what_is_no_text_is_no_risk_and_no_kind() -> None:
    for value in (["safe"], {"kind": "safe"}):
        with pytest.raises(ValueError, match="must be one of"):
            config_guards.risk_or_kind(value)
        with pytest.raises(ValueError, match="is no kind of change"):
            config_guards.kind(value)
