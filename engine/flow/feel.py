"""The cells of a decision table, in S-FEEL as dmn-js writes it.

    - or empty             any input, also null
    "a"    "a","b"         equal to one of these; a name or expression that gives a list means one of its items
    5    true    null      equal
    < 5    >= date("…")    compared; null is neither more nor less than anything; see `moments`
    [1..3]  (1..3)  ]1..3[ between, the ends included with `[ ]` and not with `( )` or `] [`
    not("a","b")           none of these
    contains(?, "x")       an expression about the input `?` that is true or false; FEEL's `=`, and those of its
                           functions that we have under another name, are read as they are written there; its words
                           `if … then`, `some`, `every`, `for … return`, `between`, `in [1..3]`: see `feel_words`

A text is never equal to a number, and saying so in silence would route a report wrongly: it is an error.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from engine.flow import comparing
from engine.flow.compiler import Code, Compiler
from engine.flow.dialect import (
    EXPRESSION_LENGTH,
    Token,
    in_one_word,
    normal,
    read_expression,
    renamed,
    tokens,
    unwrapped,
)
from engine.flow.expressions import ordering
from engine.flow.feel_words import CLOSING, NESTS, OPENING, in_our_words
from engine.flow.moments import when
from engine.flow.operations import Frame
from engine.flow.values import DURATIONS, NUMBERS, SCALARS, ScriptError, kind_of, shown

Test = Callable[[Frame, Any], bool]
ANY = ("", "-")

_COMPARES: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_CALLED = {  # FEEL's names of functions that ours have
    ("string", "length"): "len",
    ("upper", "case"): "upper",
    ("lower", "case"): "lower",
    ("starts", "with"): "starts_with",
    ("ends", "with"): "ends_with",
    ("list", "contains"): "contains",
    ("count",): "len",
}


class Cell(NamedTuple):
    """An input cell.

    Attributes:
        text: as written.
        test: whether an input fits; ``None`` when any does.
        cells: how many cells the Frame must have.
        names, calls: what it reads from the data beside the input, and the functions it calls.
    """

    text: str
    test: Test | None
    cells: int
    names: frozenset[str]
    calls: frozenset[str]


def compile_cell(text: str) -> Cell:
    """Read an input cell. Raises ScriptError."""
    text = text.strip()
    if text in ANY:
        return Cell(text, None, 0, frozenset(), frozenset())
    reader = _Reader(text)
    test = reader.tests(reader.tokens)
    codes = reader.codes
    names, calls = (frozenset().union(*found) for found in ([c.names for c in codes], [c.calls for c in codes]))
    return Cell(text, test, max((code.cells for code in codes), default=0), names, calls)


def compile_output(text: str) -> Code:
    """Read an output cell: an expression; nothing, or `-`, is null. Raises ScriptError."""
    text = text.strip()
    if text in ANY:
        return Code(lambda frame: None, 0, frozenset(), frozenset())
    reader = _Reader(text)
    code = reader.expression(0, len(reader.text))
    if code.is_constant:
        value = code.run(Frame({}, {}, 0))  # what cannot be worked out now never could
        return code._replace(run=lambda frame: value)
    return code


def compile_values(text: str) -> tuple[Any, ...] | None:
    """The values a column is said to have: `"cao","thap"`; ``None`` for none or for anything but plain values."""
    if not text.strip():
        return None
    reader = _Reader(text)
    codes = [reader.expression(part.start, part.end) for part in _split(reader.tokens)]
    if not all(code.is_constant for code in codes):
        return None
    return tuple(code.run(Frame({}, {}, 0)) for code in codes)


class _Part(NamedTuple):
    """What stands between two commas; ``dots`` is the `..` of a range."""

    tokens: list[Token]
    dots: Token | None

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end


class _Constant(NamedTuple):
    value: Any


class _Reader:
    """Reads one cell, and keeps the expressions in it."""

    def __init__(self, text: str) -> None:
        self.text = in_our_words(in_one_word(unwrapped(normal(text, EXPRESSION_LENGTH))))
        self.tokens = list(tokens(self.text))
        self.codes: list[Code] = []
        if not self.tokens:
            raise ScriptError("The cell is only a comment: write '-' for any value.")
        self.text = _in_our_words(self.text, self.tokens)
        self.tokens = list(tokens(self.text))

    def tests(self, found: list[Token]) -> Test:
        """`a, b` or `not(a, b)`."""
        if found and found[0].text == "not" and _in_brackets(found[1:]):
            inner = self.tests(found[2:-1])
            return lambda frame, value: not inner(frame, value)
        parts = [self._part(part) for part in _split(found)]
        constants = [part.value for part in parts if isinstance(part, _Constant)]
        tests = [part for part in parts if not isinstance(part, _Constant)]
        if constants:
            tests.append(_one_of(constants))
        return tests[0] if len(tests) == 1 else lambda frame, value: any(test(frame, value) for test in tests)

    def _part(self, part: _Part) -> Test | _Constant:
        first, last = part.tokens[0], part.tokens[-1]
        if first.text in _COMPARES or first.text in ("=", "==", "!="):
            code = self.expression(first.end, part.end)
            if code.is_constant:
                code.run(Frame({}, {}, 0))  # what cannot be worked out now never could
            return _comparison(first.text, code)
        if part.dots:
            if last.text not in CLOSING:
                raise ScriptError(f"A range is written [1..3], not {self.text[part.start : part.end]}.")
            limits = self.expression(first.end, part.dots.start), self.expression(part.dots.end, last.start)
            signs = OPENING[first.text], CLOSING[last.text]
            if all(code.is_constant for code in limits):
                self._check_range(part, signs, *(code.run(Frame({}, {}, 0)) for code in limits))
            lower, upper = (_comparison(sign, code) for sign, code in zip(signs, limits, strict=True))
            return lambda frame, value: lower(frame, value) and upper(frame, value)
        code = self.expression(part.start, part.end)
        if any(token.text == "?" for token in part.tokens):
            return _about_input(code)
        if code.is_constant:
            return _Constant(code.run(Frame({}, {}, 0)))
        return lambda frame, value: same(value, code.run(frame))

    def _check_range(self, part: _Part, signs: tuple[str, str], low: Any, high: Any) -> None:
        """Refuse one that nothing could ever lie in."""
        if type(low) is type(high) and type(low) in (str, *DURATIONS) or _numbers(low, high):
            first, last = comparing.comparable(low, high)
            alike = type(when(low)) is type(when(high))  # the hours of a day before one of its moments are a range
            if first > last or first == last and alike and signs != (">=", "<="):
                written = " ".join(self.text[part.start : part.end].split())
                raise ScriptError(f"Nothing lies in the range {written}: write the smaller "
                                  "end first.")  # fmt: skip

    def expression(self, start: int, end: int) -> Code:
        """The expression between two places, its errors placed in the whole cell."""
        text = self.text[start:end]
        try:
            tree, source = read_expression(text)
            about_input = any(token.text == "?" for token in self.tokens if start <= token.start < end)
            code = Compiler(source, in_cell=about_input).code(tree)
        except ScriptError as error:
            if error.column is not None and error.line is None:
                error.column += start + len(text) - len(text.lstrip())
            raise
        self.codes.append(code)
        return code


def _in_our_words(text: str, found: list[Token]) -> str:
    """The cell as our expressions are written; columns stay where they are, but for those behind an `=` without a
    space."""
    text = renamed(text, found, _CALLED)
    for place in range(len(found) - 1, -1, -1):
        token, before = found[place], found[place - 1].text if place else ","
        if token.text == "=" and before not in (",", "("):
            text = f"{text[: token.start]}=={text[token.end + (text[token.end : token.end + 1] == ' ') :]}"
    return text


def _in_brackets(found: list[Token]) -> bool:
    """Whether these tokens are one pair of round brackets and what is in it."""
    depth = 0
    for place, token in enumerate(found):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            return place == len(found) - 1 and token.text == ")"
    return False


def _split(found: list[Token]) -> Iterator[_Part]:
    """The parts between the commas. The brackets of a range are not counted: they may stand either way round."""
    part: list[Token] = []
    dots: Token | None = None
    ranged, depth = False, 0
    for place, token in enumerate(found):
        if token.text == "," and depth == 0:
            yield _whole(part, dots)
            part, dots = [], None
            continue
        if not part:
            ranged = token.text in OPENING and _has_dots(found[place + 1 :])
        if ranged and depth == 0 and token.text == "..":
            dots = token
        elif not (ranged and depth == 0 and (not part or dots and token.text in CLOSING)):
            depth += NESTS.get(token.text, 0)
        part.append(token)
    yield _whole(part, dots)


def _whole(part: list[Token], dots: Token | None) -> _Part:
    if not part:
        raise ScriptError("There is a comma or a bracket with nothing beside it.")
    return _Part(part, dots)


def _has_dots(found: list[Token]) -> bool:
    """Whether `..` comes before anything closes: then the bracket before these tokens opened a range."""
    depth = 0
    for token in found:
        if depth == 0 and token.text in ("..", ","):
            return token.text == ".."
        depth += NESTS.get(token.text, 0)
        if depth < 0:
            return False
    return False


# -- tests -----------------------------------------------------------------------------------------------------------


def same(value: Any, wanted: Any) -> bool:
    """Whether an input is what a cell says: equal, or one of the list the cell's expression gave.

    Raises:
        ScriptError: they are of different kinds, so that they could never be equal.
    """
    if type(wanted) is list:
        return any(same(value, item) for item in wanted if type(item) in SCALARS)
    if value is None or wanted is None:
        return value is wanted
    if type(value) is list:
        raise ScriptError(f"The input is a list: write contains(?, {shown(wanted)}).")
    if type(value) is not type(wanted) and not _numbers(value, wanted):
        raise ScriptError(f"The input is {kind_of(value)}, and the cell compares it with {kind_of(wanted)}.")
    return comparing.same(value, wanted)


def _numbers(value: Any, wanted: Any) -> bool:
    return type(value) in NUMBERS and type(wanted) in NUMBERS and bool not in (type(value), type(wanted))


def _one_of(wanted: list[Any]) -> Test:
    if not all(type(item) is str for item in wanted):
        return lambda frame, value: any([same(value, item) for item in wanted])
    texts, moments = frozenset(wanted), [item for item in wanted if comparing.may_say_when(item)]

    def is_one(frame: Frame, value: Any) -> bool:
        if type(value) is not str:
            return same(value, wanted[0])
        return value in texts or any(comparing.same(value, item) for item in moments)

    return is_one


def _comparison(sign: str, code: Code) -> Test:
    if sign in ("=", "=="):
        return lambda frame, value: same(value, code.run(frame))
    if sign == "!=":
        return lambda frame, value: not same(value, code.run(frame))
    compare = ordering(sign, _COMPARES[sign])

    def test(frame: Frame, value: Any) -> bool:
        limit = code.run(frame)
        return value is not None and limit is not None and compare(frame, value, limit)

    return test


def _about_input(code: Code) -> Test:
    def test(frame: Frame, value: Any) -> bool:
        frame.cells[0] = value
        answer = code.run(frame)
        if type(answer) is not bool:
            raise ScriptError(f"An expression with '?' must be true or false, and this is {kind_of(answer)}.")
        return answer

    return test
