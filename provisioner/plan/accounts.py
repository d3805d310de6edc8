"""Accounts and profiles: the user behind the phone user, before anything can be given to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from connectors.records import ACTIVATED, PhoneUser, Seats, fold
from mappings.entitlements import PROFILE, PROFILE_RULE
from provisioner.plan.differences import Case
from provisioner.plan.draft import Draft, Ground
from provisioner.plan.services import coming_back

NEW = ("user.invite", "user.create")
INVITATION = "an invitation mail is sent; they stay pending until they accept"


def account_changes(case: Case, ground: Ground) -> Iterator[Draft]:
    """Yield what gives a person in scope an active account; nothing if they have one or are invited."""
    actual, person, abilities = case.actual, case.person, ground.abilities
    if actual is None:
        assert person is not None  # whoever is in scope was read from a directory
        draft = Draft(abilities.joiner, case, None, person.email or person.user, None, "safe")
        if draft.kind == "user.invite":
            draft.consequences.append(INVITATION)
            if ground.has_account_elsewhere(person):
                draft.consequences += abilities.joining
        if person.email is None and abilities.needs_email:
            draft.block("an account needs a work mail address, and the directory gives none")
        elif (other := ground.mail_taken.get(case.key)) is not None:
            draft.block(
                f"the mail address is that of phone user {other}, who is somebody else's: change it there"
            )
        yield draft
    elif actual.status == "inactive":
        draft = Draft("user.activate", case, None, actual.user, None, "safe")
        if case.days is not None and not case.days.begun:
            draft.wait(f"starts on {case.days.start}: activated on that day")
        yield draft
    elif actual.status == "active" and (reason := to_activate(actual)):
        wish = case.entitlements.single.get("license") if case.entitlements else None
        if wish is not None:
            yield Draft("user.activate", case, reason, ACTIVATED, wish.rule, "safe")
    elif actual.status == "trashed":
        draft = Draft("user.restore", case, None, actual.user, None, "service")
        back = coming_back(actual, abilities.restore_brings)
        draft.consequences += [sentence for _, _, sentence in back]
        yield draft


def to_activate(user: PhoneUser) -> str | None:
    """Return what keeps a licensed user from calling until their license is activated, if it does."""
    reason = user.vendor.get("to_activate") if user.license is not None else None
    return None if reason is None else str(reason)


def profile_changes(case: Case, ground: Ground) -> Iterator[Draft]:
    """Yield one change with every managed profile attribute that differs; mail without case.

    An attribute that can't be read back, and of which nothing is remembered, is no difference; but
    it goes along where another one is one.
    """
    given, actual = case.entitlements, case.actual
    assert given is not None
    before: dict[str, str | None] = {}
    after: dict[str, str | None] = {}
    unknown: dict[str, str | None] = {}
    for name in PROFILE:
        managed = ground.manages(f"profile.{name}") and f"profile.{name}" not in given.left_alone
        if not managed or not ground.has_attribute(name):
            continue  # a warning says what the phone system has no place for (make.py)
        wished = str(given.profile[name].value) if name in given.profile else None
        if wished is None and f"profile.{name}" in ground.abilities.keeps:
            continue
        known, held = ground.held(case, f"profile.{name}", name)
        if not known:
            unknown[name] = wished
        elif wished != held and not (name == "email" and _one_mail(wished, held, actual is None)):
            before[name], after[name] = held, wished
    if after:
        before |= dict.fromkeys(unknown)
        after |= unknown
        yield Draft("profile.update", case, before if actual else None, after, PROFILE_RULE, "safe")


def _one_mail(wished: str | None, held: str | None, joiner: bool) -> bool:
    """A joiner's account is made with the mail, and a mail can't be taken away."""
    if joiner or wished is None:
        return True
    return held is not None and fold(wished) == fold(held)


def grant_accounts(
    drafts: Iterable[Draft], seats: Seats | None, priority: Mapping[str | None, int]
) -> None:
    """Block the new accounts that no seat is left for, the last by rule of license, then key."""
    if seats is None or seats.total is None:
        return
    used = seats.used or 0
    claims = sorted(
        (d for d in drafts if d.kind in NEW and d.state == "planned" and not d.idle),
        key=lambda draft: (priority.get(_rule(draft), len(priority)), draft.key),
    )
    for draft in claims[max(0, seats.total - used) :]:
        draft.block(
            f"no seat is free for a new account ({used} of {seats.total} are used): free or order one"
        )


def _rule(draft: Draft) -> str | None:
    given = draft.case.entitlements
    license = None if given is None else given.single.get("license")
    return None if license is None else license.rule
