"""A mailbox on a mail server, by IMAP (RFC 3501, RFC 6851).

What waits is whatever lies in the folder, read or unread: people may look into it, too. What has been kept is moved to
another folder, so that the mailbox shows how far we are, and a letter that was put there by mistake can be moved back.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from engine.notifiers.message import seconds

LARGEST = 15_000_000  # bytes of a letter; of a larger one its beginning, which has the words
_TLS = {"implicit": 993, "starttls": 143, "none": 143}
_NAME = re.compile(r"[ !#-\[\]-~]{1,200}")  # printable ASCII that needs no escape within quotes


class MailboxProblem(Exception):
    """The mail server cannot be used now; a sentence that names no password."""


@dataclass(frozen=True)
class Mailbox:
    """Where a province's letters arrive.

    Attributes:
        province: its code, "74".
        tls: implicit, starttls or none.
        port: 993 with implicit TLS, else 143, if left out.
        folder: where letters arrive, and ``done``: where they are moved once they are kept; as the server says it.
        timeout: for any one answer of the server, in seconds.
    """

    province: str
    host: str
    user: str
    password: str = field(repr=False)
    port: int = 0
    tls: str = "implicit"
    folder: str = "INBOX"
    done: str = "Thong Suot"
    ca_file: str | None = None
    timeout: float = 10

    def __post_init__(self) -> None:
        if self.tls not in _TLS:
            raise ValueError(f"tls must be one of {', '.join(_TLS)}, not {self.tls!r}.")
        for name in ("host", "user", "password", "folder", "done"):
            value = getattr(self, name)
            if not isinstance(value, str) or not value.isascii() or not value.isprintable() or not value:
                raise ValueError(f"{name} must be a text of ASCII letters, digits and signs.")
        for name in ("folder", "done"):
            if not _NAME.fullmatch(getattr(self, name)):
                raise ValueError(f'{name} may have no " and no \\.')
        if self.folder == self.done:
            raise ValueError("done must be another folder than the one where letters arrive.")
        if isinstance(self.port, bool) or not isinstance(self.port, int) or not 0 <= self.port <= 65535:
            raise ValueError(f"port must be a number up to 65535, not {self.port!r}.")
        seconds(self.timeout)


def mailboxes(settings: Mapping[str, Any]) -> list[Mailbox]:
    """From settings, by province: ``{"74": {"email": {"host": "mail.example.vn", "user": "1022", "password": "…"}}}``.

    Args:
        settings: of all channels; only ``email`` is looked at.

    Raises:
        ValueError: an option does not exist, is missing, or will not do; a sentence names it.
    """
    found = {province: channels for province, channels in settings.items() if isinstance(channels, Mapping)}
    return [_mailbox(province, channels["email"]) for province, channels in found.items() if "email" in channels]


def _mailbox(province: str, options: Any) -> Mailbox:
    if not isinstance(options, Mapping):
        raise ValueError(f"The settings of the mailbox of {province} must be a table.")
    known = [each for each in fields(Mailbox) if each.name != "province"]
    names = [each.name for each in known]
    if strange := sorted(options.keys() - set(names)):
        raise ValueError(f"The mailbox of {province} has no option {strange[0]!r}; it has {', '.join(names)}.")
    if missing := [each.name for each in known if each.default is MISSING and each.name not in options]:
        raise ValueError(f"The mailbox of {province} needs the option {missing[0]!r}.")
    try:
        return Mailbox(province, **options)
    except (TypeError, ValueError) as error:
        raise ValueError(f"The mailbox of {province}: {error}") from None


class Folder:
    """The folder where letters arrive, while we are connected. Any of its methods may raise what `opened` raises."""

    def __init__(self, server: imaplib.IMAP4, mailbox: Mailbox) -> None:
        self._server = server
        self._done = f'"{mailbox.done}"'
        self._can_move = b"MOVE" in (server.capability()[1][0] or b"").upper().split()

    def waiting(self) -> list[str]:
        """The UIDs of the letters that nobody has kept yet, oldest first."""
        found = _answer(self._server.uid("SEARCH", "UNDELETED"), "SEARCH")
        return [uid.decode("ascii") for uid in sorted((found[0] or b"").split(), key=int)]

    def fetch(self, uid: str) -> bytes | None:
        """A letter, or the beginning of one that is too large; ``None``: somebody has moved it meanwhile."""
        found = _answer(self._server.uid("FETCH", uid, f"(BODY.PEEK[]<0.{LARGEST}>)"), "FETCH")
        return next((bytes(part[1]) for part in found if isinstance(part, tuple)), None)

    def put_away(self, uid: str) -> None:
        """Move a letter to where those are that have been kept."""
        if not self._copied(uid):
            self._server.create(self._done)
            if not self._copied(uid):
                raise MailboxProblem(f"the mail server does not let us move a letter to {self._done}")
        if not self._can_move:
            _answer(self._server.uid("STORE", uid, "+FLAGS.SILENT", r"(\Deleted)"), "STORE")
            self._server.uid("EXPUNGE", uid)  # where it is not known the letter stays, marked

    def _copied(self, uid: str) -> bool:
        return self._server.uid("MOVE" if self._can_move else "COPY", uid, self._done)[0] == "OK"


@contextmanager
def opened(mailbox: Mailbox) -> Iterator[Folder]:
    """Connect, log in, look into the folder.

    Raises:
        MailboxProblem: the server is away, slow or unlike we were told, or does not let us in.
    """
    try:
        server = _connected(mailbox)
        try:
            server.login(mailbox.user, mailbox.password)
            _answer(server.select(f'"{mailbox.folder}"'), f"SELECT {mailbox.folder}")
            yield Folder(server, mailbox)
        finally:
            with suppress(OSError, imaplib.IMAP4.error):
                server.logout()
    except TimeoutError:
        raise MailboxProblem("it did not answer in time") from None
    except ssl.SSLError as error:
        raise MailboxProblem(f"its certificate or encryption failed ({error.reason})") from None
    except OSError as error:
        raise MailboxProblem(error.strerror or type(error).__name__) from None
    except imaplib.IMAP4.error as error:
        raise MailboxProblem(_said(error, mailbox)) from None


def _connected(mailbox: Mailbox) -> imaplib.IMAP4:
    port = mailbox.port or _TLS[mailbox.tls]
    if mailbox.tls == "none":
        return imaplib.IMAP4(mailbox.host, port, timeout=mailbox.timeout)
    context = ssl.create_default_context(cafile=mailbox.ca_file)
    if mailbox.tls == "implicit":
        return imaplib.IMAP4_SSL(mailbox.host, port, ssl_context=context, timeout=mailbox.timeout)
    server = imaplib.IMAP4(mailbox.host, port, timeout=mailbox.timeout)
    try:
        server.starttls(context)
    except BaseException:
        server.shutdown()
        raise
    return server


def _answer(answer: tuple[str, list[Any]], to: str) -> list[Any]:
    kind, data = answer
    if kind != "OK":
        raise MailboxProblem(f"it refused our {to}")
    return data


def _said(error: imaplib.IMAP4.error, mailbox: Mailbox) -> str:
    """The server's words, short and without what we told it."""
    word = error.args[0] if error.args else ""
    words = word.decode("utf-8", "replace") if isinstance(word, bytes) else str(word)
    return " ".join(words.replace(mailbox.password, "…").split())[:200] or type(error).__name__
