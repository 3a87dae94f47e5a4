"""What an answer means: one marshmallow field per kind of question.

Each takes what came over the wire and returns what is kept, or raises with the sentence the person reads. A blank
answer ("", [], null, an unticked required box) counts as none.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, missing

from engine.forms import sentences
from engine.forms.contacts import is_email, phone
from engine.forms.field import Field
from engine.forms.moments import MOMENT_READERS
from engine.forms.patterns import compile_pattern

LONGEST_TEXT = 4_000  # UTF-16 units, unless the form allows more
MOST_FILES = 20
MOST_ITEMS = 100
_GREATEST = Decimal(10**15)  # JavaScript counts exactly up to here and a little further

# No control characters, no overrides of the writing direction, no halves of characters.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
_LINE_BREAK = re.compile("[\t\n\r\u2028\u2029]")
_NUMBER = re.compile(r"-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,2})?", re.ASCII)
_TRUTH = {True: True, False: False, "true": True, "on": True, "1": True, "false": False, "off": False, "0": False}


class Answer(fields.Field[Any]):
    """What all kinds share."""

    def __init__(self, field: Field) -> None:
        super().__init__()
        self.field = field

    def deserialize(self, value: Any, attr: Any = None, data: Any = None, **kwargs: Any) -> Any:
        """``missing`` means nothing was sent: the form then decides between what the case has and the default."""
        field = self.field
        if value is missing:
            if field.required and field.default is None:
                raise ValidationError(sentences.required(field))
            return missing
        clean = field.blank if value is None or value == "" else self.read(value)
        if field.required and clean == field.blank:
            raise ValidationError(sentences.required(field))
        return clean

    def read(self, value: Any) -> Any:
        raise NotImplementedError


class Text(Answer):
    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.pattern = compile_pattern(unicodedata.normalize("NFC", field.pattern)) if field.pattern else None
        self.longest = field.max_length if isinstance(field.max_length, int) else LONGEST_TEXT
        self.shortest = field.min_length if isinstance(field.min_length, int) else 0

    def read(self, value: Any) -> str:
        """Trimmed and in NFC: stricter than the browser, where three spaces answer a required question."""
        if not isinstance(value, str):
            raise ValidationError(sentences.NOT_TEXT)
        if _UNPRINTABLE.search(value):
            raise ValidationError(sentences.CONTROL)
        text = unicodedata.normalize("NFC", value.replace("\r\n", "\n").strip())
        if not text:
            return ""
        if self.field.kind == "textfield" and _LINE_BREAK.search(text):
            raise ValidationError(sentences.ONE_LINE)
        if fault := length_fault(text, self.shortest, self.longest):
            raise ValidationError(fault)
        if self.pattern and not self.pattern.search(text):
            raise ValidationError(sentences.no_match(self.field))
        return self._formatted(text)

    def _formatted(self, text: str) -> str:
        if self.field.format == "email" and not is_email(text):
            raise ValidationError(sentences.EMAIL)
        if self.field.format == "phone":
            number = phone(text)
            if number is None:
                raise ValidationError(sentences.PHONE)
            return number
        return text


class Number(Answer):
    def __init__(self, field: Field) -> None:
        super().__init__(field)
        self.least = _static(field.minimum)
        self.most = _static(field.maximum)
        self.step = None if field.step is None else Decimal(str(field.step))

    def read(self, value: Any) -> int | float | str:
        if isinstance(value, str):
            value = value.strip()
        if type(value) not in (int, float, str) or isinstance(value, str) and not _NUMBER.fullmatch(value):
            raise ValidationError(sentences.NOT_NUMBER)
        if isinstance(value, int) and value.bit_length() > 64:
            raise ValidationError(sentences.TOO_BIG)
        number = Decimal(str(value))
        if not number.is_finite():
            raise ValidationError(sentences.NOT_NUMBER)
        if abs(number) > _GREATEST:
            raise ValidationError(sentences.TOO_BIG)
        if fault := self._fault(number) or limit_fault(number, self.least, self.most):
            raise ValidationError(fault)
        if self.field.as_text:
            return str(value)
        return int(number) if number == number.to_integral_value() else float(number)

    def _fault(self, number: Decimal) -> str | None:
        digits = self.field.digits
        if digits is not None and -int(number.normalize().as_tuple().exponent) > digits:
            return sentences.too_precise(digits)
        if self.step and (rest := number % self.step):
            return sentences.off_step(_plain(number - rest), _plain(number - rest + self.step))
        return None


class Checkbox(Answer):
    def read(self, value: Any) -> bool:
        if isinstance(value, (bool, str)) and value in _TRUTH:
            return _TRUTH[value]
        raise ValidationError(sentences.NOT_CHECK)


class Moment(Answer):
    def read(self, value: Any) -> str:
        if not isinstance(value, str):
            value = ""
        return MOMENT_READERS[self.field.kind](value.strip(), self.field.times)


class Files(Answer):
    """The ids of attachments that were uploaded before. Whether they exist and whose they are is not known here."""

    def read(self, value: Any) -> list[int]:
        sent = value if isinstance(value, list) else [value]
        if len(sent) > MOST_FILES:
            raise ValidationError(sentences.too_many(MOST_FILES))
        ids = list(dict.fromkeys(self._id(each) for each in sent))
        if len(ids) > 1 and not self.field.multiple:
            raise ValidationError(sentences.ONE_FILE)
        return ids

    def _id(self, value: Any) -> int:
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
            value = int(value)
        if type(value) is not int or not 0 < value < 2**63:
            raise ValidationError(sentences.NOT_FILES)
        return value


class Items(Answer):
    """A list whose items are checked one by one, by their own schema (see `branch.py`)."""

    def read(self, value: Any) -> list[dict[str, Any]]:
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise ValidationError(sentences.NOT_LIST)
        if len(value) > MOST_ITEMS:
            raise ValidationError(sentences.too_many(MOST_ITEMS))
        return value


class Ignored(fields.Field[Any]):
    """Known, so not refused; not the sender's to say, so not read: what is read-only, disabled or computed."""

    def deserialize(self, value: Any, attr: Any = None, data: Any = None, **kwargs: Any) -> Any:
        return missing


class Group(fields.Field[Any]):
    """Answers kept together under one name. A group that was not sent is an empty one."""

    def __init__(self, answers: Any) -> None:
        """Args:
        answers: `engine.forms.branch.Answers` of the group.
        """
        super().__init__()
        self.answers = answers

    def deserialize(self, value: Any, attr: Any = None, data: Any = None, **kwargs: Any) -> Any:
        if value is missing or value is None:
            value = {}
        if not isinstance(value, dict):
            raise ValidationError(sentences.NOT_GROUP)
        return self.answers.load(value)


def length_fault(text: str, shortest: int, longest: int) -> str | None:
    """Lengths are counted in UTF-16 units, as browsers count them."""
    length = len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
    if length > longest:
        return sentences.too_long(longest, length)
    return sentences.too_short(shortest, length) if length < shortest else None


def limit_fault(number: Decimal, least: Decimal | None, most: Decimal | None) -> str | None:
    if least is not None and number < least:
        return sentences.too_small(_plain(least))
    return sentences.too_great(_plain(most)) if most is not None and number > most else None


def as_number(value: Any) -> Any:
    """A number as it may have been meant, from a page that can only send texts."""
    return float(value) if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) else value


def _static(limit: Any) -> Decimal | None:
    return None if limit is None or isinstance(limit, str) else Decimal(str(limit))


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
