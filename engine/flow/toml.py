"""Settings from outside: TOML becomes a table, or is refused.

As with `xml`: an analyst writes it, but anybody may send it, and Python's reader takes time and memory by the square of
a dotted key's parts, runs out of stack on brackets, and of patience on numbers with thousands of digits.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any

PARTS_MAX = 20  # of a key, as in a.b.c

_PART = r"""(?:"[^"\n]*"|'[^'\n]*'|(?<![\w-])[\w-]++)"""
_LONG_KEY = re.compile(rf"{_PART}(?:[ \t]*\.[ \t]*{_PART}){{{PARTS_MAX}}}")


def read_toml(text: str) -> dict[str, Any]:
    """The table that a file holds.

    Raises:
        tomllib.TOMLDecodeError: it is not TOML, or holds what no setting needs; it says in which line.
    """
    for number, line in enumerate(text.splitlines(), 1):
        if line.count(".") >= PARTS_MAX and _LONG_KEY.search(line):
            raise tomllib.TOMLDecodeError(f"A key has more than {PARTS_MAX} parts (at line {number}, column 1)")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise tomllib.TOMLDecodeError("Brackets are nested too deeply (at end of document)") from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:  # of Python's own limit
        raise tomllib.TOMLDecodeError("A number has thousands of digits (at end of document)") from None
