"""FEEL's expressions in words, in a cell of a decision table, as our expressions say them:

    if a then b else c           (b) if (a) else (c)
    some x in xs satisfies c     len([x for x in xs if c]) > 0
    every x in xs satisfies c    len([x for x in xs if not (c)]) == 0
    for x in xs return y         [y for x in xs]
    x between 1 and 3            x >= 1 and x <= 3
    x in [1..3)                  x >= 1 and x < 3

What they cost is counted like what they become. A cell without these words is left as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.flow.dialect import EXPRESSION_LENGTH, Token, fault_at, tokens
from engine.flow.values import ScriptError

_WORDS = frozenset({"then", "satisfies", "return", "between", ".."})
NESTS = {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}
_ENDS = frozenset({"and", "or", ",", "then", "else", "satisfies", "return", "if", "for"})
OPENING = {"[": ">=", "]": ">", "(": ">"}
CLOSING = {"]": "<=", "[": "<", ")": "<"}


def in_our_words(text: str) -> str:
    """Raises:
    ScriptError: a word is there without those that belong to it.
    """
    found = list(tokens(text))
    said = {token.text for token in found}
    if not said & _WORDS or said & _WORDS == {".."} and "in" not in said:
        return text
    try:
        return _Phrase(text, found).said()
    except RecursionError:
        raise ScriptError("This is nested too deeply, or holds characters that are no text.") from None


class _Phrase:
    """Some tokens that stand together."""

    def __init__(self, text: str, found: Sequence[Token]) -> None:
        self.text = text
        self.tokens = found

    def said(self) -> str:
        done: list[str] = []
        starts: list[int] = []  # where in `done` the operand of what comes next begins, by depth
        begin, place = 0, 0
        while place < len(self.tokens):
            token = self.tokens[place]
            if token.text in ("if", "some", "every", "for") and self._begins(place) and self._is_feel(place):
                end = self._end(place)
                done.append(self._worded(place, end))
                place = end
                continue
            if token.text == "between" or token.text == "in" and self._is_range(place + 1):
                end = self._end_of_operand(place + 1, ands=token.text == "between")
                operand = "".join(done[begin:]).strip()
                done[begin:] = [f" ({self._within(operand, place, end)})"]
                begin, place = len(done), end
                continue
            if token.text in NESTS and NESTS[token.text] > 0:
                starts.append(begin)
                done.append(self._piece(place))
                begin, place = len(done), place + 1
                continue
            done.append(self._piece(place))
            if token.text in NESTS and starts:
                begin = starts.pop()
            elif token.text in _ENDS or token.text == "not":
                begin = len(done)
            place += 1
        return "".join(done)

    def _piece(self, place: int) -> str:
        token = self.tokens[place]
        apart = place > 0 and self.tokens[place - 1].end < token.start
        return f"{' ' * apart}{token.text}"

    def _of(self, start: int, end: int) -> str:
        if start >= end:
            raise fault_at("There is a comma or a bracket with nothing beside it.", self.text, self.tokens[-1].start)
        return _Phrase(self.text, self.tokens[start:end]).said().strip()

    def _begins(self, place: int) -> bool:
        """Whether an expression begins here: not our own `b if a else c` and `[y for x in xs]`."""
        before = self.tokens[place - 1] if place else None
        return before is None or before.kind == "sign" and before.text not in (")", "]", "}") or before.text in (
            *_ENDS, "not", "in", "else")  # fmt: skip

    def _is_feel(self, place: int) -> bool:
        word = {"if": "then", "for": "return"}.get(self.tokens[place].text, "satisfies")
        return any(token.text == word for token in self.tokens[place:])

    def _end(self, place: int) -> int:
        """Where what begins here ends: at a comma, or a bracket that was opened before."""
        depth = 0
        for at in range(place, len(self.tokens)):
            depth += NESTS.get(self.tokens[at].text, 0)
            if depth < 0 or depth == 0 and self.tokens[at].text == ",":
                return at
        return len(self.tokens)

    def _find(self, word: str, start: int, end: int) -> int:
        """The word that belongs to what begins at ``start``; those of the same kind inside have their own."""
        depth = inside = 0
        for at in range(start + 1, end):
            token = self.tokens[at]
            depth += NESTS.get(token.text, 0)
            if depth == 0 and word == "else" and token.text == "then":
                inside += 1
            if depth == 0 and token.text == word:
                if not inside:
                    return at
                inside -= 1
        first = self.tokens[start]
        raise fault_at(f"'{first.text}' needs '{word}' behind it.", self.text, first.start)

    def _worded(self, place: int, end: int) -> str:
        first = self.tokens[place].text
        if first == "if":
            then = self._find("then", place, end)
            other = self._find("else", then, end)
            yes, no = self._of(then + 1, other), self._of(other + 1, end)
            return f" (({yes}) if ({self._of(place + 1, then)}) else ({no}))"
        name, where = self.tokens[place + 1].text, self._find("in", place, end)
        word = self._find("return" if first == "for" else "satisfies", where, end)
        items, what = self._of(where + 1, word), self._of(word + 1, end)
        if first == "for":
            return f" [{what} for {name} in {items}]"
        if first == "some":
            return f" (len([{name} for {name} in {items} if {what}]) > 0)"
        return f" (len([{name} for {name} in {items} if not ({what})]) == 0)"

    def _is_range(self, place: int) -> bool:
        if place >= len(self.tokens) or self.tokens[place].text not in OPENING:
            return False
        end = self._end_of_range(place)
        return self.tokens[end - 1].text in CLOSING and any(one.text == ".." for one in self.tokens[place:end])

    def _end_of_range(self, place: int) -> int:
        depth, dots = 0, False
        for at in range(place + 1, len(self.tokens)):
            text = self.tokens[at].text
            if depth == 0 and dots and text in CLOSING:
                return at + 1
            dots = dots or depth == 0 and text == ".."
            depth += NESTS.get(text, 0)
        return len(self.tokens)

    def _end_of_operand(self, place: int, *, ands: bool) -> int:
        if not ands:
            return self._end_of_range(place)
        depth = seen = 0
        for at in range(place, len(self.tokens)):
            token = self.tokens[at]
            depth += NESTS.get(token.text, 0)
            if depth == 0 and token.text == "and" and not seen:
                seen = 1
            elif depth < 0 or depth == 0 and token.text in _ENDS:
                return at
        return len(self.tokens)

    def _within(self, operand: str, place: int, end: int) -> str:
        if len(operand) > EXPRESSION_LENGTH:  # it is said twice, and so is what is inside it
            raise ScriptError(f"This is longer than {EXPRESSION_LENGTH:,} characters: split it up.")
        if self.tokens[place].text == "between":
            middle = self._find("and", place, end)
            low, high, signs = self._of(place + 1, middle), self._of(middle + 1, end), (">=", "<=")
        else:
            dots = self._find("..", place + 1, end)
            low, high = self._of(place + 2, dots), self._of(dots + 1, end - 1)
            signs = OPENING[self.tokens[place + 1].text], CLOSING[self.tokens[end - 1].text]
        return f"{operand} {signs[0]} ({low}) and {operand} {signs[1]} ({high})"
