"""Every sentence of the pages has both languages, in composed letters, and asks for the same values."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from types import SimpleNamespace

import pytest
from babel.messages.extract import extract_from_dir
from flask import Flask, render_template_string

from engine import acts
from engine.intake import CHANNEL_NAMES
from engine.terms.term import Term, length_in_words
from tests.clock import MORNING
from tests.sources import ROOT
from webapi.ui import acted, history, show, words

METHODS = [("ui/**.py", "python"), ("templates/ui/**.html", "jinja2")]
SAID = re.compile(r"""_\(\s*("[^"]*"|'[^']*')|ngettext\(\s*"[^"]*",\s*"[^"]*\"""")
RECORDED = re.compile(r'(?:unit\.record\([^",\n]+, |event=)"([a-z-]+)"')
VALUE = re.compile(r"%\((\w+)\)[a-z]")


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """Each sentence that a page can say, and where it is said first."""
    found: dict[str, str] = {}
    for file, line, message, _, _ in extract_from_dir(str(ROOT / "webapi"), METHODS):
        for one in (message,) if isinstance(message, str) else message:
            found.setdefault(str(one), f"webapi/{file}:{line}")
    return found


def test_every_sentence_has_english(said: dict[str, str]):
    english = words.english()

    assert len(said) > 20  # the search finds them
    assert [f"{where} {sentence}" for sentence, where in said.items() if not english.get(sentence)] == []


def test_nothing_is_translated_that_nobody_says(said: dict[str, str]):
    assert sorted(words.english().keys() - said.keys()) == []


def test_both_languages_ask_for_the_same_values():
    assert [one for one, other in words.english().items() if set(VALUE.findall(one)) != set(VALUE.findall(other))] == []


def test_every_channel_has_a_name_in_both_languages():
    with Flask("words").test_request_context("/?lang=vi"):
        assert words.channels() == CHANNEL_NAMES
    with Flask("words").test_request_context("/?lang=en"):
        assert [name for name in words.channels().values() if not name.isascii()] == []


def test_every_line_that_the_engine_writes_into_a_history_has_a_sentence():
    written = {kind for path in (ROOT / "engine").rglob("*.py") for kind in RECORDED.findall(path.read_text())}
    no_package = SimpleNamespace(element_names={}, status=lambda key: {})

    assert len(written) > 40  # the search finds them
    lines = {kind: {"kind": kind, "element": None, "data": {}} for kind in sorted(written)}
    assert [kind for kind, line in lines.items() if history.sentence(line, no_package, {}, {}) == kind] == []


def test_every_act_has_a_sentence():
    with Flask("words").test_request_context("/?lang=vi"):
        assert set(acted._sentences("", {})) == set(acts.KINDS)


@pytest.mark.parametrize(("language", "seconds", "said"), [
    ("vi", 95 * 60 + 59, "còn 1 giờ 35 phút"), ("en", 95 * 60, "1 hour 35 minutes left"), ("vi", 59, "còn dưới 1 phút"),
    ("vi", 0, "vừa quá hạn"), ("vi", -61, "quá hạn 1 phút"), ("vi", 50 * 3600 + 1200, "còn 2 ngày 2 giờ"),
    ("vi", 17 * 86400 + 3600, "còn 17 ngày"), ("en", -86400, "1 day late"),
])  # fmt: skip
def test_what_is_left_is_never_said_to_be_more_than_it_is(monkeypatch, language, seconds, said):
    monkeypatch.setattr(show, "now", lambda: MORNING)
    app = Flask("words")
    words.register(app)
    with app.test_request_context(f"/?lang={language}"):
        assert show.remaining(MORNING + timedelta(seconds=seconds)) == said
        soon = {"vi": "sau 1 giờ 35 phút nữa", "en": "in 1 hour 35 minutes"}
        assert show.ago(MORNING + timedelta(minutes=95)) == soon[language]


@pytest.mark.parametrize(("term", "working", "said"), [
    ("PT5H", False, "5 hours"), ("P3D", True, "3 working days"), ("P1DT4H1M", False, "1 day 4 hours 1 minute"),
    ("P1M", False, "1 month"),
])  # fmt: skip
def test_a_length_that_was_written_down_is_said_in_english_too(term, working, said):
    words = Term.parse(term).words(working=working)
    with Flask("words").test_request_context("/?lang=en"):
        assert history.length(words) == said
        assert history.length(length_in_words(timedelta(seconds=5))) == "less than a minute"
    with Flask("words").test_request_context("/?lang=vi"):
        assert history.length(words) == words


def test_numbers_in_sentences_are_written_as_readers_write_them():
    app = Flask("words")
    app.jinja_env.autoescape = True
    words.register(app)
    asked = """{{ _("%(n)s vụ", n=1234567) }} {{ ngettext("một", "%(num)s việc", 1500) }} {{ _("<%(x)s>", x="&") }}"""
    with app.test_request_context("/?lang=vi"):
        assert render_template_string(asked) == "1.234.567 vụ 1.500 việc <&amp;>"
        assert words._("%(n)s vụ việc", n=4321) == "4.321 vụ việc"
    with app.test_request_context("/?lang=en"):
        assert words._("%(n)s vụ việc", n=4321) == "4,321 vụ việc"


def test_a_period_is_said_in_days_unless_it_has_hours():
    day = timedelta(days=1)
    with Flask("words").test_request_context("/?lang=vi"):
        midnight = MORNING.replace(hour=0)
        assert show.period(midnight, midnight + day) == "03/09/2021"
        assert show.period(midnight, midnight + 7 * day) == "03/09/2021 – 09/09/2021"
        assert show.period(MORNING, MORNING + day) == "08:00 03/09/2021 – 08:00 04/09/2021"


def test_all_texts_are_in_composed_letters():
    paths = [*words.CATALOGUES.glob("*.po"), *(ROOT / "webapi/templates/ui").glob("*.html")]

    assert [path for path in paths if not unicodedata.is_normalized("NFC", path.read_text(encoding="utf-8"))] == []


def test_no_page_has_words_outside_the_catalogue():
    """Vietnamese letters stand only where a sentence is looked up; the product's own name apart."""
    marked = re.compile(r"[ăâđêôơưĂÂĐÊÔƠƯ\u00c0-\u00c3\u00c8-\u00ca\u00cc\u00cd\u00d2-\u00d5\u00d9\u00da\u1ea0-\u1ef9]")
    offences = []
    for path in sorted((ROOT / "webapi/templates/ui").glob("*.html")):
        text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        text = SAID.sub("", text).replace("Thông Suốt", "")
        offences += [f"{path.name}: {line.strip()}" for line in text.splitlines() if marked.search(line)]

    assert offences == []
