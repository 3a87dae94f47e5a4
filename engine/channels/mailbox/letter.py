"""A letter as it came, read: who wrote what, with which files, in answer to what.

Nothing here raises for a letter that is broken: what can be read is read, and what cannot is named.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import CloseBoundaryNotFoundDefect
from email.message import Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from email.utils import parseaddr
from hashlib import sha256

from engine.channels.mailbox import automatic, charsets, words
from engine.forms import contacts

FILES_MAX = 20
DEPTH_MAX = 20  # of parts within parts
NAME_MAX = 100
_ID = re.compile(r"<[^<>\s]{3,250}>")
_ANSWER = re.compile(r"\s*(?:re|aw|sv|tl|trả lời|v/v trả lời)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
_FAILED = re.compile(r"^Action:\s*failed\b", re.IGNORECASE | re.MULTILINE)
_RECIPIENT = re.compile(r"^(?:Final|Original)-Recipient:[^;\n]*;\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_DIAGNOSTIC = re.compile(r"^Status:\s*([245]\.\d{1,3}\.\d{1,3})", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class File:
    name: str
    content: bytes


@dataclass(frozen=True)
class Bounce:
    """A mail server's word that a letter could not be brought to somebody.

    Attributes:
        original: the Message-ID of the letter.
        recipients: the addresses it was for, in small letters, as far as the report tells.
        status: RFC 3463, "5.1.1"; empty if it does not say.
    """

    original: str
    recipients: frozenset[str]
    status: str


@dataclass(frozen=True)
class Letter:
    """What a letter says.

    Attributes:
        sender: an address that can be answered, in small letters, else empty.
        text: the writer's own words; may be empty.
        left_out: names of the files that came incomplete or are too many.
        answers: the Message-IDs of the letters it answers.
        automatic: what shows that a program wrote it; ``None``: a person did.
    """

    message_id: str
    sender: str
    name: str
    subject: str
    text: str
    files: tuple[File, ...]
    left_out: tuple[str, ...]
    answers: tuple[str, ...]
    automatic: str | None
    bounce: Bounce | None


def read(raw: bytes) -> Letter:
    message = _parsed(raw)
    sender, name = _sender(message)
    subject = _header(message, "Subject")
    answers = tuple(dict.fromkeys(_ID.findall(f"{_header(message, 'In-Reply-To')} {_header(message, 'References')}")))
    parts = _Parts()
    parts.take(message)
    written = "\n".join(filter(str.strip, parts.plain)) or "\n".join(map(words.plain, parts.html))
    own = words.said(written, answers=bool(answers or _ANSWER.match(subject)))
    return Letter(
        message_id=_first_id(_header(message, "Message-ID")), sender=sender, name=name, subject=subject, text=own,
        files=tuple(parts.files), left_out=tuple(parts.left_out), answers=answers,
        automatic=automatic.why(message, sender, lambda header: _header(message, header)),
        bounce=_bounce(message),
    )  # fmt: skip


def identity(raw: bytes) -> str:
    """What is the same however often the letter is fetched or delivered, and of no other letter.

    A Message-ID alone will not do: some programs use one twice, and anybody may claim one.
    """
    message = BytesHeaderParser(policy=compat32).parsebytes(raw)
    said = [f"{name}: {_header(message, name)}" for name in ("Message-ID", "From", "Date", "Subject")]
    body = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[1:]
    return sha256("\n".join(said).encode() + b"\0" + b"".join(body)).hexdigest()


def _parsed(raw: bytes) -> Message:
    try:
        return message_from_bytes(raw, policy=compat32)
    except RecursionError:  # a thousand parts within each other: no person's letter, but kept as a file
        return BytesHeaderParser(policy=compat32).parsebytes(raw)


def _header(message: Message, name: str) -> str:
    """The first header of this name; `Message.get` would make an object of one with bytes that are no ASCII."""
    found = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
    return charsets.header(str(found))


def _first_id(text: str) -> str:
    found = _ID.search(text)
    return found[0] if found else ""


def _sender(message: Message) -> tuple[str, str]:
    """Read before it is decoded: a name may hold an encoded comma or an encoded address."""
    raw = next((str(value) for key, value in message.raw_items() if key.lower() == "from"), "")
    name, address = parseaddr(" ".join(raw.split()))
    if not contacts.is_address(address):
        return "", ""
    return address.lower(), charsets.header(name)[:NAME_MAX]


class _Parts:
    """The leaves of a letter: words to read, and files."""

    def __init__(self) -> None:
        self.plain: list[str] = []
        self.html: list[str] = []
        self.files: list[File] = []
        self.left_out: list[str] = []

    def take(self, part: Message, depth: int = 0, cut: bool = False) -> None:
        """``cut``: whether nothing follows this part, though something should."""
        inner = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inner, list) and depth < DEPTH_MAX:
            cut = cut or any(isinstance(defect, CloseBoundaryNotFoundDefect) for defect in part.defects)
            for each in inner:
                self.take(each, depth + 1, cut and each is inner[-1])
        elif self._is_words(part):
            written = charsets.text(_content(part), part.get_content_charset())
            (self.html if part.get_content_type() == "text/html" else self.plain).append(written)
        else:
            self._file(part, cut)

    @staticmethod
    def _is_words(part: Message) -> bool:
        said = part.get_content_disposition() != "attachment" and part.get_filename() is None
        return said and part.get_content_type() in ("text/plain", "text/html")

    def _file(self, part: Message, cut: bool) -> None:
        name = charsets.header(str(part.get_filename() or "")) or _named(part.get_content_type())
        content = _content(part)
        if cut or not content or len(self.files) == FILES_MAX:
            self.left_out.append(name)
        else:
            self.files.append(File(name, content))


def _named(kind: str) -> str:
    return "thu-chuyen-tiep.eml" if kind.startswith("message/") else "tep-dinh-kem"


def _content(part: Message) -> bytes:
    inner = part.get_payload()
    if isinstance(inner, list):  # a letter within a letter
        try:
            return b"".join(each.as_bytes() for each in inner)
        except (UnicodeError, LookupError, ValueError):
            return b""
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError):
        content = None
    return content if isinstance(content, bytes) else b""


def _bounce(message: Message) -> Bounce | None:
    """RFC 3464: what failed, and the letter itself or its headers."""
    if message.get_content_type() != "multipart/report":
        return None
    report = returned = None
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status":
            report = _content(part).decode("utf-8", "replace") if report is None else report
        elif part.get_content_type() in ("message/rfc822", "text/rfc822-headers") and returned is None:
            returned = message_from_bytes(_content(part), policy=compat32)
    if report is None or returned is None or not _FAILED.search(report):
        return None
    named = {*_RECIPIENT.findall(report), parseaddr(_header(returned, "To"))[1]}
    status = _DIAGNOSTIC.search(report)
    original = _first_id(_header(returned, "Message-ID"))
    return Bounce(original, frozenset(map(str.lower, named - {""})), status[1] if status else "") if original else None
