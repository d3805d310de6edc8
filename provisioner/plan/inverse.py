"""The inverse of what was done to one person: each family of things taken back in turn.

What an account or a license takes along goes with it, so either is taken back only if the same
changes gave all of that. What can't be brought back is drafted all the same, and blocked with the
reason, so that the plan says it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connectors.records import PhoneUser, Risk, fold
from provisioner.plan.accounts import INVITATION
from provisioner.plan.draft import Draft, Ground
from provisioner.plan.effects import Done, Effect
from provisioner.plan.numbers import frees_numbers
from provisioner.plan.services import EVERYTHING, has_phone, taken
from provisioner.plan.taking_back import Inverse, TakingBack, which

_SETTINGS = {
    "site": ("site", "site.set"),
    "extension": ("extension_number", "extension.set"),
    "template": ("template", "template.apply"),
    "emergency": ("emergency_address", "emergency.set"),
}
_UNRESTORABLE = {
    "absent": "was deleted for good: nothing brings back the account and what it held",
    "trashed": "is no longer in the trash: the time for which the phone system keeps users is over",
}
_TAKEN_AS = {"license": "license", "package": "packages", "number": "numbers", "credit": "credits"}
_ENDS = frozenset({"user.delete", "user.deactivate", "user.trash"})
_GIVES_ACCOUNT = ("user.create", "user.invite")
_BEGINS_ANEW = ("site", "extension_number", "template")


def invert(
    done: Sequence[Done], actual: PhoneUser | None, run: str, ground: Ground, found: Inverse
) -> None:
    """Add to `found` what takes back changes of one person, given in the order they were done.

    `actual` is a fresh read of the phone user, None where the phone system no longer has one.
    """
    one = TakingBack(done, actual, run, ground, found)
    _note_mails(one)
    account = next(one.of("account"), None)
    if actual is None:
        _absent(one, account)
        return
    if account is not None:
        _account(one, account, actual)
    elif actual.status in ("inactive", "trashed"):
        one.unable = f"the user is {actual.status} now"
    for family in (_license, _packages, _numbers, _credits):
        family(one, actual)
    _delegates(one)
    _settings(one, actual)
    _softphone(one, actual)
    _privileges(one)
    _profile(one)
    _end_last(one.drafts)


def judge_numbers(
    drafts: Iterable[Draft], holders: Mapping[str, PhoneUser], resting: Mapping[str, str]
) -> None:
    """Say of each number that is to come back whether somebody else has it, or it rests for them.

    `holders`: who has each of the numbers; `resting`: why one may not be given yet, in words.
    """
    drafts = list(drafts)
    freed = {number for d in drafts if d.state == "planned" for number in frees_numbers(d)}
    for draft in drafts:
        number = str(draft.after)
        if draft.kind != "number.assign" or draft.state != "planned":
            continue
        holder = holders.get(number)
        if holder is not None and holder.id != draft.id and number not in freed:
            draft.block(f"number {number} is {holder.user}'s by now")
        elif number in resting:
            draft.wait(resting[number])


def _note_mails(one: TakingBack) -> None:
    for each in one.done:
        if INVITATION in each.change.consequences or each.change.kind == "welcome.resend":
            what = f"the mail to {each.change.user} was sent, and can't be taken back"
            one.found.note(f"{which([each])}: {what}")


# The account


def _absent(one: TakingBack, account: Effect | None) -> None:
    """The phone system no longer has the user."""
    if account is not None and account.before == "absent":
        one.settle(account)
    elif account is not None and (why := _UNRESTORABLE.get(str(account.after))):
        draft = one.draft("user.restore", account, None, one.first.user, "service")
        if draft is not None:
            draft.block(f"{one.first.user} {why}")
    else:
        families = dict.fromkeys(effect.family for effect in one.effects)
        for effect in one.of(*families):
            one.conflict(effect, "the phone system no longer has this user")


def _account(one: TakingBack, effect: Effect, actual: PhoneUser) -> None:
    before, after = str(effect.before), str(effect.after)
    if before != "absent" and _is_in(before, actual, one) and not _is_in(after, actual, one):
        one.settle(effect)
    elif not _is_in(after, actual, one) or not _is_the_one(one, actual):
        one.unable = f"the user is {actual.status} now"
        one.conflict(effect, one.unable)
    elif after == "inactive":
        one.draft("user.activate", effect, None, actual.user, "safe")
    elif after == "trashed":
        one.draft("user.restore", effect, None, actual.user, "service")
        one.found.note(
            f"{one.first.user} comes back with what is still free of what they had: look at their"
            " packages and numbers afterwards"
        )
    elif before == "trashed":
        everything = taken(actual, EVERYTHING)
        one.draft("user.trash", effect, actual.user, None, "destructive", everything)
    elif before == "absent":
        _end(one, "user.delete", effect, actual)
    else:
        _end(one, "user.deactivate", effect, actual)


def _is_in(state: str, actual: PhoneUser, one: TakingBack) -> bool:
    """Return whether an account is in a state; who was invited may have accepted since."""
    if state in ("active", "pending"):
        return actual.status in ("active", "pending")
    if state == "trashed" and "user.trash" in one.ground.abilities.manual:
        return actual.license is None  # nobody can look into that trash
    return actual.status == state


def _is_the_one(one: TakingBack, actual: PhoneUser) -> bool:
    """Return whether it is the account that was made, and not another one of the same mail address."""
    made = {done.change.id for done in one.done if done.change.kind in _GIVES_ACCOUNT}
    return made <= {None, actual.id}


def _end(one: TakingBack, kind: str, effect: Effect, actual: PhoneUser) -> None:
    """Take an account back, if that takes nothing that came from elsewhere."""
    takes = EVERYTHING if kind == "user.delete" else one.ground.abilities.deactivation_takes
    if more := one.not_ours(actual, takes):
        one.conflict(effect, f"the user has got {more} since")
        return
    goes = takes | {"everything"} if kind == "user.delete" else takes
    went, along = taken(actual, takes), _along(one, goes)
    if one.draft(kind, effect, actual.user, None, "destructive", went, *along):
        one.goes = goes


def _along(one: TakingBack, goes: frozenset[str]) -> list[Effect]:
    """Return what else was given, and is taken back by what takes these along; delegations end apart."""
    return [
        effect
        for effect in one.effects
        if effect.after not in (None, False)
        and effect.family not in ("account", "delegate")
        and ("everything" in goes or _TAKEN_AS.get(effect.family) in goes)
    ]


def _end_last(drafts: Sequence[Draft]) -> None:
    """An account goes last: an inactive user can be given nothing back."""
    for draft in drafts:
        if draft.kind in _ENDS:
            draft.needs += [other for other in drafts if other is not draft]


def _comes_back(effect: Effect) -> bool:
    """Return whether something returns from the trash together with its user."""
    return all(done.change.kind == "user.trash" for done in effect.of)


# What takes a seat


def _license(one: TakingBack, actual: PhoneUser) -> None:
    for effect in one.of("license"):
        if "license" in one.goes or _comes_back(effect):
            continue
        counts = fold(str(effect.after)) in map(fold, actual.counts_as)
        if not one.is_due(effect, effect.after if counts else actual.license):
            continue
        if effect.before is not None:
            risk: Risk = "service" if actual.license else "safe"
            if one.draft("license.assign", effect, actual.license, effect.before, risk):
                one.licensed = True
                _note_beginning(one, actual)
            continue
        takes = one.ground.abilities.license_takes
        if more := one.not_ours(actual, takes):
            one.conflict(effect, f"{more} hangs on it by now")
            continue
        went, along = taken(actual, takes), _along(one, takes)
        if one.draft("license.remove", effect, actual.license, None, "destructive", went, *along):
            one.goes |= takes | {"license"}
            one.licensed = False


def _note_beginning(one: TakingBack, actual: PhoneUser) -> None:
    begins = [name for name in _BEGINS_ANEW if name in one.ground.abilities.keeps]
    if actual.license is None and begins:
        names = ", ".join(begins).replace("_", " ")
        one.found.note(
            f"whoever gets their license back begins with the phone system's own {names} and"
            " settings: what these were when the license went isn't on record"
        )


def _packages(one: TakingBack, actual: PhoneUser) -> None:
    if "packages" in one.goes:
        return
    due = [
        effect
        for effect in one.of("package")
        if not _comes_back(effect) and one.is_due_among(effect, actual.packages)
    ]
    going = {fold(str(effect.after)) for effect in due if effect.after is not None}
    stays = any(effect.before is not None for effect in due)
    last = not stays and going >= set(map(fold, actual.packages))
    for effect in due:
        if effect.before is not None:
            one.give("package.assign", effect, effect.after, "service" if effect.after else "safe")
            continue
        takes = one.ground.abilities.last_package_takes if last else frozenset[str]()
        if more := one.not_ours(actual, takes):
            one.conflict(effect, f"{more} hangs on it by now")
            continue
        risk: Risk = "destructive" if last else "service"
        one.draft("package.remove", effect, effect.after, None, risk, taken(actual, takes))


def _numbers(one: TakingBack, actual: PhoneUser) -> None:
    if "numbers" in one.goes:
        return
    for effect in one.of("number"):
        if _comes_back(effect) or not one.is_due_among(effect, actual.numbers):
            continue
        if effect.before is None:
            one.draft("number.release", effect, effect.after, None, "destructive")
        elif effect.after is None and (more := one.not_ours(actual, {"numbers"})):
            one.conflict(effect, f"the user has {more} instead")
        else:
            one.give("number.assign", effect, effect.after, "service" if effect.after else "safe")


def _credits(one: TakingBack, actual: PhoneUser) -> None:
    for effect in one.of("credit"):
        if "credits" in one.goes or _comes_back(effect) or not one.is_due(effect, actual.credits):
            continue
        if effect.before:
            one.give("credit.assign", effect, False, "safe")
        else:
            one.draft("credit.remove", effect, True, False, "service")


# Delegation, settings, profile


def _delegates(one: TakingBack) -> None:
    for effect in one.of("delegate"):
        held = one.ground.delegates_of(one.case)
        if held is None:
            one.conflict(effect, "the phone system doesn't tell what they are")
        elif not one.is_due_among(effect, held):
            continue
        elif effect.before is None:
            one.draft("delegate.remove", effect, effect.after, None, "service")
        elif "delegates" not in one.goes and "everything" not in one.goes:
            one.give("delegate.add", effect, None, "service")


def _settings(one: TakingBack, actual: PhoneUser) -> None:
    abilities = one.ground.abilities
    for family, (attribute, kind) in _SETTINGS.items():
        fixed = attribute in abilities.keeps
        if "everything" in one.goes or (fixed and "license" in one.goes):
            continue
        known, held = one.ground.held(one.case, attribute, attribute)
        for effect in one.of(family):
            if not known:
                one.conflict(effect, "what it is now can't be read")
            elif fixed and not has_phone(actual) and not one.licensed:
                one.conflict(effect, "the user has no phone license")
            elif one.is_due(effect, held):
                draft = one.draft(kind, effect, held, effect.before, "service")
                if draft is not None and fixed and effect.before is None:
                    draft.block(f"there was no {family} before, and it can only be changed there")


def _softphone(one: TakingBack, actual: PhoneUser) -> None:
    for effect in one.of("softphone"):
        if "everything" in one.goes or not one.is_due(effect, actual.softphone):
            continue
        if effect.after is not None:
            one.draft("softphone.deauthorize", effect, effect.after, None, "service")
        if effect.before is not None:
            one.draft("softphone.authorize", effect, None, effect.before, "service")


def _privileges(one: TakingBack) -> None:
    for effect in one.of("delegation"):
        names = one.ground.privileges_of(one.case)
        held = ", ".join(sorted(names or ())) or None
        if names is None:
            one.conflict(effect, "what they are now can't be read")
        elif not {"everything", "delegates"} & one.goes and one.is_due(effect, held):
            one.draft("delegation.set", effect, held, effect.before, "service")


def _profile(one: TakingBack) -> None:
    """Draft one change with every attribute that is still as it was left."""
    if "everything" in one.goes:
        return
    families = [e.family for e in one.effects if e.family.startswith("profile.")]
    due: list[Effect] = []
    for effect in one.of(*families):
        name = effect.family.removeprefix("profile.")
        known, held = one.ground.held(one.case, effect.family, name)
        if effect.before is None and effect.family in one.ground.abilities.keeps:
            one.found.note(f"{which(effect.of)}: the {name} stays, as it can only be changed there")
        elif effect.before is None and (
            effect.family in one.ground.abilities.unreadable or name == "email"
        ):
            one.found.note(f"{which(effect.of)}: what the {name} was before isn't known; it stays")
        elif not known:
            one.conflict(effect, "what it is now can't be read")
        elif one.is_due(effect, held):
            due.append(effect)
    if due:
        before = {e.family.removeprefix("profile."): _text(e.after) for e in due}
        after = {e.family.removeprefix("profile."): _text(e.before) for e in due}
        one.draft("profile.update", due[0], before, after, "safe", (), *due[1:])


def _text(value: object) -> str | None:
    return None if value is None else str(value)
