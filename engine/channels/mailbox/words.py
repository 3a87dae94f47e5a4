"""What the writer of a letter said: HTML made plain, without the letter it answers and without a signature."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_UNSEEN = frozenset({"head", "script", "style", "title", "template", "noscript", "svg"})
_ON_A_LINE = frozenset(
    {"p", "div", "br", "tr", "li", "ul", "ol", "table", "hr", "pre", *map("h{}".format, range(1, 7))}
)
_NEVER_CLOSED = frozenset({"br", "hr", "img", "meta", "link", "input", "base", "col", "wbr"})

# "On Fri, 3 Sep 2021 at 15:30, 1022 <…> wrote:" and its like, on one line or two
_WROTE = re.compile(
    r"^(?:On|Vào|Ngày|Le|Am)\b[^\n]{0,200}\n?[^\n]{0,200}(?:wrote|đã viết|viết|a écrit|schrieb.{0,80})\s*:[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_ORIGINAL = re.compile(
    r"^[ \t]*(?:-{2,}[ \t]*(?:Original Message|Thư gốc|Tin nhắn gốc|Tin nhắn ban đầu)[ \t]*-{2,}|_{20,})[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)
_HEADERS = re.compile(  # what Outlook puts above the letter that is answered
    r"^[ \t*]*(?:From|Từ)[ \t*]*:[^\n]+\n[ \t*]*(?:Sent|Date|Đã gửi|Ngày|To|Đến)[ \t*]*:",
    re.MULTILINE | re.IGNORECASE,
)
_QUOTED = re.compile(r"^[ \t]*>.*(?:\n|$)", re.MULTILINE)
_SIGNATURE = re.compile(r"^--[ ]?$", re.MULTILINE)
_BY_THE_TELEPHONE = re.compile(
    r"^[ \t]*(?:Sent from my\b|Đã gửi từ\b|Được gửi từ\b|Gửi từ (?:Yahoo|Outlook|iPhone)|Get Outlook for\b)[^\n]*$",
    re.MULTILINE | re.IGNORECASE,
)


def said(text: str, *, answers: bool) -> str:
    """The writer's own words. Where nothing of a letter seems to be its writer's, all of it is kept.

    Args:
        answers: whether the letter answers another, which may then be quoted; what is passed on is no quotation.
    """
    own = _SIGNATURE.split(text, maxsplit=1)[0]
    if answers:
        for mark in (_ORIGINAL, _HEADERS, _WROTE):
            found = mark.search(own)
            if found and own[: found.start()].strip():
                own = own[: found.start()]
        own = _WROTE.sub("", _QUOTED.sub("", own))
    own = _BY_THE_TELEPHONE.sub("", own)
    return _tidy(own) or _tidy(text)


def _tidy(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.replace("\u00a0", " ").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def plain(html: str) -> str:
    """A page's text; what it quotes begins with ">", as in a plain letter."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = [""]
        self._unseen: list[str] = []
        self._quoting = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen.append(tag)
        elif tag == "blockquote":
            self._break()
            self._quoting += 1
        elif tag in _ON_A_LINE:
            self._break(even_if_empty=tag == "br")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unseen:
            while self._unseen.pop() != tag:
                pass
        elif tag == "blockquote" and self._quoting:
            self._break()
            self._quoting -= 1
        elif tag in _ON_A_LINE and tag not in _NEVER_CLOSED:
            self._break()

    def handle_data(self, data: str) -> None:
        if not self._unseen and (words := re.sub(r"\s+", " ", data)):
            if not self._lines[-1].strip("> "):
                words = "> " * self._quoting + words.lstrip()
            self._lines[-1] += words

    def _break(self, even_if_empty: bool = False) -> None:
        if even_if_empty or self._lines[-1].strip("> "):
            self._lines.append("")

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self._lines).strip()
