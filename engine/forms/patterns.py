"""An analyst's patterns, run by re2: linear in time, and of one mind with the browser.

Python's own ``re`` accepts "…\\n" for ``^\\d{12}$`` and can be kept busy for ever by ``^(a+)+$``. re2 does neither, but
cannot do everything JavaScript can; what it cannot, or what the two read differently, is refused when the form is
read.
"""

from __future__ import annotations

import re
from typing import Any

import re2

_LONGEST = 1_000
_OPTIONS = re2.Options()
_OPTIONS.log_errors = False
_OPTIONS.max_mem = 1 << 20

_JAVASCRIPT_UNICODE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_READ_DIFFERENTLY = re.compile(r"\\\\|(\\[AzZQEpPC]|\(\?P<|\(\?[a-zA-Z-]+\)|\[\[:\^?\w+:\])", re.DOTALL)


def compile_pattern(source: str) -> Any:
    """Something whose ``search(text)`` answers as JavaScript's ``new RegExp(source).test(text)`` would.

    Raises:
        ValueError: the pattern cannot be run here, or means something else in the browser.
    """
    if len(source) > _LONGEST:
        raise ValueError(f"the pattern is longer than {_LONGEST} characters")
    for found in _READ_DIFFERENTLY.finditer(source):
        if found.group(1):
            raise ValueError(f"{found.group(1)!r} means something else, or nothing, in the browser")
    try:
        return re2.compile(_JAVASCRIPT_UNICODE.sub(_translate, source), _OPTIONS)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error.args[0])
        raise ValueError(f"{reason} (look-aheads, look-behinds and back references are not available)") from None


def _translate(escape: re.Match[str]) -> str:
    name = escape.group(1)
    return rf"\x{{{name[1:]}}}" if len(name) == 5 else escape.group(0)
