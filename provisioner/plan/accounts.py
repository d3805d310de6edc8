"""Accounts and profiles: the user behind the phone user, before anything can be given to them."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.records import fold
from mappings.entitlements import PROFILE, PROFILE_RULE
from provisioner.plan.compare import Case
from provisioner.plan.draft import Draft, Ground

INVITATION = "an invitation mail is sent; they stay pending until they accept"


def account_changes(case: Case, ground: Ground) -> Iterator[Draft]:
    """Yield what gives a person in scope an active account; nothing if they have one or are invited."""
    actual, person, abilities = case.actual, case.person, ground.abilities
    if actual is None:
        assert person is not None  # whoever is in scope was read from a directory
        draft = Draft(abilities.joiner, case, None, person.email or person.user, None, "safe")
        if draft.kind == "user.invite":
            draft.consequences.append(INVITATION)
        if person.email is None and abilities.needs_email:
            draft.block("an account needs a work mail address, and the directory gives none")
        yield draft
    elif actual.status == "inactive":
        yield Draft("user.activate", case, None, actual.user, None, "safe")
    elif actual.status == "trashed":
        yield Draft("user.restore", case, None, actual.user, None, "service")


def profile_changes(case: Case, ground: Ground) -> Iterator[Draft]:
    """Yield one change with every managed profile attribute that differs; mail without case."""
    given, actual = case.entitlements, case.actual
    assert given is not None
    before: dict[str, str | None] = {}
    after: dict[str, str | None] = {}
    for name in PROFILE:
        if not ground.manages(f"profile.{name}") or f"profile.{name}" in given.left_alone:
            continue
        wished = str(given.profile[name].value) if name in given.profile else None
        held = getattr(actual, name) if actual is not None else None
        if wished == held or (name == "email" and _one_mail(wished, held, actual is None)):
            continue
        before[name], after[name] = held, wished
    if after:
        yield Draft("profile.update", case, before if actual else None, after, PROFILE_RULE, "safe")


def _one_mail(wished: str | None, held: str | None, joiner: bool) -> bool:
    """A joiner's account is made with the mail, and a mail can't be taken away."""
    if joiner or wished is None:
        return True
    return held is not None and fold(wished) == fold(held)
