"""The two languages of the pages: Vietnamese as it stands in the templates, English in ``english/*.po``.

In a template or in code, ``_("Xin chào %(name)s", name=…)`` says a sentence in the language of whoever looks. The files
are ordinary gettext catalogues, one for each folder of pages, read as they are: nothing is compiled. A test finds what
has no English yet.

What report types say (a question, a step, an agency's name) goes through `in_language`. Its English stands beside the
shipped types, in ``bpmn/english.po``, and not in them: a better word makes no new version, and cases that run with an
old one are read in English, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from babel.messages.pofile import read_po
from babel.numbers import format_decimal
from flask import Flask, Response, g, has_request_context, request
from jinja2 import pass_eval_context
from jinja2.nodes import EvalContext
from markupsafe import Markup

from engine.flow.sentences import in_vietnamese
from engine.intake import CHANNEL_NAMES
from engine.packages import Package
from webapi.config import ROOT

LANGUAGES = {"vi": "Tiếng Việt", "en": "English"}
COOKIE = "lang"
_YEAR = 365 * 24 * 3600
CATALOGUES = Path(__file__).parent / "english"
OF_TYPES = ROOT / "bpmn" / "english.po"
NO_WORDS: Mapping[str, str] = {}
_PLACE = re.compile(r"\{(name|number)\}")


@cache
def english() -> dict[str, str]:
    """By the Vietnamese; read when it is first asked for."""
    found: dict[str, str] = {}
    for path in sorted(CATALOGUES.glob("*.po")):
        found |= read(path)
    return found


@cache
def english_of_types() -> dict[str, str]:
    """By what the shipped report types say in Vietnamese; empty where the server was installed without them."""
    return read(OF_TYPES) if OF_TYPES.is_file() else {}


def read(path: Path) -> dict[str, str]:
    """A gettext catalogue: the Vietnamese, and its English."""
    with path.open("rb") as file:
        return {str(one.id): str(one.string) for one in read_po(file, locale="en") if one.id and one.string}


def register(app: Flask) -> None:
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(_plain, _plural, newstyle=True)  # type: ignore[attr-defined]
    app.jinja_env.globals.update(gettext=_in_template, ngettext=_counted_in_template)
    app.jinja_env.filters["in_language"] = in_language
    app.jinja_env.globals.update(language=language, languages=LANGUAGES, in_language=in_language, translated=translated,
                               severity_name=severity, step_name=step, channel_names=channels)  # fmt: skip


def language() -> str:
    """The language of whoever looks: asked for in the address, else as last time, else Vietnamese."""
    if not has_request_context():
        return "vi"
    if "language" not in g:
        asked = request.args.get("lang") or request.cookies.get(COOKIE) or ""
        g.language = asked if asked in LANGUAGES else "vi"
    return str(g.language)


def translated(said: str) -> str:
    """What the gate says, or why a case cannot be moved, in the language of whoever looks."""
    return in_vietnamese(said) if language() == "vi" else said


def remember(answer: Response) -> Response:
    """Keep a language that was asked for in the address."""
    if request.args.get("lang") in LANGUAGES:
        answer.set_cookie(COOKIE, language(), _YEAR, secure=request.is_secure, httponly=True, samesite="Lax")
    return answer


def in_language(words: Mapping[str, str] | str | None, otherwise: str = "", own: Mapping[str, str] = NO_WORDS) -> str:
    """What data says: in both languages, {"vi": …, "en": …}, or a sentence in Vietnamese.

    Args:
        otherwise: what to say where there are no words.
        own: what the report type gives in English (`Package.english`), by the Vietnamese.

    Returns:
        In English what the data say, else what the report type does, else `english_of_types`; else Vietnamese.
    """
    said = words if isinstance(words, Mapping) else {"vi": words or ""}
    drawn = said.get("vi") or otherwise
    if not drawn or language() == "vi":
        return drawn
    return said.get(language()) or own.get(drawn) or in_english(drawn) or drawn


@lru_cache(maxsize=5_000)
def in_english(sentence: str) -> str | None:
    """What `english_of_types` has for a sentence, or for the name of a place or an agency by its kind."""
    if told := english_of_types().get(sentence):
        return told
    found = ((kind.fullmatch(sentence), there) for kind, there in _kinds())
    return next((_PLACE.sub(name[1], there) for name, there in found if name and not name[1][0].islower()), None)


@cache
def _kinds() -> list[tuple[re.Pattern[str], str]]:
    """"Quận {name}" and its like, as patterns."""
    places = {"name": r"([^\W\d_].*)", "number": r"(\d+)"}
    return [(re.compile(_PLACE.sub(lambda place: places[place[1]], kind)), there)
            for kind, there in english_of_types().items() if _PLACE.search(kind)]  # fmt: skip


def other(code: str) -> str:
    """This page's query, in another language."""
    kept = [(key, value) for key, value in request.args.items(multi=True) if key != "lang"]
    return urlencode([*kept, ("lang", code)])


def step(package: Any, element: str, drawn: str = "") -> str:
    """What a step is called; ``drawn``: in its diagram, if that is not the package's own any more."""
    name = drawn or package.element_names.get(element, element)
    return in_language(package.step_name(element, name) if isinstance(package, Package) else name)


def role(name: str) -> str:
    return {
        "operator": _("Điện thoại viên"), "handler": _("Cán bộ xử lý"), "monitor": _("Theo dõi"),
        "office": _("Văn phòng"), "overseer": _("Giám sát"), "analyst": _("Phân tích quy trình"),
        "admin": _("Quản trị"), "client": _("Ứng dụng"),
    }.get(name, name)  # fmt: skip


def severity(key: str) -> str:
    """What the severities of the shipped decision tables are called; another one as it is written there."""
    return {
        "binh_thuong": _("bình thường"), "khan": _("khẩn"), "phuc_tap": _("phức tạp"),
    }.get(key, key.replace("_", " "))  # fmt: skip


def text_name(package: Package, code: str) -> str:
    """ "T01 – Người dân: đã tiếp nhận": a text by its code and the name that its province gave it."""
    table = package.type.get("texts", {}).get(code) or package.province.get("texts", {}).get(code) or {}
    return f"{code} – {table['name']}" if table.get("name") else code


def channels() -> dict[str, str]:
    """What channels are called, in the reader's language."""
    english = {
        "dien_thoai": _("Điện thoại"), "sms": _("Tin nhắn SMS"), "web": _("Trang web"), "app": _("Ứng dụng"),
        "email": _("Thư điện tử"), "chatbot": _("Trả lời tự động"), "truc_tiep": _("Trực tiếp"),
        "cong_quoc_gia": _("Cổng Dịch vụ công quốc gia"), "duong_day_nong_xa": _("Đường dây nóng xã"),
    }  # fmt: skip
    return CHANNEL_NAMES | english


def _(sentence: str, **values: Any) -> str:
    said = _plain(sentence)
    return said % _written(values) if values else said


@pass_eval_context
def _in_template(around: EvalContext, sentence: str, **values: Any) -> str:
    """As the extension would, and whole numbers as readers write them."""
    said = _plain(sentence)
    return (Markup(said) if around.autoescape else said) % _written(values)


@pass_eval_context
def _counted_in_template(around: EvalContext, one: str, many: str, num: int, **values: Any) -> str:
    said = _plural(one, many, num)
    return (Markup(said) if around.autoescape else said) % _written({"num": num} | values)


def _written(values: dict[str, Any]) -> dict[str, Any]:
    """1.234 in Vietnamese, 1,234 in English. A year is no number: give it as text."""
    return {name: format_decimal(value, locale=language()) if type(value) is int else value
            for name, value in values.items()}  # fmt: skip


def _plain(sentence: str) -> str:
    return english().get(sentence, sentence) if language() == "en" else sentence


def _plural(one: str, many: str, number: int) -> str:
    """Vietnamese has no plural: both are written, and only English tells them apart."""
    return _plain(one if number == 1 else many)
