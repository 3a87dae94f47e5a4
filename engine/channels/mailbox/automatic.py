"""Whether a program wrote a letter: such a letter is never answered, or two programs write to each other for ever.

The marks are those of RFC 3834 and of the programs that are older than it or do not know it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from email.message import Message

_PROGRAMS = re.compile(r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?|listserv|majordomo)(?:[+=-].*)?",
                       re.IGNORECASE)  # fmt: skip
_SUPPRESSED = frozenset({"all", "dr", "autoreply", "oof"})
_PRESENT = ("X-Autoreply", "X-Autorespond", "X-Auto-Reply-From", "X-Failed-Recipients", "List-Id", "List-Unsubscribe",
            "Feedback-ID")  # fmt: skip
_REPORTS = ("multipart/report", "message/delivery-status", "message/disposition-notification")


def why(letter: Message, sender: str, header: Callable[[str], str]) -> str | None:
    """What shows that no person wrote it, for whoever wonders where a letter went: a header, or words in Vietnamese;
    ``None``: a person did.

    Args:
        sender: the address in From; empty if it has none.
        header: a header's words by its name; empty if it is not there.
    """
    submitted = header("Auto-Submitted").partition(";")[0].strip().lower()
    if submitted and submitted != "no":
        return f"Auto-Submitted: {submitted}"
    precedence = header("Precedence").lower()
    if precedence in ("bulk", "junk", "list", "auto_reply"):
        return f"Precedence: {precedence}"
    if _SUPPRESSED.intersection(re.split(r"[,\s]+", header("X-Auto-Response-Suppress").lower())):
        return "X-Auto-Response-Suppress"
    if found := next((name for name in _PRESENT if name in letter), None):
        return found
    if "Return-Path" in letter and header("Return-Path") in ("<>", ""):
        return "Return-Path: <>"
    if (kind := letter.get_content_type()) in _REPORTS:
        return kind
    if not sender:
        return "không có người gửi"
    if _PROGRAMS.fullmatch(sender.partition("@")[0]):
        return "do chương trình gửi"
    return None
