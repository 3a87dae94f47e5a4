"""A case's process starts a case of another type."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import func, select

from engine import births, packages
from engine.errors import InvalidPackage
from engine.flow.check import check
from engine.model import cases, contacts, incidents, people
from engine.packages import Package
from tests.drawing import draw, form
from tests.hotline import LIFE, PHONE, PROVINCE, TYPE, Hotline, package, refused

FOLLOW = """
start bat_dau
tell da_nhan "Báo đã nhận" text=T01 to=reporter
user goi "Gọi" group=tongdai_74 form=goi
tell xong "Báo kết quả" text=T06 to=reporter status=da_giai_quyet outcome=da_giai_quyet
end dong
bat_dau -> da_nhan -> goi -> xong -> dong
"""
INPUT = '<camunda:inputParameter name="{0}">{1}</camunda:inputParameter>'


def starts(report_type: str = "THEO", more: str = "", **answers: str) -> str:
    """PAKN, whose handler's result starts a case of another type before the citizen is told."""
    inputs = "".join(INPUT.format(name, value) for name, value in answers.items())
    mapping = f"{more}<camunda:inputOutput>{inputs}</camunda:inputOutput>"
    node = f"send mo_vu \"Mở vụ\" topic=start_case report_type={report_type} extension='{mapping}'"
    life = LIFE.replace("tell bao_ket_qua", f"{node}\ntell bao_ket_qua", 1)
    return draw(life.replace("xu_ly -> bao_ket_qua", "xu_ly -> mo_vu -> bao_ket_qua"), "PAKN")


def follow(secrecy: str = "C1", life: str = FOLLOW, **changes: str) -> dict[str, str]:
    kind = TYPE.replace("PAKN", "THEO").split("xu_ly = {{term")[0]
    return package(
        secrecy,
        type__toml=kind.format(secrecy=secrecy),
        process__bpmn=draw(life, "THEO"),
        tiep_nhan_phan_anh__form=form("tiep_nhan_phan_anh", *[_text("noi_dung", True), _text("ma_truoc", False)]),
        goi__form=form("goi", _text("noi_dung_ket_qua", True)),
    ) | changes


def _text(key: str, required: bool) -> dict[str, Any]:
    return {"type": "textfield", "id": f"F_{key}", "key": key, "label": key, "validate": {"required": required}}


SAID = {"noi_dung": "${noi_dung_ket_qua}", "ma_truoc": "${number}"}


def deploy(hotline: Hotline, *all_files: dict[str, str]) -> None:
    with hotline.runtime.begin() as unit:
        for files in all_files:
            packages.deploy(unit, files, by="test")


def child_of(hotline: Hotline, number: str) -> dict[str, Any]:
    (link,) = hotline.case(number)["links"]
    assert link["relation"] == "started"
    return hotline.case(link["number"])


def test_a_step_that_starts_two_cases_is_taken_though_the_first_one_ends_whatever_waits_for_the_second(hotline):
    mapping = "".join(INPUT.format(name, value) for name, value in SAID.items())
    one, two = (f"send {name} \"Mở vụ\" topic=start_case report_type=THEO extension='<camunda:inputOutput>{mapping}"
                "</camunda:inputOutput>'" for name in ("mo_vu", "mo_vu_hai"))  # fmt: skip
    till_then, told = LIFE.partition("race cho")[0], 'text=T06 to=reporter status="${ket_qua}" outcome="${ket_qua}"'
    life = f"""{till_then}{one}\n{two}
        tell bao_hai "Báo" {told} ; and hai ; end het terminate ; end dong
        bat_dau -> da_nhan -> tiep_nhan -> xu_ly -> hai -> mo_vu -> bao_ket_qua -> het
        tra_lai -> tiep_nhan ; hai -> mo_vu_hai -> bao_hai -> dong
    """
    deploy(hotline, follow(), package(process__bpmn=draw(life, "PAKN")))
    number = hotline.assigned()

    hotline.does("phuong", number, ket_qua="khong_dung", noi_dung_ket_qua="Không có")

    assert [link["relation"] for link in hotline.case(number)["links"]] == ["started", "started"]
    assert hotline.case(number)["closed_at"] and hotline.as_("phantich").get("/incidents").json["items"] == []


def test_a_process_starts_a_case_of_another_type_and_goes_on_with_its_number(hotline):
    deploy(hotline, follow(), package(process__bpmn=starts(**SAID)))

    number = hotline.settled(place="khu phố 3")

    child = child_of(hotline, number)
    assert (child["report_type"], child["status"], child["area"]) == ("THEO", "moi", "718")
    assert child["report"] == {"noi_dung": "Đã nhắc nhở, giải tán", "ma_truoc": number}
    assert (child["place"], child["channel"], child["opened_by"]) == ("khu phố 3", "zalo", "system")
    assert child["links"] == [{"number": number, "report_type": "PAKN", "relation": "born_of"}]
    assert [task["element"] for task in child["tasks"]] == ["goi"]
    assert hotline.case(number)["status"] == "da_giai_quyet"


def test_whoever_completes_the_task_is_told_how_the_case_stands_in_the_end(hotline):
    deploy(hotline, follow(), package(process__bpmn=starts(**SAID)))
    number = hotline.assigned()

    answer = hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Đã nhắc nhở")

    assert (answer["case_status"], answer["outcome"]) == ("da_giai_quyet", "da_giai_quyet")


def test_both_histories_tell_of_it(hotline):
    deploy(hotline, follow(), package(process__bpmn=starts(**SAID)))
    number = hotline.settled()
    born = child_of(hotline, number)["number"]

    told = {line["kind"]: line for line in hotline.as_("vanphong").get(f"/cases/{number}/timeline").json["items"]}
    began = hotline.as_("vanphong").get(f"/cases/{born}/timeline").json["items"][0]

    assert told["case-started"]["element"] == "mo_vu"
    assert told["case-started"]["data"]["number"] == born
    assert told["case-started"]["data"]["report_type"] == "THEO"
    assert (began["kind"], began["actor"], began["data"]["born_of"]) == ("received", "system", number)


def test_its_people_are_the_parents_and_no_variable_holds_them(hotline):
    deploy(hotline, follow(), package(process__bpmn=starts(**SAID)))
    number = hotline.settled(beneficiary={"name": "Trần Thị Hoa", "phone": "0987654321"})
    born = child_of(hotline, number)["number"]

    with hotline.runtime.read() as unit:
        rows = unit.all(select(people).join(cases).where(cases.c.number == born).order_by(people.c.part.desc()))
        state = unit.scalar(select(cases.c.report).where(cases.c.number == born))

    assert [(row.part, row.name, row.phone) for row in rows] == [
        ("reporter", "Nguyễn Văn Bình", f"+84{PHONE[1:]}"), ("beneficiary", "Trần Thị Hoa", "+84987654321"),
    ]  # fmt: skip
    assert "Hoa" not in str(state)
    told = hotline.as_("vanphong").get("/outbox", case=born).json["items"]
    assert [letter["topic"] for letter in told] == ["T01"]


def test_it_counts_as_a_case_but_not_as_a_call(hotline):
    deploy(hotline, follow(), package(process__bpmn=starts(**SAID)))
    hotline.settled()

    with hotline.runtime.read() as unit:
        assert unit.scalar(select(func.count()).select_from(cases)) == 2
        assert unit.scalar(select(func.count()).select_from(contacts)) == 1


def test_it_is_at_least_as_secret_as_its_parent(hotline):
    deploy(hotline, follow("C1"), package("C3", process__bpmn=starts(**SAID)))

    assert child_of(hotline, hotline.settled())["secrecy"] == "C3"


def test_the_link_is_shown_only_to_who_may_see_the_other_case(hotline):
    deploy(hotline, follow(), package(process__bpmn=starts(**SAID)))
    number = hotline.settled()

    assert hotline.case(number, "phuong")["links"] == []  # nothing of the new case concerns the district
    assert len(hotline.case(number, "truc")["links"]) == 1


def test_a_type_that_is_not_there_is_an_incident_that_keeps_the_answer(hotline):
    deploy(hotline, package(process__bpmn=starts(**SAID)))
    number = hotline.assigned()
    hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Đã nhắc nhở")

    (incident,) = hotline.as_("phantich").get("/incidents").json["items"]
    assert (incident["element"], incident["case"]) == ("mo_vu", number)
    assert "no report type 'THEO'" in incident["message"]
    assert [task["element"] for task in hotline.case(number)["tasks"]] == ["xu_ly"]
    assert hotline.case(number)["links"] == []

    deploy(hotline, follow())
    retried = hotline.as_("phantich").post(f"/incidents/{incident['id']}/retry")
    assert retried.status_code == 200, retried.text
    assert child_of(hotline, number)["report"]["noi_dung"] == "Đã nhắc nhở"
    assert hotline.case(number)["status"] == "da_giai_quyet"


def test_answers_that_its_form_does_not_take_are_an_incident_of_the_step_that_asked(hotline):
    deploy(hotline, package(process__bpmn=starts(noi_dung="${ghi_chu}")), follow())
    hotline.settled(answers={"noi_dung": "Tụ tập", "ghi_chu": ""})

    (incident,) = hotline.as_("phantich").get("/incidents").json["items"]
    assert incident["element"] == "mo_vu"
    assert incident["message"].startswith("THEO does not begin with these answers: noi_dung: ")
    with hotline.runtime.read() as unit:
        assert unit.scalar(select(func.count()).select_from(cases)) == 1


def test_a_fault_of_the_new_type_is_an_incident_of_the_new_case(hotline):
    script = "script hong \"Hỏng\" script='x = so_khong_co + 1'\n"
    broken = FOLLOW.replace("user goi", script + "user goi").replace("da_nhan -> goi", "da_nhan -> hong -> goi")
    deploy(hotline, follow(life=broken), package(process__bpmn=starts(**SAID)))
    number = hotline.settled()

    (incident,) = hotline.as_("phantich").get("/incidents").json["items"]
    assert incident["case"] == child_of(hotline, number)["number"] != number
    assert hotline.case(number)["status"] == "da_giai_quyet"


def test_the_number_goes_into_the_variable_that_the_diagram_names(hotline):
    named = '<camunda:properties><camunda:property name="result" value="ma_theo"/></camunda:properties>'
    texts = PROVINCE.replace("đã có kết quả:", "đã có kết quả, theo dõi {ma_theo}:")
    deploy(hotline, follow(), package(process__bpmn=starts(more=named, **SAID), province__toml=texts))

    number = hotline.settled()

    born = child_of(hotline, number)["number"]
    letters = hotline.as_("vanphong").get("/outbox", case=number).json["items"]
    assert any(f"theo dõi {born}:" in letter["payload"]["text"] for letter in letters)


def ring(path: str = "mo", beside: str = "") -> tuple[dict[str, str], dict[str, str]]:
    """PAKN starts THEO at once, and THEO starts PAKN at once: along ``path``, and what branches off from it."""
    text = INPUT.format("noi_dung", "${noi_dung}")
    mapping = f"<camunda:inputOutput>{text}</camunda:inputOutput>"
    words = {*path.split(), *beside.split()} - {"->", ";"}
    drawn = {
        other: "".join(
            f"send {word} \"Mở\" topic=start_case report_type={other} extension='{mapping}'\n"
            if word.startswith("mo") else f"and {word}\n" for word in sorted(words)
        )
        for other in ("THEO", "PAKN")
    }  # fmt: skip
    first = LIFE.replace("user tiep_nhan", drawn["THEO"] + "user tiep_nhan", 1)
    second = FOLLOW.replace("user goi", drawn["PAKN"] + "user goi", 1)
    return (
        package(process__bpmn=draw(first.replace("da_nhan -> ", f"da_nhan -> {path} -> ") + beside, "PAKN")),
        follow(life=second.replace("da_nhan -> ", f"da_nhan -> {path} -> ") + beside),
    )


def test_types_that_start_each_other_come_to_an_end(hotline):
    deploy(hotline, *ring())
    hotline.receives()

    with hotline.runtime.read() as unit:
        assert unit.scalar(select(func.count()).select_from(cases)) == births.GENERATIONS_MAX + 1
    (incident,) = hotline.as_("phantich").get("/incidents").json["items"]
    assert "start each other without end" in incident["message"]


THREE_IN_TURN = ("mo -> mo_hai -> mo_ba", "")
THREE_AT_ONCE = ("chia -> mo -> gop", "chia -> mo_hai -> gop\nchia -> mo_ba -> gop\n")


@pytest.mark.parametrize("shape", [THREE_IN_TURN, THREE_AT_ONCE], ids=["in turn", "at once"])
def test_types_that_start_several_of_each_other_stop_and_whoever_would_start_more_is_held_whole(hotline, shape):
    deploy(hotline, *ring(*shape))
    hotline.receives()

    started, held = family(hotline)
    assert births.BORN_MAX - 3 < started.total() <= births.BORN_MAX
    done = {case: count for case, count in started.items() if case not in held}
    assert set(done.values()) == {3} and max(started[case] for case in held) < 3
    assert not any(len(faults) > 1 for faults in held.values())
    too_many = [fault for (fault,) in held.values() if "cases come of one step" in fault.message]

    retried = hotline.as_("phantich").post(f"/incidents/{too_many[0].id}/retry")

    assert retried.status_code == 200, retried.text
    assert 0 < family(hotline)[0].total() - started.total() <= births.BORN_MAX


def family(hotline: Hotline) -> tuple[Counter[int], dict[int, list[Any]]]:
    """How many cases each case has started, and the incidents of those that cannot go on."""
    with hotline.runtime.read() as unit:
        born = unit.all(select(cases.c.born_of).where(cases.c.born_of.is_not(None)))
        held = unit.all(select(incidents).where(incidents.c.resolved_at.is_(None)).order_by(incidents.c.id))
    return Counter(row.born_of for row in born), {
        one.case_id: [row for row in held if row.case_id == one.case_id] for one in held
    }


def test_what_comes_of_one_step_is_bounded_in_time_and_goes_on_when_somebody_says_so(hotline, monkeypatch):
    deploy(hotline, *ring())
    with monkeypatch.context() as slow:
        slow.setattr(births, "SECONDS_MAX", 0.0)
        hotline.receives()

    started, held = family(hotline)
    (beginning,), (answer,) = held.values()
    assert started.total() == 1 and {answer.step["kind"], beginning.step["kind"]} == {"Answer", "Start"}
    assert all("0 seconds of computing together" in one.message for one in (answer, beginning))

    for one in (answer, beginning):
        assert hotline.as_("phantich").post(f"/incidents/{one.id}/retry").status_code == 200
    assert family(hotline)[0].total() == births.GENERATIONS_MAX


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({"ma_truoc": "${number}"}, "Add an input 'noi_dung' to 'Mở vụ'"),
        ({"noi_dung": "x", "ma_truok": "y"}, "Did you mean 'ma_truoc'?"),
    ],
)
def test_the_gate_holds_the_answers_against_the_other_types_form(hotline, answers, sentence):
    deploy(hotline, follow())

    with pytest.raises(InvalidPackage) as refusal:
        deploy(hotline, package(process__bpmn=starts(**answers)))

    (fault,) = [one for one in refusal.value.facts["faults"] if one["severity"] == "error"]
    assert (fault["code"], fault["element"]) == ("start-answers", "mo_vu")
    assert sentence in fault["message"]


def test_the_gate_warns_of_a_type_that_is_not_there_yet():
    files = package(process__bpmn=starts(report_type="THEP", **SAID))
    others = {"THEO": Package(follow()).intake_form}

    assert check(files) == []
    (fault,) = check(files, others=others)
    assert (fault.code, fault.severity) == ("start-unknown", "warning")
    assert "Did you mean 'THEO'?" in fault.message


def test_an_operator_cannot_make_up_a_birth(hotline):
    refused(hotline.as_("app").post("/reports", {"report_type": "PAKN", "answers": {"noi_dung": "x"}, "born_of": 1}),
            422, "invalid-request")  # fmt: skip
