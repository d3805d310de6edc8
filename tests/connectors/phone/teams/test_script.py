"""The script for delegations: literal text, an order that works, rights as the mapping says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from connectors.phone.teams.script import literal, permissions, script, unknown
from connectors.records import Change, Value


def change(kind: str, before: Value, after: Value, user: str = "eva@example.org") -> Change:
    return Change(kind=kind, user=user, key=user, before=before, after=after, state="manual")


def steps(*changes: Change) -> list[str]:
    verbs = ("Add-Delegate '", "Remove-Delegate '", "Set-Delegates '")
    return [line for line in script(changes).splitlines() if line.startswith(verbs)]


def test_no_delegation_takes_no_script() -> None:
    assert script([change("license.remove", "teams_phone", None)]) == ""


def test_a_new_delegate_gets_the_rights_of_the_same_plan() -> None:
    assert steps(
        change("delegation.set", None, "JoinActiveCalls, makecalls"),
        change("delegate.add", None, "jan@example.org"),
    ) == [
        "Add-Delegate 'eva@example.org' 'jan@example.org' @('MakeCalls', 'JoinActiveCalls')",
        "Set-Delegates 'eva@example.org' 'JoinActiveCalls, makecalls'"
        " @('MakeCalls', 'JoinActiveCalls')",
    ]


def test_rights_are_the_usual_ones_where_nothing_says() -> None:
    assert permissions(None) == ("MakeCalls", "ReceiveCalls")
    assert unknown("MakeCalls, Dance") == ["Dance"]


def test_a_privilege_that_teams_has_not_is_told_and_not_left_out() -> None:
    text = script([change("delegation.set", None, "MakeCalls, Dance")])

    assert "no privilege called Dance" in text
    assert steps(change("delegation.set", None, "MakeCalls, Dance")) == []


@given(st.text())
def test_text_in_quotes_stays_text(text: str) -> None:
    quoted = literal(text)

    inner = quoted[1:-1]
    assert quoted[0] == quoted[-1] == "'"
    assert "\n" not in inner
    for quote in "'\u2018\u2019\u201a\u201b":
        assert quote not in inner.replace(quote * 2, "")
