"""What an undo took back stays in the plan, rejected; a manual step says that it was taken back."""

from __future__ import annotations

from connectors.phone.zoom import abilities
from connectors.records import Change
from provisioner.memory import Memory
from provisioner.plan.content import wishes_of
from tests.provisioner.plan.office import Office, full, only, person

OFFICE = Office(
    mapping="rules: [{name: all, when: 'userName pr', give: {license: phone, packages: [basic]}}]\n"
    "leavers: {do: trash}\n"
    "scope: 'groups.display eq \"Phone\"'\n",
    people=[person("eva", "Phone"), person("jan")],
    users=[full("eva", packages=()), full("jan")],
)


def refused(*changes: Change) -> Memory:
    """Return the memory of a sync where an undo took back what these changes wish."""
    why = "plan 9 undoes it (run r); to have it all the same: `provisioner approve PLAN`"
    return Memory(adopted=True, refused={w: why for c in changes for w in wishes_of(c)})


def test_what_was_taken_back_is_rejected_and_the_rest_is_planned() -> None:
    package = only(OFFICE.plan().changes, "package.assign", "eva")

    changes = OFFICE.but(memory=refused(package)).plan().changes

    again = only(changes, "package.assign", "eva")
    assert (again.state, again.reason) == (
        "rejected",
        "plan 9 undoes it (run r); to have it all the same: `provisioner approve PLAN`",
    )
    assert only(changes, "user.trash").state == "planned"


def test_a_manual_step_that_was_taken_back_says_so_before_its_steps() -> None:
    by_hand = OFFICE.but(abilities=abilities("ssoCreate", 15, job_titles=False))
    step = only(by_hand.plan().changes, "user.trash", "jan")

    again = only(by_hand.but(memory=refused(step)).plan().changes, "user.trash", "jan")

    assert again.state == "manual"
    assert str(again.reason).startswith(
        "leave it: plan 9 undoes it (run r). In the Zoom web portal"
    )
