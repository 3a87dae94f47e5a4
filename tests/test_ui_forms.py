"""Our .form files on a page: every kind of question, what was written is kept, faults stand where they belong."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask, render_template_string
from lxml import html
from werkzeug.datastructures import MultiDict

from engine.errors import InvalidAnswers
from engine.forms import Form
from tests.sources import ROOT
from webapi import create_app
from webapi.ui import forms

CHOICES = [{"label": "Có", "value": "co"}, {"label": "Không", "value": "khong"}]


def asks(kind: str, key: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "key": key, "id": f"f_{key}", "label": f"Hỏi {key}", **more}


EVERYTHING = Form.parse(
    json.dumps({"type": "default", "id": "moi_loai", "schemaVersion": 19, "components": [
        {"type": "text", "id": "t1", "text": "## Đầu đề"},
        {"type": "text", "id": "t2", "text": "Lời <b>dặn</b>"},
        {"type": "separator", "id": "s1"},
        asks("textfield", "ten", validate={"required": True, "maxLength": 20}),
        asks("textarea", "ke", description="Kể lại"),
        asks("number", "so", decimalDigits=0, validate={"min": 1, "max": 9}),
        asks("checkbox", "dong_y"),
        asks("radio", "co_khong", values=CHOICES),
        asks("select", "chon", values=CHOICES),
        asks("checklist", "nhieu", values=CHOICES),
        asks("taglist", "the", values=CHOICES),
        {"type": "datetime", "id": "f_ngay", "key": "ngay", "subtype": "date", "dateLabel": "Ngày"},
        {"type": "datetime", "id": "f_luc", "key": "luc", "subtype": "datetime", "dateLabel": "Lúc"},
        asks("filepicker", "tep", multiple=True),
        asks("textfield", "ly_do", conditional={"hide": '=co_khong != "co"'}, validate={"required": True}),
        {"type": "group", "id": "g1", "label": "Nhóm", "path": "nhom", "components": [asks("textfield", "trong")]},
        {"type": "dynamiclist", "id": "l1", "label": "Người", "path": "nguoi",
         "components": [asks("textfield", "goi")]},
        asks("select", "tu_ho_so", valuesKey="cac_lua_chon"),
    ]}),
    "moi_loai.form",
)  # fmt: skip
DATA = {"cac_lua_chon": [{"label": "Một", "value": 1}, {"label": "Hai", "value": 2}]}
SENT = MultiDict([
    ("a.ten", "Nguyễn <Văn> An"), ("a.ke", "\n  hai dòng\nđây"), ("a.so", "3"), ("a.dong_y", "true"),
    ("a.co_khong", "co"), ("a.chon", "khong"), ("a.nhieu", "co"), ("a.nhieu", "khong"), ("a.the", "co"),
    ("a.ngay", "2021-09-03"), ("a.luc", "2021-09-03T15:30"), ("a.tep", "7"), ("a.ly_do", "vì vậy"),
    ("a.nhom.trong", "ở trong"), ("a.nguoi.0.goi", "Lan"), ("a.nguoi.1.goi", ""), ("a.nguoi.2.goi", "Mai"),
    ("a.tu_ho_so", "2"), ("csrf_token", "x"), ("la", "không phải của biểu mẫu"),
])  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("forms")
    return create_app({"DATABASE": f"sqlite:///{folder}/x.db", "INSTANCE": str(folder)})


def drawn(app: Flask, parts: list[forms.Part]) -> Any:
    with app.test_request_context("/"):
        source = '{% import "ui/asked.html" as asked with context %}<form>{{ asked.form(parts) }}</form>'
        return html.fromstring(render_template_string(source, parts=parts))


def controls(page: Any) -> MultiDict[str, str]:
    """What a browser would send of this page: unlike lxml, it leaves out the line break that begins a textarea."""
    for area in page.xpath("//textarea"):
        area.text = (area.text or "").removeprefix("\n")
    return MultiDict(page.form_values())


def test_what_a_page_sends_is_what_the_form_takes():
    answers = forms.read(EVERYTHING, SENT)

    clean = EVERYTHING.check(answers, data=DATA)
    assert clean["ten"] == "Nguyễn <Văn> An" and clean["so"] == 3 and clean["dong_y"] is True
    assert clean["nhieu"] == ["co", "khong"] and clean["the"] == ["co"] and clean["tep"] == [7]
    assert clean["nhom"] == {"trong": "ở trong"} and clean["tu_ho_so"] == 2
    assert clean["nguoi"] == [{"goi": "Lan"}, {"goi": "Mai"}]  # an item in which nothing was written is none
    assert clean["luc"].startswith("2021-09-03T15:30")


def test_what_was_written_is_drawn_as_it_was_written_and_sent_again_is_the_same(app: Flask):
    answers = forms.read(EVERYTHING, SENT)

    page = drawn(app, forms.draw(EVERYTHING, answers, data=DATA, files=[(7, "anh.jpg"), (8, "khac.jpg")]))

    assert forms.read(EVERYTHING, controls(page)) == answers


def test_what_was_answered_is_told_as_its_reader_writes_it():
    form = Form.parse(json.dumps({"type": "default", "id": "f", "schemaVersion": 19, "components": [
        {"type": "datetime", "id": "f_ngay", "key": "ngay", "subtype": "date", "dateLabel": "Ngày"},
        {"type": "datetime", "id": "f_luc", "key": "luc", "subtype": "datetime", "dateLabel": "Lúc"},
        {"type": "datetime", "id": "f_gio", "key": "gio", "subtype": "time", "timeLabel": "Giờ"},
        asks("number", "tien"), asks("number", "nam"), asks("textfield", "ten")]}), "f.form")  # fmt: skip
    answers = {"ngay": "2021-09-03", "luc": "2021-09-03T01:30Z", "gio": "08:30+07:00", "tien": 1500000, "nam": 1985,
               "ten": "2021-09-03"}  # fmt: skip
    said = {"vi": ["03/09/2021", "08:30 03/09/2021", "08:30", "1.500.000", "1985", "2021-09-03"],
            "en": ["3 Sep 2021", "08:30 3 Sep 2021", "08:30", "1,500,000", "1985", "2021-09-03"]}  # fmt: skip
    for language, told in said.items():
        with Flask("words").test_request_context(f"/?lang={language}"):
            assert [words for _label, words in forms.told(form, answers)] == told
            assert [words for _label, words in forms.told(form, dict.fromkeys(answers, "•••"))] == ["•••"] * 6


def test_an_unticked_box_is_an_answer():
    assert forms.read(EVERYTHING, MultiDict())["dong_y"] is False


def test_faults_stand_at_their_questions_and_can_be_jumped_to(app: Flask):
    with pytest.raises(InvalidAnswers) as refused:
        EVERYTHING.check(answers := forms.read(EVERYTHING, MultiDict({"a.so": "99"})), data=DATA)
    parts = forms.draw(EVERYTHING, answers, refused.value.facts["errors"], DATA)

    page = drawn(app, parts)

    found = dict(fault for part in parts for fault in part.faults())
    assert set(found) == {"f_ten", "f_so"}
    for id, sentence in found.items():
        (control,) = page.xpath(f"//*[@id='{id}']")
        assert control.get("aria-invalid") == "true"
        described = [page.get_element_by_id(one).text_content() for one in control.get("aria-describedby").split()]
        assert sentence in described
    assert page.xpath("//input[@name='a.so']/@value") == ["99"]


def test_what_answers_hide_is_drawn_hidden(app: Flask):
    for choice, gone in (("co", False), ("khong", True)):
        answers = forms.read(EVERYTHING, MultiDict({"a.co_khong": choice}))
        page = drawn(app, forms.draw(EVERYTHING, answers))

        (part,) = page.xpath("//*[@data-part='f_ly_do']")
        assert (part.get("hidden") is not None) == gone
        assert ("f_ly_do" in forms.hidden(EVERYTHING, answers)) == gone


def test_words_of_an_analyst_bring_no_markup(app: Flask):
    page = drawn(app, forms.draw(EVERYTHING))

    assert [one.text_content() for one in page.xpath("//h2")] == ["Đầu đề"]
    assert page.xpath("//b") == [] and "Lời dặn" in page.text_content()


def test_every_shipped_form_can_be_drawn_and_has_a_label_for_everything(app: Flask):
    paths = sorted((ROOT / "forms").glob("*/*/*.form"))
    assert len(paths) > 100
    for path in paths:
        form = Form.parse(path.read_bytes(), path.name)
        page = drawn(app, forms.draw(form))
        shown = {name.removeprefix(forms.PREFIX) for name in page.xpath("//@name")}
        asked = {one.key for one in form.fields if one.kind not in ("expression", "filepicker")}
        assert asked <= shown, path
        for control in page.xpath("//input | //select | //textarea"):
            labelled = control.xpath("ancestor::label") or page.xpath(f"//label[@for='{control.get('id')}']")
            assert labelled, (path, html.tostring(control))
        assert not page.xpath("//@style | //@onclick"), path


def test_a_citizen_is_not_asked_what_staff_are_and_is_spoken_to_differently(app: Flask):
    form = Form.parse(
        json.dumps({"type": "default", "id": "x", "schemaVersion": 19, "components": [
            asks("textfield", "a", description="Ghi lời người dân", properties={"citizen_description": "Ông (bà) kể"}),
            asks("textfield", "b", properties={"reader": "staff"}),
        ]}), "x.form",
    )  # fmt: skip

    page, own = drawn(app, forms.draw(form, reader="citizen")), drawn(app, forms.draw(form))

    assert "Ông (bà) kể" in page.text_content() and page.xpath("//@name") == ["a.a"]
    assert "Ghi lời người dân" in own.text_content() and own.xpath("//@name") == ["a.a", "a.b"]


def test_what_is_chosen_anew_does_not_begin_with_what_the_case_has() -> None:
    kept, anew = asks("select", "chon", values=CHOICES), asks("select", "lai", values=CHOICES)
    anew["properties"] = {"begins": "empty"}
    form = Form.parse(json.dumps({"type": "default", "id": "lai", "components": [kept, anew]}), "lai.form")
    has = {"chon": "khong", "lai": "khong"}
    assert [part.value for part in forms.draw(form, data=has)] == ["khong", None]
    assert [part.value for part in forms.draw(form, {"lai": "co"}, data=has)] == [None, "co"]
