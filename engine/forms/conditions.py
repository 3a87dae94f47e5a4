"""Expressions in forms: when a question is hidden or read-only, and what its limits are.

form-js writes them in FEEL. What is understood here is the part of FEEL that is also the engine's own expression
language (`engine.flow.scripts`), after a few words have been replaced: comparisons, and, or, not, in, null, true,
false, names with dots, arithmetic, and the functions below. Anything else is refused when the form is read.

An expression that fails on the answers at hand (a number compared with nothing, say) counts as null, and null does
not hide: so FEEL has it. (The feelin of form-js-viewer 2.0 hides in that case.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_FEEL_FUNCTIONS = {
    "list contains": "contains",
    "string length": "len",
    "starts with": "starts_with",
    "ends with": "ends_with",
    "upper case": "upper",
    "lower case": "lower",
    "count": "len",
}
_TOKEN = re.compile(
    r'(?P<text>"(?:[^"\\]|\\.)*")'
    rf"|(?P<function>\b(?:{'|'.join(_FEEL_FUNCTIONS)}))(?=\s*\()"
    r"|(?P<kept><=|>=|!=|==)"
    r"|(?P<equals>=)"
)
_LONGEST = 2_000


class Rule:
    """A compiled expression of a form."""

    __slots__ = ("source", "names", "_expression", "_nothing")

    def __init__(self, source: str, where: str) -> None:
        """Raises:
        ValueError: with a sentence that names ``where``.
        """
        from engine.flow.scripts import KNOWN_FUNCTIONS, ScriptError, compile_expression

        if not source.startswith("="):
            raise ValueError(f"{where} must be an expression that begins with '=', not {source!r}.")
        if len(source) > _LONGEST:
            raise ValueError(f"{where} is longer than {_LONGEST} characters.")
        self.source = source
        try:
            self._expression = compile_expression(translate(source))
        except ScriptError as error:
            raise ValueError(f"{where} cannot be used: {error}") from None
        if strangers := sorted(self._expression.calls - KNOWN_FUNCTIONS):
            raise ValueError(f"{where} calls {strangers[0]}(…), which does not exist in forms.")
        self.names = self._expression.names
        self._nothing = dict.fromkeys(self.names)

    def value(self, context: Mapping[str, Any]) -> Any:
        """The value with these data; names they do not have are null. ``None`` where it fails."""
        from engine.flow.scripts import ScriptError

        try:
            return self._expression.evaluate({**self._nothing, **context})
        except ScriptError:
            return None

    def holds(self, context: Mapping[str, Any]) -> bool:
        return self.value(context) is True


def translate(feel: str) -> str:
    """FEEL to the engine's expression language, word by word.

    >>> translate('= loai = "a=b" and list contains(tags, 1)')
    'loai == "a=b" and contains(tags, 1)'
    """
    return _TOKEN.sub(_word, feel.removeprefix("=")).strip()


def _word(token: re.Match[str]) -> str:
    if token["function"]:
        return _FEEL_FUNCTIONS[token["function"]]
    return "==" if token["equals"] else token.group()
