"""How analysts write: Camunda's expressions (`${a == 1 && !b}`) and Python's (`a == 1 and not b`), read as one.

The text is cut into tokens, whatever is written differently is replaced, and Python's own parser makes the tree.
Nothing is compiled or run here, and nothing here decides what is allowed: `expressions` does. What this module
promises is that no text, however long, deep or odd, does more than raise a ScriptError, and that the place it names
is the place in the text as it was written.
"""

from __future__ import annotations

import ast
import json
import re
import textwrap
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from engine.flow.values import ScriptError

EXPRESSION_LENGTH = 4_000  # characters
SCRIPT_LENGTH = 20_000
FORMATTED_LENGTH = 500
NESTING = 40  # brackets inside brackets
INPUT = "ʔ"  # what `?` in a cell becomes: one letter that Python takes for a name, so places stay the same

_TOKEN = re.compile(
    r"""
      (?P<space>\s+ | \\\n)
    | (?P<comment>\#[^\n]*)
    | (?P<text>[fF]?(?: "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' ))
    | (?P<number>\d\w*(?:\.(?!\.)\d*\w*)?(?:(?<=[eE])[+-]?\d+)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<sign>&&|\|\||===|==|!=|<=|>=|<<|>>|:=|\.\.|//|\*\*|[-+*/%()\[\]{}<>=!,.:;?&|^~@])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?![\\'\"ntr\n]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2})")
_OPENS, _CLOSES = "([{", ")]}"
_ODD = {
    "“": 'write straight quotation marks: "…"',
    "”": 'write straight quotation marks: "…"',
    "‘": "write straight quotation marks: '…'",
    "’": "write straight quotation marks: '…'",
    '"': "the quotation mark is never closed",
    "'": "the quotation mark is never closed",
    "$": "'$' may only begin an expression: ${…}",
}
_OF_SEVERAL_WORDS = {  # FEEL's functions
    ("date", "and", "time"): "datetime",
    ("years", "and", "months", "duration"): "months_between",
    ("day", "of", "week"): "day_of_week",
    ("day", "of", "year"): "day_of_year",
    ("week", "of", "year"): "week_of_year",
    ("month", "of", "year"): "month_of_year",
}
_WORDS = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=", "div": "/", "mod": "%"}


class Token(NamedTuple):
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class Source:
    """A text as it was written, the Python it stands for, and the way back from the one to the other."""

    def __init__(self, text: str, python: str, shifts: list[tuple[int, int]]) -> None:
        self.text = text
        self.python = python
        self._shifts = shifts
        self._lines = [0] + [found.end() for found in re.finditer("\n", python)]

    def fault(self, reason: str, node: ast.AST | None = None) -> ScriptError:
        """An error at the place of a node of the tree."""
        if not isinstance(node, ast.expr | ast.stmt):
            return ScriptError(reason)
        line = self._lines[min(node.lineno, len(self._lines)) - 1]
        column = len(self.python[line:].encode()[: node.col_offset].decode(errors="ignore"))
        return fault_at(reason, self.text, self._original(line + column))

    def syntax_fault(self, error: SyntaxError) -> ScriptError:
        """An error where Python's parser stopped understanding."""
        line = self._lines[min(error.lineno or 1, len(self._lines)) - 1]
        place = min(line + max((error.offset or 1) - 1, 0), len(self.python))
        message = re.split(r"[.,] (?:Perhaps|Maybe)", error.msg)[0].replace(INPUT, "?")
        return fault_at(f"This cannot be read ({message}){_advice(self.text)}.", self.text, self._original(place))

    def _original(self, place: int) -> int:
        after, shift = self._shifts[bisect_right(self._shifts, (place, 1 << 30)) - 1]
        return max(place - shift, 0)


def fault_at(reason: str, text: str, place: int) -> ScriptError:
    place = min(place, len(text))
    line = text.count("\n", 0, place) + 1
    column = place - (text.rfind("\n", 0, place) + 1) + 1
    return ScriptError(reason, line if "\n" in text.strip() else None, column)


def tokens(text: str) -> Iterator[Token]:
    """Cut the text into tokens, spaces and comments left out.

    Raises:
        ScriptError: a character that has no place here, or brackets nested more than ``NESTING`` deep.
    """
    place = depth = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            advice = _ODD.get(text[place], f"the character {text[place]!a} has no meaning here")
            raise fault_at(f"This cannot be read: {advice}.", text, place)
        token = Token(found.lastgroup or "", found.group(), place)
        place = found.end()
        depth += {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.text, 0)
        if depth > NESTING:
            raise fault_at(f"Brackets are nested more than {NESTING} deep.", text, token.start)
        if token.kind != "space" and token.kind != "comment":
            yield token


def in_one_word(text: str) -> str:
    """Names of several words as those that our functions have; places stay the same."""
    return renamed(text, list(tokens(text)), _OF_SEVERAL_WORDS) if "and" in text or "of" in text else text


def renamed(text: str, found: Sequence[Token], names: Mapping[tuple[str, ...], str]) -> str:
    """Functions under the names that ours have, none of which is the longer: places stay the same."""
    for place in range(len(found)):
        for words, ours in names.items():
            behind = found[place : place + len(words) + 1]
            if [one.text for one in behind] == [*words, "("]:
                start, end = behind[0].start, behind[-2].end
                text = text[:start] + ours.ljust(end - start) + text[end:]
    return text


def strip_expression(text: str) -> str | None:
    """What stands inside `${…}`; ``None`` for a text without it, which is just a text.

    A text with expressions in the middle becomes one expression that joins the pieces.

    >>> strip_expression("${x > 1}"), strip_expression("ubnd_74_718"), strip_expression("ubnd_${area}")
    ('x > 1', None, '"ubnd_" + str(area)')

    Raises:
        ScriptError: a `${` is never closed.
    """
    if "{" not in text:
        return None
    pieces: list[str] = []
    expressions = place = 0
    text = normal(text, SCRIPT_LENGTH)
    for opening in re.finditer(r"[$#]\{", text):
        if opening.start() < place:
            continue
        if opening.start() > place:
            pieces.append(json.dumps(text[place : opening.start()], ensure_ascii=False))
        place = _closing_brace(text, opening.end()) + 1
        pieces.append(text[opening.end() : place - 1].strip())
        expressions += 1
        if not text[: opening.start()].strip() and not text[place:].strip():
            return pieces[-1]
        pieces[-1] = f"str({pieces[-1]})"
    if not expressions:
        return None
    if place < len(text):
        pieces.append(json.dumps(text[place:], ensure_ascii=False))
    return " + ".join(pieces)


def unwrapped(text: str) -> str:
    """The text without spaces around it, and without a `${…}` that is around all of it."""
    text = text.strip()
    if text.startswith(("${", "#{")) and _closing_brace(text, 2) == len(text) - 1:
        return text[2:-1].strip()
    return text


def _closing_brace(text: str, start: int) -> int:
    depth = 1
    for token in tokens(text[start:]):
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        if depth == 0:
            return start + token.start
    raise fault_at("'${' is never closed with '}'.", text, start - 2)


def read_expression(text: str) -> tuple[ast.expr, Source]:
    """The tree of an expression, with or without `${…}` around it.

    Raises:
        ScriptError: it is empty, too long, or not an expression.
    """
    text = unwrapped(normal(text, EXPRESSION_LENGTH))
    if not text:
        raise ScriptError("The expression is empty.")
    source = _translate(in_one_word(text), "(", "\n)")  # brackets let it go over several lines
    return _parse(source, "eval").body, source


def read_script(text: str) -> tuple[list[ast.stmt], Source]:
    """The statements of a script; the indentation that XML adds to all lines is taken off."""
    text = textwrap.dedent(normal(text, SCRIPT_LENGTH).replace("\r\n", "\n").replace("\t", "    "))
    source = _translate(in_one_word(text))
    return _parse(source, "exec").body, source


def normal(text: str, longest: int) -> str:
    """The text in NFC (a letter with a loose accent would not be read as a letter). Raises ScriptError if too long."""
    if not isinstance(text, str):
        raise ScriptError("An expression must be text.")
    if len(text) > longest:
        raise ScriptError(f"This is longer than {longest:,} characters: split it up.")
    return unicodedata.normalize("NFC", text)


def _parse(source: Source, mode: str) -> Any:
    try:
        return ast.parse(source.python, mode=mode)
    except SyntaxError as error:
        raise source.syntax_fault(error) from None
    except (ValueError, RecursionError, MemoryError, OverflowError):
        raise ScriptError("This is nested too deeply, or holds characters that are no text.") from None


def _translate(text: str, before: str = "", after: str = "") -> Source:
    """`&&` becomes `and`, `||` becomes `or`, `!` becomes `~`, which binds as `!` does and is read as *not*; `@"…"`
    becomes `at("…")`."""
    pieces = [before]
    shifts = [(0, len(before))]
    length, place = len(before), 0
    for token in _checked(text):
        python = {"&&": " and ", "||": " or ", "!": "~", "?": INPUT, "@": "at("}.get(token.text, token.text)
        if text[token.start - 1 : token.start] == "@" and token.kind == "text":
            python += ")"
        pieces += _plain_space(text[place : token.start]), python
        length += token.start - place + len(python)
        place = token.end
        if len(python) != len(token.text):
            shifts.append((length, length - place))
    return Source(text, "".join([*pieces, _plain_space(text[place:]), after]), shifts)


def _plain_space(gap: str) -> str:
    return gap if gap.isascii() else re.sub(r"[^\S\n]", " ", gap)  # no-break spaces come with text that was pasted


def _checked(text: str) -> Iterator[Token]:
    """The tokens of a text in which every bracket has its partner and nothing is odd."""
    before = Token("", "", 0)
    prefixes = 0
    opened: list[Token] = []
    for token in tokens(text):
        _refuse_odd(token, before, text)
        prefixes = prefixes + 1 if token.text in ("not", "!", "-", "+") else 0
        if prefixes > NESTING:
            raise fault_at(f"'{token.text}' is repeated too often.", text, token.start)
        if token.kind == "sign" and token.text in _OPENS:
            opened.append(token)
        elif token.kind == "sign" and token.text in _CLOSES:
            if not opened or _OPENS.index(opened.pop().text) != _CLOSES.index(token.text):
                raise fault_at(f"'{token.text}' closes nothing that was opened.", text, token.start)
        yield token
        before = token
    if before.text == "@":
        _refuse_odd(Token("", "", len(text) + 1), before, text)
    if opened:
        raise fault_at(f"'{opened[-1].text}' is never closed.", text, opened[-1].start)


def _refuse_odd(token: Token, before: Token, text: str) -> None:
    """Say in an analyst's words what Python's parser would say in its own, or not at all.

    `lambda` and `**` are refused here already because they go to the right without end, and Python's parser with them,
    until a thread with a small stack is dead. What is in a text with {…} is not seen here; so that text is short.
    """
    advice = None
    if token.text == "lambda":
        raise fault_at("Functions cannot be made here.", text, token.start)
    if before.text == "@" and (token.kind != "text" or token.start > before.end or token.text[0] in "fF"):
        raise fault_at("This cannot be read: write @\"2021-09-03\", a text right behind '@'.", text, before.start)
    if token.text == "**":
        raise fault_at("'**' is not allowed: write x * x.", text, token.start)
    if token.kind == "text" and token.text[0] in "fF" and len(token.text) > FORMATTED_LENGTH:
        raise fault_at(f"A text with {{…}} may have {FORMATTED_LENGTH} characters.", text, token.start)
    if token.kind == "text":
        if before.kind == "word" and before.end == token.start:
            advice = "a text needs no letter before its quotation mark"
        elif _ESCAPE.search(token.text.replace("\\\\", "")):
            advice = "write '\\\\' for a backslash in a text"
    elif token.text == "~":
        advice = "write 'not' instead of '~'"
    elif token.text == "===":
        advice = "write '==' instead of '==='"
    elif token.text == "..":
        advice = "a range like [1..3] stands alone in a cell of a decision table"
    if advice:
        raise fault_at(f"This cannot be read: {advice}.", text, token.start)


def _unknown(found: Sequence[Token]) -> str:
    """The first name of several words that is called: those of FEEL that exist here have become one word by now."""
    for place, token in enumerate(found):
        if token.text == "(":
            called: list[str] = []
            while place and found[place - 1].kind == "word" and found[place - 1].text not in _LINKING:
                place -= 1
                called.insert(0, found[place].text)
            if len(called) > 1:
                return " ".join(called)
    return ""


_LINKING = frozenset({"and", "or", "not", "in", "if", "then", "else", "for", "return", "satisfies", "between", "is",
                      "some", "every"})  # fmt: skip
_JAVASCRIPT = re.compile(r"^\s*//|(\+\+|--)\s*;?\s*$", re.MULTILINE)


def _advice(text: str) -> str:
    found = list(tokens(text))
    words = {token.text for token in found if token.kind == "word"}
    signs = {token.text for token in found if token.kind == "sign"}
    if found[:1] and found[0].text == "=":
        return ": leave out the '=' in front, which only Camunda 8 writes"
    braced = "{" in signs and words & {"if", "for", "while"}
    if braced or words & {"throw", "var", "let", "const", "function"} or _JAVASCRIPT.search(text):
        return ": this is JavaScript; write it in the small Python of this server"
    if any(one.text == "!=" and text[one.end : one.end + 1] == "=" for one in found):
        return ": write '!=' instead of '!=='"
    if found[-1:] and found[-1].text == ";":
        return ": leave out the ';' at the end"
    if "?" in signs and ":" in signs:
        return ": write 'b if a else c' instead of 'a ? b : c'"
    if "=" in signs:
        return ": compare with '==', not '='"
    if name := _unknown(found):
        return f": there is no function '{name}'"
    if {"time", "offset"} <= words:
        return ": every moment is told on Vietnam's clock, whose offset is +07:00"
    if "empty" in words:
        return ": write empty(x)"
    for word in sorted(words & _WORDS.keys()):
        return f": write '{_WORDS[word]}' instead of '{word}'"
    return ""
