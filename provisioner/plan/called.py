"""What people are called where others name them: a manager by dn, an assistant by userName or mail.

Directories name people in their own ways: LDAP by dn, SCIM by resource id, a personnel system by
userName, key or mail. All of them lead to the work mail, by which phone systems know delegates: their
own, where somebody has another one there than in the directories. A
name that two people bear is nobody's: a delegation is never guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from connectors.directory.ldap_json.dn import DnError, normal
from connectors.records import Person, fold
from provisioner.joining import People
from provisioner.plan.look import Names


class Called:
    """Collects what everybody is called; `settle` puts it into `mails`, the mail by folded name.

    Mails and keys are whose they are. What else somebody is called counts where it is nobody's mail or
    key; what two people are called is left out, and kept in `shared`.
    """

    def __init__(self, mails: dict[str, str], shared: set[str]) -> None:
        self.people: People | None = None
        self._mails, self._shared = mails, shared
        self._others: dict[str, str] = {}
        self._there: dict[str, str] = {}

    def add(self, mail: str, key: str, names: Names, number: int) -> str:
        """Take in a person by folded mail and key, and by whatever else they are called; return the mail.

        Where several directories have somebody, each may call them otherwise.
        """
        self._mails[mail] = self._mails[key] = mail
        others: Iterable[str | None] = (names.dn, names.user_name, names.id)
        if self.people is not None and len(self.people.readings) > 1:
            others = _other_names(self.people.parts(key, number))
        for name in others:
            if name and self._others.setdefault(name := _folded(name), mail) != mail:
                self._shared.add(name)
        return mail

    def settle(self) -> None:
        """Everybody was taken in: now it is known which names lead to one person alone."""
        self._shared -= self._mails.keys()
        for name, mail in self._others.items():
            if name not in self._shared:
                self._mails.setdefault(name, mail)
        self._others.clear()

    def meet(self, key: str, number: int, mail: str | None) -> None:
        """Take in by which mail the phone system knows somebody, by folded key."""
        people = self.people
        if mail is not None and people is not None and people.key_by_mail.get(fold(mail)) != key:
            theirs = people.at(number).email
            if theirs is not None and fold(theirs) != fold(mail):
                self._there[fold(theirs)] = fold(mail)

    def go_by_mails_there(self) -> None:
        """Everybody was met: names lead to the mails by which the phone system knows people."""
        for name, mail in self._mails.items() if self._there else ():
            self._mails[name] = self._there.get(mail, mail)


def _other_names(parts: Iterable[tuple[str, Person]]) -> Iterator[str | None]:
    for _, person in parts:
        yield from (person.where, person.resource.get("userName"), person.resource.get("id"))


def mail_of(mails: Mapping[str, str], name: str) -> str | None:
    """Return the folded mail of whom a name means; None if it is known of nobody."""
    return mails.get(fold(name)) or (mails.get(_folded(name)) if "=" in name else None)


def shares(shared: Collection[str], name: str) -> bool:
    """Tell whether several people bear a name."""
    return fold(name) in shared or _folded(name) in shared


def _folded(name: str) -> str:
    """Return what names are compared by: a dn in its normal form, whatever way it is spelt."""
    if "=" not in name:
        return fold(name)
    try:
        return fold(normal(name))
    except DnError:
        return fold(name)
