"""The script for delegations: literal text, an order that works, rights as the mapping says."""

from __future__ import annotations

from collections.abc import Iterator

import tree_sitter_powershell
from hypothesis import given
from hypothesis import strategies as st
from tree_sitter import Language, Node, Parser

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


# The script as PowerShell's grammar reads it

HOSTILE = (
    "o'hara@example.org",
    "$(Remove-Item C:\\)",
    "'; Remove-Item C:\\; '",
    '"$env:TEMP" `n `"',
    "eva\u2018\u2019\u201a\u201bx",
    "eva'\u2019'",
    "eva\r\n# STEPS\nStop-Computer",
    "-WhatIf:$false",
    "@(1)",
    "25 # MOST",
    "<# #>",
    "\u017dlu\u0165ou\u010dk\u00fd \U0001f600",
    "",
)
ALIVE = frozenset(
    {"variable", "sub_expression", "expandable_string_literal", "invokation_expression"}
    | {"command_parameter", "script_block_expression", "parenthesized_expression", "redirection"}
)
"""What of PowerShell's grammar would do or become something."""
QUOTES = "'\u2018\u2019\u201a\u201b"
names = st.sampled_from(HOSTILE) | st.text() | st.text(alphabet=QUOTES + '$`"(){};\n ')
changes = st.one_of(
    st.builds(lambda user, who: change("delegate.add", None, who, user), names, names),
    st.builds(lambda user, who: change("delegate.remove", who, None, user), names, names),
    st.builds(lambda user, all: change("delegation.set", None, all, user), names, names),
)


def nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from nodes(child)


def text_of(node: Node) -> str:
    return (node.text or b"").decode()


def meant(token: str) -> str:
    """Return the text that a literal stands for: two quotes of any shape are one, the second."""
    assert token[0] == token[-1] == "'"
    found, left = "", token[1:-1]
    while left:
        if left[0] in QUOTES:
            assert left[1] in QUOTES, "the literal ends early"
            left = left[1:]
        found, left = found + left[0], left[1:]
    return found


def printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())


@given(st.lists(changes, min_size=1, max_size=4))
def test_powershells_grammar_reads_every_name_as_one_literal_and_nothing_else(
    asked: list[Change],
) -> None:
    source = script(asked)

    tree = Parser(Language(tree_sitter_powershell.language())).parse(source.encode())

    assert not [n for n in nodes(tree.root_node) if n.is_error or n.is_missing]
    # a line after the functions is a step, of one command
    begin = source.count("\n", 0, source.rindex("\n}\n")) + 2
    commands = [
        n for n in nodes(tree.root_node) if n.type == "command" and n.start_point.row >= begin
    ]
    assert len(commands) == len(asked)
    steps = []
    for command in commands:
        literals = [meant(text_of(n)) for n in nodes(command) if n.type == "string_literal"]
        about = 2 if text_of(command).startswith("Write-Step") else 0
        steps.append(tuple(literals[about : about + 2]))
        assert not {n.type for n in nodes(command)} & ALIVE
    values = ((c.user, c.before if c.kind == "delegate.remove" else c.after) for c in asked)
    assert sorted(steps) == sorted((printable(user), printable(str(v))) for user, v in values)
