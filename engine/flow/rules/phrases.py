"""Parts of sentences that several rules use."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def meant(name: str, known: Iterable[str]) -> str:
    """A question to append to a sentence, or ``""`` if nothing known looks like ``name``."""
    return "".join(f" Did you mean {near!r}?" for near in get_close_matches(name, [str(one) for one in known], 1))


def short(text: str) -> str:
    """What an analyst wrote, quoted, on one line."""
    text = " ".join(text.split())
    return f"“{text[:60]}…”" if len(text) > 60 else f"“{text}”"


def lower(sentence: str) -> str:
    """A sentence as the end of another."""
    return sentence[:1].lower() + sentence[1:]
