"""What people are called where others name them: a manager by dn, an assistant by userName or mail.

Directories name people in their own ways: LDAP by dn, SCIM by resource id, a personnel system by
userName, key or mail. All of them lead to the work mail, by which phone systems know delegates: their
own, where somebody has another one there than in the directories. A
name that two people bear is nobody's: a delegation is never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from connectors.directory.ldap_json.dn import DnError, normal
from connectors.records import fold
from provisioner.joining import People
from provisioner.plan.look import Names
from provisioner.plan.name_index import NameIndex

_A_LINE = re.compile(r":\d+$")
"""A line of a file."""


class Called:
    """Collects what everybody is called; `settle` puts it into `mails`, the mail by folded name.

    Mails and keys are whose they are. What else somebody is called counts where it is nobody's mail or
    key; what two people are called is left out, and kept in `shared`. Into `index` goes what each
    directory calls them.
    """

    def __init__(
        self, mails: dict[str, str], shared: set[str], index: NameIndex | None = None
    ) -> None:
        self.people: People | None = None
        self._mails, self._shared, self._index = mails, shared, index
        self._others: dict[str, str] = {}
        self._there: dict[str, str] = {}

    def add(self, mail: str, key: str, names: Names, number: int) -> str:
        """Take in a person by folded mail and key, and by whatever else they are called; return the mail.

        Where several directories have somebody, each may call them otherwise.
        """
        self._mails[mail] = self._mails[key] = mail
        readings = () if self.people is None else self.people.readings
        if self.people is None or len(readings) < 2:
            others = self._claim(mail, names.dn, names.user_name, names.id)
            if self._index is not None and readings:
                self._index.note(readings[0].name, (mail, *others), key)
            return mail
        for directory, person in self.people.parts(number):
            resource = person.resource
            others = self._claim(mail, person.where, resource.get("userName"), resource.get("id"))
            if self._index is not None:
                email = person.email
                self._index.note(directory, (email and fold(email), *others), key)
        return mail

    def _claim(self, mail: str, where: str | None, *names: str | None) -> list[str]:
        """Let names lead to a mail unless they are another one's, too; return them folded.

        But for `where` if that is a line of a file, which the next read may have somewhere else.
        """
        folded = [folded_name(name) for name in (where, *names) if name]
        for name in folded:
            if self._others.setdefault(name, mail) != mail:
                self._shared.add(name)
        return folded[1:] if where and _A_LINE.search(where) else folded

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


def mail_of(mails: Mapping[str, str], name: str) -> str | None:
    """Return the folded mail of whom a name means; None if it is known of nobody."""
    return mails.get(fold(name)) or (mails.get(folded_name(name)) if "=" in name else None)


def shares(shared: Collection[str], name: str) -> bool:
    """Tell whether several people bear a name."""
    return fold(name) in shared or folded_name(name) in shared


def folded_name(name: str) -> str:
    """Return what names are compared by: a dn in its normal form, whatever way it is spelt."""
    if "=" not in name:
        return fold(name)
    try:
        return fold(normal(name))
    except DnError:
        return fold(name)
