"""What report types say is read in English, too: all of the shipped ones, and of others what they or those give."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from lxml import etree

from engine.files import folders
from engine.flow.check import check
from engine.flow.xml import parse_xml
from engine.forms import Form, sentences
from engine.packages import Package
from tests.province import Province
from tests.sources import ROOT
from tests.visitor import Visitor
from webapi.ui import drawn, faults, forms, history, words

VIETNAMESE = re.compile(r"[ăâđêôơưĂÂĐÊÔƠƯà-ãè-êìíò-õùúýÀ-ÃÈ-ÊÌÍÒ-ÕÙÚÝ\u1ea0-\u1ef9]")
NAMES = ("Bình Dương", "Đồng Nai", "Hà Nội")  # of provinces: the same in both languages
NINE = "2021-09-03T02:00:00+00:00"  # in Vietnam's clocks
UNSEEN = ("message", "signal", "error", "property", "inputParameter", "outputParameter", "definitions")


@cache
def shipped() -> list[Package]:
    return [Package(folders.read(folder)) for folder in folders.types_in(ROOT / "bpmn")]


def asked(form: Form) -> Iterator[str]:
    """Whatever a form says to people."""

    def within(components: list[dict[str, Any]]) -> Iterator[Any]:
        for one in components:
            text = one.get("text")
            yield text and re.sub(r"^#+ +", "", text)
            yield from (one.get(name) for name in ("label", "description", "dateLabel", "timeLabel"))
            yield from (option["label"] for option in one.get("values", ()))
            yield one.get("validate", {}).get("patternErrorMessage")
            own = one.get("properties", {}).items()
            yield from (said for name, said in own if name.endswith(("_label", "_description")))
            yield from within(one.get("components", []))

    return filter(None, within(form.schema()["components"]))


def named(package: Package) -> Iterator[str]:
    """The names in its diagrams; of a step, too, whose English is the type's own: another type may draw it without."""
    for name, text in package.files.items():
        if name.endswith(".bpmn"):
            for one in parse_xml(text, name).iter("{*}*"):
                if one.get("name") and str(one.tag).rpartition("}")[2] not in UNSEEN:
                    yield one.get("name")


def of_province(package: Package) -> Iterator[str]:
    """What it calls its places, agencies and texts."""
    province, texts = package.province, {**package.province["texts"], **package.type.get("texts", {})}
    known = [province, *province["calendars"].values(), *province["areas"], *province["agencies"],
             *province.get("branches", ()), *texts.values()]  # fmt: skip
    return (one["name"] for one in known if one.get("name", NAMES[0]) not in NAMES)


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """Each sentence of the shipped types that people see, and where it is said first."""
    found: dict[str, str] = {}
    for package in shipped():
        rules = (one["source"] for one in package.type["deadlines"].values())
        found |= {one: package.code for one in rules if VIETNAMESE.search(one)}  # others are numbers of requirements
        for name, form in package.forms.items():
            for one in asked(form):
                found.setdefault(one.strip(), f"{package.code}/{name}.form")
        for one in (*named(package), *of_province(package)):
            found.setdefault(one, package.code)
    return {one: where for one, where in found.items() if re.search(r"[^\W\d_]", one)}


def test_whatever_the_shipped_types_say_has_english(said: dict[str, str]):
    assert len(said) > 1500  # the search finds them
    assert [f"{where}: {one}" for one, where in said.items() if not words.in_english(one)] == []


def test_no_english_is_kept_of_what_no_shipped_type_says(said: dict[str, str]):
    kept = {one for one in words.english_of_types() if "{" not in one}

    assert sorted(kept - said.keys()) == []


def test_places_and_their_agencies_have_english_by_their_kind():
    named = ["Phường Phú Hoà", "Phường 04", "Xã Ia Rvê", "Thị trấn Lai Uyên", "Quận 3", "UBND phường Bình Dương",
             "Công an quận 12", "Các trạm y tế huyện Ba Vì"]  # fmt: skip

    assert [words.in_english(name) for name in named] == [
        "Phú Hoà Ward", "Ward 04", "Ia Rvê Commune", "Lai Uyên Township", "District 3",
        "Bình Dương Ward People's Committee", "District 12 Police", "Ba Vì District health stations",
    ]  # fmt: skip
    assert [words.in_english(name) for name in ("Quận nơi xảy ra", "Xã", "Quận ", "")] == [None] * 4


def test_types_statuses_and_outcomes_say_themselves_in_english():
    found = [(package.code, key, one) for package in shipped() for table in ("statuses", "outcomes")
             for key, one in package.type[table].items()]  # fmt: skip
    found += [(package.code, "name", package.name) for package in shipped()]

    assert [one for *_, one in found if "en" not in one or ("citizen" in one) != ("citizen_en" in one)] == []


def test_a_citizen_who_reads_english_is_asked_in_english(province: Province):
    visitor = Visitor(province.app)
    page = visitor.opens("/gui/bd/BDKK?lang=en")

    questions = page.find("//main//form//*[self::legend or self::label or self::h2 or @class='hint']")
    texts = [" ".join(one.text_content().split()) for one in questions]
    assert "Food at home" in texts and "Gone, or will be today" in texts
    assert [one for one in texts if VIETNAMESE.search(one)] == []
    assert page.find("//select[@name='area']/option[.='Thủ Dầu Một City']")
    again = visitor.sends(page, a__noi_dung="Bốn người hết gạo", a__so_nguoi="0", area="718")
    assert "Choose an answer to “Food at home”." in again.faults and "Enter a number of at least 1." in again.faults
    assert again.status == 422 and again.find("//textarea")[0].text.strip() == "Bốn người hết gạo"  # as it was typed

    number = province.passes_on("BDTT", area="718")
    followed = visitor.opens(f"/tra-cuu/{number}?ma={province.secrets[number]}")
    assert "Thủ Dầu Một City People's Committee" in followed.text
    assert f"phản ánh {number} đã chuyển UBND thành phố Thủ Dầu Một xử lý" in followed.text  # as it was sent


def test_whatever_a_form_says_is_wrong_is_said_in_english():
    kinds = [SimpleNamespace(kind=kind, label="Đang cần", accept=["image/png"], pattern_message="")
             for kind in ("checkbox", "filepicker", "radio", "textarea")]  # fmt: skip
    calls = {
        sentences.required: kinds, sentences.no_match: kinds[:1], sentences.no_file: [[1, 2]],
        sentences.wrong_file: [("a.txt", kinds[0])], sentences.unknown: ["la"], sentences.too_long: [(5, 7)],
        sentences.too_short: [(5, 2)], sentences.too_small: [0.5], sentences.too_great: [12],
        sentences.too_precise: [2, 0], sentences.off_step: [(0.5, 1.5)], sentences.too_many: [3],
    }  # fmt: skip
    said = [one for name, one in vars(sentences).items() if name.isupper() and isinstance(one, str)]
    said += [one(*given) if isinstance(given, tuple) else one(given) for one, those in calls.items() for given in those]
    unseen = {"summary", "number"}  # on no page
    every = {name for name, one in vars(sentences).items() if callable(one) and name.islower()}
    assert every == {one.__name__ for one in calls} | unseen and len(said) > 35

    with Flask("words").test_request_context("/?lang=en"):
        assert [one for one in said if VIETNAMESE.search(faults.sentence(one))] == []
        assert faults.sentence(sentences.required(kinds[3])) == "Fill in “Needed now”."
        assert faults.sentence(sentences.off_step(0.5, 12)).startswith("Enter 0.5 or 12, the nearest")
        assert faults.sentence("Mã số BHXH có 10 chữ số.") == "A social insurance number has 10 digits."
    with Flask("words").test_request_context("/?lang=vi"):
        assert faults.sentence(sentences.DATE) == sentences.DATE


def test_a_type_brings_english_of_its_own_and_what_has_none_stays_vietnamese():
    files = folders.read(ROOT / "bpmn/binh_duong/BDKK")
    files["tiep_nhan.form"] = files["tiep_nhan.form"].replace("Lương thực trong nhà", "Gạo trong thùng")
    files["tiep_nhan.form"] = files["tiep_nhan.form"].replace('"Còn đủ dùng"', '"Đầy thùng"')
    files["process.bpmn"] = files["process.bpmn"].replace('name="Đã giải đáp"', 'name="Đã trả lời miệng"')
    files["type.toml"] += '\n[english]\n"Gạo trong thùng" = "Rice in the bin"\n"Gạo" = "Raw rice"\n' \
                          '"Đã trả lời miệng" = "Answered by mouth"\n'  # fmt: skip
    assert [one for one in check(files) if one.severity == "error" or "english" in one.message] == []

    package, app = Package(files), Flask("words")
    with app.test_request_context("/?lang=en"):
        parts = {part.name: part for part in forms.draw(package.intake_form, english=package.english)}
        told = forms.told(package.intake_form, {"luong_thuc": "con_du", "can": ["gao"]}, package.english)
        assert words.step(package, "het_giai_dap") == "Answered by mouth"
    assert parts["a.luong_thuc"].label == "Rice in the bin"
    assert [label for _, label, _ in parts["a.luong_thuc"].options][-1] == "Đầy thùng"
    assert told == [("Rice in the bin", "Đầy thùng"), ("Needed now", "Raw rice")]
    with app.test_request_context("/?lang=vi"):
        assert forms.draw(package.intake_form, english=package.english)[4].label == "Gạo trong thùng"


@pytest.mark.parametrize("wrong", ['english = "no"\n', "[english]\nso_nguoi = 5\n", "[english.x]\ny = 1\n"])
def test_english_that_is_none_is_a_fault(wrong: str):
    files = folders.read(ROOT / "bpmn/binh_duong/BDTN")
    files["type.toml"] = f"{wrong}{files['type.toml']}" if wrong[0] == "e" else f"{files['type.toml']}\n{wrong}"

    (fault,) = [one for one in check(files) if one.severity == "error"]
    assert (fault.code, fault.file) == ("table-value", "type.toml") and "[english]" in fault.message


def test_a_diagram_and_how_a_due_time_came_about_are_read_in_english():
    package = Package(folders.read(ROOT / "bpmn/binh_duong/BDGN"))
    entries = [{"what": "term", "words": "3 ngày làm việc", "rule": "đề xuất", "from": NINE},
               {"what": "resume", "words": "1 giờ 30 phút"},
               {"what": "extension", "words": "dưới 1 phút", "reason": "Chờ giấy"}]  # fmt: skip
    row = SimpleNamespace(name="goi_lai", due_at=None, warn_at=None, settled_at=None,
                          story=[one | {"due_at": NINE} for one in entries])  # fmt: skip

    with Flask("words").test_request_context("/?lang=en"):
        read = drawn.of(package)
        (term,) = history.terms([row], package)
    with Flask("words").test_request_context("/?lang=vi"):
        assert drawn.of(package).get_data(as_text=True) == package.diagram
    drawing = etree.fromstring(read.get_data())
    places = {one.getparent().get("bpmnElement"): one.find("{*}Bounds") for one in drawing.iter("{*}BPMNLabel")}
    assert float(places["het_goi_nham"].get("width")) >= 7 * len("Nothing")  # no word of "Nothing to be done" is broken
    names = set(re.findall(r' name="([^"]*)"', read.get_data(as_text=True)))
    assert {"Missed call", "Call agreed for a time", "Call back", "1022 hotline"} <= names
    assert [one for one in names if VIETNAMESE.search(one)] == ["Bình Dương – 1022 hotline"]
    assert term["name"] == "Call back" and term["story"] == [
        "3 working days by rule proposed, counted from 09:00 3 Sep 2021: due 09:00 3 Sep 2021",
        "Runs again with 1 hour 30 minutes left: due 09:00 3 Sep 2021",
        "Extended by less than a minute: due 09:00 3 Sep 2021. Chờ giấy",
    ]
