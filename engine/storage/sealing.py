"""Personal data at rest: sealed with keys that the database does not have.

    seal("Nguyễn Văn Bình", "people.name")       AES-256-GCM; never the same twice
    find("+84912345678", "people.phone")         AES-SIV (RFC 5297); always the same, so that an index finds it

A sealed value names its key (``~3fa2b81c…``), so that values of several keys can lie side by side while the newest
takes over (`engine.privacy.keys`). It is bound to the name it was sealed for: put into another column, it cannot be
read. What does not begin like a sealed value is what was written before there were keys, and is read as it is.

The keys belong to the process (`use`), not to a unit: column types seal and open, and are compiled once for all.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable
from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV

SIZE = 32  # bytes of a key
_NONCE = 12
_HEAD = 9  # "~" and the key's id
_SEALED = re.compile(r"[~=][0-9a-f]{8}[A-Za-z0-9+/]{20}", re.ASCII)
_SEALED_BYTES = re.compile(rb"~([0-9a-f]{8})", re.ASCII)


class Unreadable(Exception):
    """A sealed value whose key is not here, or that somebody has changed."""


class Key:
    """One key, and what is derived from it; its ``id`` follows from the key itself."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SIZE:
            raise ValueError(f"a key has {SIZE} bytes, not {len(secret)}")
        self.secret = secret
        self.id = hashlib.sha256(b"thongsuot key\0" + secret).hexdigest()[:8]
        self.gcm = AESGCM(self._derived(b"seal"))
        self.siv = AESSIV(self._derived(b"find") + self._derived(b"find, second half"))
        self.head, self.found_head, self.bytes_head = f"~{self.id}", f"={self.id}", f"~{self.id}".encode()

    def of_file(self, salt: bytes) -> bytes:
        """The key of one file (`engine.files.sealed_files`)."""
        return hmac.digest(self._derived(b"file"), salt, "sha256")

    def digest(self, text: str) -> str:
        return hmac.digest(self._derived(b"digest"), text.encode("utf-8", "replace"), "sha256").hex()

    def _derived(self, purpose: bytes) -> bytes:
        return hmac.digest(self.secret, b"thongsuot " + purpose, "sha256")


class Ring:
    """The keys that a process has; the last one seals, all of them open."""

    def __init__(self, secrets: Iterable[bytes], again: Callable[[], Iterable[bytes]] | None = None) -> None:
        """Args:
        secrets: the newest last.
        again: where to look once more when a value names a key that is not here: somebody has made a new one.

        Raises:
            ValueError: there is none, or one of them is no key.
        """
        self._again = again
        self._take(secrets)

    def _take(self, secrets: Iterable[bytes]) -> None:
        keys = [Key(secret) for secret in secrets]
        if not keys:
            raise ValueError("there is no key")
        self.by_id = {key.id: key for key in keys}
        self.newest = keys[-1]

    def key(self, key_id: str) -> Key:
        """Raises:
        Unreadable: it is not here.
        """
        if key_id not in self.by_id and self._again is not None:
            self._take(self._again())
        if key_id not in self.by_id:
            raise Unreadable(f"A value was sealed with the key {key_id}, which this server does not have.")
        return self.by_id[key_id]


_rings: list[Ring] = []


def use(ring: Ring) -> None:
    """Seal with this ring's newest key from now on."""
    _rings[:] = [ring]


def ring() -> Ring:
    """Raises:
    Unreadable: nobody has said which keys to use.
    """
    if not _rings:
        raise Unreadable("There are no keys for personal data: call engine.storage.sealing.use first.")
    return _rings[0]


# -- texts ---------------------------------------------------------------------------------------------------------


def seal(text: str, name: str) -> str:
    key, nonce = ring().newest, urandom(_NONCE)
    sealed = nonce + key.gcm.encrypt(nonce, text.encode(), name.encode())
    return key.head + b2a_base64(sealed, newline=False).decode()


def find(text: str, name: str) -> str:
    """Sealed so that the same text is always the same: for what has to be found by itself as a whole."""
    return _found(ring().newest, text, name)


def spellings(text: str, name: str) -> list[str]:
    """Everything that a column may hold for this text: by each key, and as it was before there were keys."""
    return [*(_found(key, text, name) for key in ring().by_id.values()), text]


def digest(text: str) -> str:
    """What stands for a text that has to be known again for a while, and that nobody is to read: not even guess,
    without the key. Another newest key makes another."""
    return ring().newest.digest(text)


def _found(key: Key, text: str, name: str) -> str:
    sealed = key.siv.encrypt(text.encode(), [name.encode()])
    return key.found_head + b2a_base64(sealed, newline=False).decode()


def unseal(text: str, name: str) -> str:
    """What was sealed, either way; a text that never was comes back as it is.

    Raises:
        Unreadable: it cannot be opened.
    """
    if text[:1] not in ("~", "=") or _SEALED.match(text) is None:
        return text
    try:
        sealed = a2b_base64(text[_HEAD:], strict_mode=True)
    except ValueError:
        return text
    key = ring().key(text[1:_HEAD])
    try:
        if text[0] == "=":
            return key.siv.decrypt(sealed, [name.encode()]).decode()
        return key.gcm.decrypt(sealed[:_NONCE], sealed[_NONCE:], name.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise Unreadable(f"A value of {name} cannot be opened: it was changed, or belongs elsewhere.") from error


# -- bytes ---------------------------------------------------------------------------------------------------------


def seal_bytes(data: bytes, name: str) -> bytes:
    key, nonce = ring().newest, urandom(_NONCE)
    return key.bytes_head + nonce + key.gcm.encrypt(nonce, data, name.encode())


def unseal_bytes(data: bytes, name: str) -> bytes:
    """As `unseal`."""
    if data[:1] != b"~" or (match := _SEALED_BYTES.match(data)) is None:
        return data
    key, nonce = ring().key(match[1].decode()), data[_HEAD : _HEAD + _NONCE]
    try:
        return key.gcm.decrypt(nonce, data[_HEAD + _NONCE :], name.encode())
    except (InvalidTag, ValueError) as error:
        raise Unreadable(f"A value of {name} cannot be opened: it was changed, or belongs elsewhere.") from error
