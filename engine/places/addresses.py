"""What people type for an area: "q1", "p. 12 q. 10", "tp thu duc", "Bến Nghé, quận 1"."""

from __future__ import annotations

import re

from engine.language.vietnamese import fold

SHORT = {
    "q": "quan", "h": "huyen", "p": "phuong", "x": "xa", "tp": "thanh pho", "tx": "thi xa", "tt": "thi tran",
    "dk": "dac khu",
}  # fmt: skip
_SHORT = re.compile(rf"(?:^|(?<=[ |]))({'|'.join(SHORT)})(?: (?=[^ |])|(?=\d))")  # "q 1", "q1"; not "q" that goes on
_NUMBERED = re.compile(r"(?<=[^|]) (?=(?:quan|phuong) \d)")
_KIND = re.compile(r"(?<=[^|]) (?=(?:thanh pho|thi xa|thi tran|dac khu|quan|huyen|phuong|xa) .)")
_ZEROS = re.compile(r"\b0+(?=\d)")  # "Phường 04" is found as "phường 4"


def is_kind(folded: str) -> bool:
    """Whether it is no more than a kind of unit, or the beginning of one: "phuong", "thanh p"."""
    return any(kind.startswith(folded) for kind in SHORT.values())


def without_zeros(folded: str) -> str:
    return _ZEROS.sub("", folded)


def readings(typed: str) -> list[list[str]]:
    """What may be meant, likeliest first: folded names, each in the one that follows it.

    >>> readings("p.12 Q10")
    [['phuong 12', 'quan 10']]
    >>> readings("xã Tân Phú huyện Định Quán")
    [['xa tan phu huyen dinh quan'], ['xa tan phu', 'huyen dinh quan']]
    """
    text = re.sub(r" *[,;|]+ *", "|", fold(typed.replace(".", " ")).strip())
    text = _SHORT.sub(lambda found: f"|{SHORT[found[1]]} ", without_zeros(text))
    text = _NUMBERED.sub("|", text)
    wide, narrow = _names(text), _names(_KIND.sub("|", text))
    return [wide] if narrow == wide else [wide, narrow]


def _names(text: str) -> list[str]:
    return [name for part in text.split("|") if (name := " ".join(part.split()))]
