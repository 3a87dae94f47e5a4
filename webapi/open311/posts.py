"""A posted form becomes a report: read strictly, and everything that is wrong with it named at once.

Empty parameters count as not sent; parameters that GeoReport does not know are left alone, attributes that the form
does not know are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from flask import request

from engine.errors import InvalidAnswers, InvalidRequest
from engine.forms import Field, Form, sentences
from engine.forms import contacts as addresses
from engine.forms.field import SELECTIONS
from engine.forms.places import put
from engine.intake import Person, Report
from engine.language.vietnamese import nfc
from engine.packages import Package
from engine.terms.calendar import ZONE
from webapi.open311 import places

MEDIA_TYPE = "application/x-www-form-urlencoded"
LARGEST = 200_000  # bytes: 4 000 Vietnamese letters are some 36 000
PARAMETERS_MAX = 500
SAID = "noi_dung"  # the question that every form asks: what is the matter?
LONGEST = {"description": 4_000, "address_string": 250, "first_name": 60, "last_name": 60, "media_url": 2_000,
           "account_id": 200}  # fmt: skip
WHERE = "lat, long, address_string, address_id"

_ATTRIBUTE = re.compile(r"attribute\[([^\[\]]{1,100})\](?:\[\])?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,80}")


@dataclass(frozen=True)
class Post:
    """What was posted, in NFC and trimmed.

    Attributes:
        values: by parameter; what was not sent is not there.
        attributes: the values of each attribute, by its code.
        faults: what is wrong with it whatever the service, by parameter.
    """

    values: dict[str, str]
    attributes: dict[str, list[str]]
    faults: dict[str, str]


def read() -> Post:
    """The form that was posted.

    Raises:
        InvalidRequest: it is no form, is not UTF-8, or has too many parameters.
        RequestEntityTooLarge: it has more than `LARGEST` bytes.
    """
    request.max_content_length = LARGEST
    if request.mimetype != MEDIA_TYPE:
        raise InvalidRequest(f"Content-Type: Hãy gửi dưới dạng {MEDIA_TYPE}.")
    try:
        pairs = parse_qsl(request.get_data().decode(), errors="strict", max_num_fields=PARAMETERS_MAX)
    except UnicodeDecodeError:
        raise InvalidRequest("Yêu cầu không phải là chữ UTF-8 (not UTF-8).") from None
    except ValueError:
        raise InvalidRequest(f"Yêu cầu có hơn {PARAMETERS_MAX} tham số.") from None
    return _sorted([(name, nfc(value).strip()) for name, value in pairs])


def _sorted(pairs: list[tuple[str, str]]) -> Post:
    post = Post({}, {}, {})
    for name, value in pairs:
        if _CONTROL.search(name + value):
            post.faults[_CONTROL.sub("?", name)[:100]] = sentences.CONTROL
        elif found := _ATTRIBUTE.fullmatch(name):
            post.attributes.setdefault(found[1], []).extend([value] if value else [])
        elif name.startswith("attribute"):
            post.faults[name[:100]] = "Hãy viết attribute[mã]=giá trị, hoặc attribute[mã][]=giá trị."
        elif value and post.values.setdefault(name, value) != value:
            post.faults[name[:100]] = "Tham số này được gửi hai lần với hai giá trị khác nhau."
    return post


def parameter(key: str) -> str:
    """What a question of the form is called in GeoReport."""
    return "description" if key == SAID else f"attribute[{key}]"


def service_code(post: Post) -> str:
    """Raises:
    InvalidRequest: there is none; what else is wrong is said, too.
    """
    if code := post.values.get("service_code"):
        return code
    faults = {"service_code": "Hãy chọn loại phản ánh (service_code is required)."}
    raise _refusal(faults | dict(_faults(post)))


def report(post: Post, package: Package) -> Report:
    """What intake is to receive.

    Raises:
        InvalidRequest: ``errors`` has a sentence for every parameter that is wrong or missing.
    """
    answers = _answers(post, package.intake_form)
    if faults := dict(_faults(post)):
        raise _refusal(faults | _form_faults(package.intake_form, answers))
    values = post.values
    name = " ".join(filter(None, (values.get("last_name"), values.get("first_name"))))  # the family's name comes first
    person = Person(name=name or None, phone=values.get("phone"), email=values.get("email"))
    return Report(
        package.code, answers, channel="app", area=values.get("address_id"),
        place=places.written(values.get("address_string", ""), values.get("lat"), values.get("long")),
        reporter=None if person == Person() else person,
    )  # fmt: skip


def remark(post: Post, package: Package) -> str | None:
    """What no question of the form takes; it is kept as a comment, so that it is not lost."""
    words = post.values.get("description")
    taken = SAID not in post.attributes and any(field.key == SAID for field in package.intake_form.fields)
    media = post.values.get("media_url")
    lines = (None if taken else words, f"Hình ảnh, tài liệu người dân gửi: {media}" if media else None)
    return "\n".join(filter(None, lines)) or None


def _refusal(faults: dict[str, str]) -> InvalidRequest:
    return InvalidRequest("Yêu cầu có chỗ chưa đúng.", errors=faults)


# -- what is wrong -------------------------------------------------------------------------------------------------


def _faults(post: Post) -> Iterator[tuple[str, str]]:
    values = post.values
    yield from post.faults.items()
    for name, longest in LONGEST.items():
        if len(values.get(name, "")) > longest:
            yield name, sentences.too_long(longest, len(values[name]))
    yield from _location_faults(values)
    if "email" in values and not addresses.is_email(values["email"]):
        yield "email", sentences.EMAIL
    if "phone" in values and addresses.phone(values["phone"]) is None:
        yield "phone", sentences.PHONE
    if "media_url" in values and not _is_address(values["media_url"]):
        yield "media_url", "Hãy gửi một địa chỉ bắt đầu bằng https:// hoặc http://."


def _location_faults(values: dict[str, str]) -> Iterator[tuple[str, str]]:
    if not values.keys() & {"lat", "long", "address_string", "address_id"}:
        yield WHERE, "Hãy cho biết nơi xảy ra: lat và long, hoặc address_string, hoặc address_id."
    for name, other in (("lat", "long"), ("long", "lat")):
        if name in values and places.degrees(name, values[name]) is None:
            yield name, "Hãy gửi một số thập phân theo độ (WGS84), ví dụ 10.98 hoặc 106.65."
        elif other in values and name not in values:
            yield name, "lat và long phải được gửi cùng nhau."
    if "address_id" in values and not _CODE.fullmatch(values["address_id"]):
        yield "address_id", "Mã địa bàn không đúng."


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not re.search(r"[\s<>\"]", text)


def _form_faults(form: Form, answers: dict[str, Any]) -> dict[str, str]:
    try:
        form.check(answers)
    except InvalidAnswers as error:
        return {parameter(key): sentence for key, sentence in error.facts.get("errors", {}).items()}
    return {}


# -- answers -------------------------------------------------------------------------------------------------------


def _answers(post: Post, form: Form) -> dict[str, Any]:
    questions = {field.key: field for field in form.fields}
    answers: dict[str, Any] = {}
    if SAID in questions and "description" in post.values:
        answers[SAID] = post.values["description"]
    for code, values in post.attributes.items():
        if values:
            put(answers, tuple(code.split(".")), _answer(questions.get(code), values))
    return answers


def _answer(field: Field | None, values: list[str]) -> Any:
    """As a page of ours would send it; the form finds what is wrong with it."""
    if field and field.kind in SELECTIONS:
        return values
    if len(values) > 1:
        return values  # no question takes a list here, and says so
    return _day(values[0]) if field and field.kind == "date" else values[0]


def _day(text: str) -> str:
    """GeoReport has moments only: of one with a zone, the day it is in Vietnam."""
    if "T" not in text:
        return text
    try:
        moment = datetime.fromisoformat(text)
        return (moment.astimezone(ZONE) if moment.tzinfo else moment).date().isoformat()
    except (ValueError, OverflowError):
        return text
