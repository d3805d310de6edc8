"""Who a delegate's name means, whichever directory names them, and however."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from provisioner.cli import provisioner
from provisioner.plan.called import Called, mail_of, shares
from provisioner.plan.look import Names


def called(*people: tuple[str, str, Names]) -> tuple[dict[str, str], set[str]]:
    mails: dict[str, str] = {}
    shared: set[str] = set()
    collected = Called(mails, shared)
    for number, (mail, key, names) in enumerate(people):
        collected.add(mail, key, names, number)
    collected.settle()
    return mails, shared


EVA = ("eva@x.org", "k1", Names("k1", "eva@x.org", "Eva", "CN=Eva,OU=Sales,DC=x", "id-1"))
JAN = ("jan@x.org", "k2", Names("k2", "jan@x.org", "jan", "people.csv:2", None))


@pytest.mark.parametrize(
    "name",
    ["eva@x.org", "EVA", "k1", "ID-1", "cn=eva, ou=sales, dc=x", "2.5.4.3=Eva,OU=Sales,DC=x"],
)
def test_a_person_is_found_by_mail_key_user_name_id_and_dn_however_it_is_spelt(name: str) -> None:
    mails, _ = called(EVA, JAN)

    assert mail_of(mails, name) == "eva@x.org"


def test_a_name_of_two_people_is_nobodys() -> None:
    mails, shared = called(EVA, ("other@x.org", "k3", Names("k3", "other@x.org", "eva")))

    assert mail_of(mails, "Eva") is None
    assert shares(shared, "Eva")
    assert not shares(shared, "id-1")


def test_a_mail_or_a_key_is_whose_it_is_whatever_others_are_called() -> None:
    mails, shared = called(JAN, ("b@x.org", "k4", Names("k4", "b@x.org", "jan@x.org")))

    assert mail_of(mails, "jan@x.org") == "jan@x.org"
    assert shared == set()


def plan(tmp_path: Path, directories: str, when: str = "userName pr") -> dict[str, Any]:
    phone: list[dict[str, Any]] = [{"catalog": {}}]
    phone += [
        {
            "id": f"p{n}",
            "key": f"k{n}",
            "email": f"{name}@x.org",
            "status": "active",
            "license": "L",
            "packages": ["P"],
        }
        for n, name in enumerate(("boss", "eva", "jan"), start=1)
    ]
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(u) + "\n" for u in phone), "utf-8")
    (tmp_path / "m.yaml").write_text(
        "version: 1\njoin: externalId\ndefaults: {license: L}\n"
        f"rules: [{{name: r, when: '{when}', give: {{delegates: ['{{manager}}']}}}}]\n",
        encoding="utf-8",
    )
    (tmp_path / "c.yaml").write_text(
        "version: 1\nstore: sqlite:///p.db\nsyncs:\n  a:\n    mapping: m.yaml\n"
        f"    phone_system: {{kind: snapshot, path: s.jsonl}}\n    directories: [{directories}]\n",
        encoding="utf-8",
    )
    result = CliRunner().invoke(
        provisioner, ["plan", "-c", str(tmp_path / "c.yaml"), "--format", "json"]
    )
    assert result.exit_code == 0, (result.output, result.exception)
    made: dict[str, Any] = json.loads(result.stdout)
    return made


def entry(uid: str, key: str, **more: str) -> dict[str, Any]:
    attributes = {"objectClass": ["inetOrgPerson"], "uid": [uid], "entryUUID": [key]}
    attributes |= {"mail": [f"{uid}@x.org"]} | {name: [value] for name, value in more.items()}
    return {"dn": f"uid={uid},ou=People,dc=x", "attributes": attributes}


def test_a_manager_named_by_dn_is_found_though_two_directories_have_everybody(
    tmp_path: Path,
) -> None:
    entries = [entry("boss", "k1"), entry("eva", "k2", manager="UID=Boss, OU=People,DC=x")]
    (tmp_path / "l.json").write_text(json.dumps(entries), encoding="utf-8")
    (tmp_path / "h.csv").write_text(
        "userName,externalId,email\nboss,k1,boss@x.org\nepsilon,k2,eva@x.org\njan,k3,jan@x.org\n",
        encoding="utf-8",
    )
    directories = "{kind: csv, name: hr, path: h.csv}, {kind: ldap_json, name: l, path: l.json}"

    made = plan(tmp_path, directories, 'userName eq "epsilon"')

    assert [(c["kind"], c["user"], c["after"]) for c in made["changes"]] == [
        ("delegate.add", "eva@x.org", "boss@x.org")
    ]


def test_a_manager_whose_name_two_people_bear_is_blocked_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "h.csv").write_text(
        "userName,externalId,email,manager\n"
        "boss,k1,boss@x.org,\neva,k2,eva@x.org,boss\nboss,k3,jan@x.org,\n",
        encoding="utf-8",
    )

    made = plan(tmp_path, "{kind: csv, name: hr, path: h.csv}", 'userName eq "eva"')

    assert made["changes"] == []
    (blocked,) = made["blocked"]
    assert blocked["reason"].startswith(
        "several people are called 'boss': name them by mail or key"
    )
