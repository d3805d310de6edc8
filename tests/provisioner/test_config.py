"""Config: everything that an operator writes is understood, or refused whole, with every place and a remedy."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from provisioner.config import PoolConfig, Schedule, load_config
from provisioner.limits import Limit, Limits
from tests.provisioner.configs import LEAST, Load, load, problems

__all__ = ["load"]

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
