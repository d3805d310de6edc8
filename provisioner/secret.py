"""Secrets in config: written `{env: NAME}` or `{file: PATH}`, read at start, never shown.

A secret is text to whoever uses it, and `***` to whoever prints the config that holds it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_BYTES = 65_536
"""A secret's file is a token or a key; larger is a wrong path."""

_SECRET_NAME = re.compile(r"(?:^|_)(?:token|secret|password|passphrase|jwt|private_key)$")


class Secret(str):
    """Text that isn't shown: its `repr` is `***`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "***"


def is_reference(value: object) -> bool:
    """Tell whether a config value is written `{env: NAME}` or `{file: PATH}`."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("env", "file")


def names_a_secret(name: str) -> bool:
    """Tell whether a member called so holds a secret however it is written.

    >>> [names_a_secret(n) for n in ("token", "client_secret", "token_url", "client_id")]
    [True, True, False, False]
    """
    return bool(_SECRET_NAME.search(name))


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where references lead: the environment, and files relative to the config's folder `base`."""

    environ: Mapping[str, str]
    base: Path

    def read(self, reference: Mapping[str, Any]) -> Secret:
        """Return what a reference (`is_reference`) leads to, without a file's last line break.

        Raises ValueError, in words for the operator and without any of the secret, if the variable
        isn't set or the file can't be read, or if there is nothing in it.
        """
        ((kind, name),) = reference.items()
        if not isinstance(name, str) or not name:
            raise ValueError(f"{kind}: must be followed by a name")
        text = self.environ.get(name) if kind == "env" else self._file(name)
        if text is None:
            raise ValueError(f"the environment variable {name} isn't set")
        if not text.strip():
            raise ValueError(f"the {'variable' if kind == 'env' else 'file'} {name} is empty")
        return Secret(text)

    def _file(self, name: str) -> str:
        try:
            with (self.base / name).open("rb") as f:
                raw = f.read(MAX_BYTES + 1)
        except OSError as e:
            raise ValueError(f"the file {name} can't be read: {e.strerror}") from e
        if len(raw) > MAX_BYTES:
            raise ValueError(f"the file {name} is larger than {MAX_BYTES:,} bytes")
        try:
            return raw.decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise ValueError(f"the file {name} isn't UTF-8 text") from None
