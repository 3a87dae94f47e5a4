"""Earlier cases with the same telephone number or place: for the operator, and for a process."""

from __future__ import annotations

import pytest
from sqlalchemy.dialects import postgresql, sqlite

from engine import duplicates, packages
from engine.flow.check import check
from tests.drawing import draw
from tests.hotline import LIFE, PROVINCE, package, refused

OTHER = "0987654321"
FIND = '<camunda:inputOutput><camunda:inputParameter name="days">{}</camunda:inputParameter></camunda:inputOutput>'


def similar(hotline, login="truc", **query):
    answer = hotline.as_(login).get("/reports/similar", **query)
    assert answer.status_code == 200, answer.text
    return [(one["number"], one["same"]) for one in answer.json["items"]]


def test_the_operator_finds_what_came_from_the_same_number_or_place(hotline):
    called = hotline.receives(phone=OTHER)
    there = hotline.receives(place="Ấp 3,  xã Hoà Lợi")
    both = hotline.receives(phone=OTHER, place="ấp 3, xã Hòa Lợi")
    hotline.receives(place="Ấp 4, xã Hòa Lợi")

    assert similar(hotline, phone=OTHER, place="AP 3, XA HOA LOI") == [
        (both, ["phone", "place"]), (there, ["place"]), (called, ["phone"]),
    ]  # fmt: skip
    assert similar(hotline, phone="+84 987 654 321") == [(both, ["phone"]), (called, ["phone"])]
    assert similar(hotline, place="khu phố 9") == []


def test_whoever_needs_help_is_found_by_their_number_too(hotline):
    number = hotline.receives(beneficiary={"name": "Hoa", "phone": OTHER})

    assert similar(hotline, phone=OTHER) == [(number, ["phone"])]


def test_it_looks_back_seven_days_unless_told_otherwise(hotline):
    old = hotline.receives(phone=OTHER)
    hotline.waits(hours=7 * 24)
    assert similar(hotline, phone=OTHER) == [(old, ["phone"])]

    hotline.waits(hours=1)
    assert similar(hotline, phone=OTHER) == []
    assert similar(hotline, phone=OTHER, days=8) == [(old, ["phone"])]


def test_a_type_can_be_asked_for(hotline):
    hotline.receives(phone=OTHER)

    assert similar(hotline, phone=OTHER, report_type="KHAC") == []
    assert len(similar(hotline, phone=OTHER, report_type="PAKN")) == 1


def test_who_may_not_see_the_caller_does_not_learn_who_called(hotline):
    hotline.assigned(phone=OTHER, place="Ấp 3")

    assert similar(hotline, "phuong", phone=OTHER) == []  # C2: handlers know the place, never the caller
    assert [same for _, same in similar(hotline, "phuong", phone=OTHER, place="Ấp 3")] == [["place"]]
    assert similar(hotline, "binh", place="Ấp 3") == []  # of another district


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({}, "Say what to look for"),
        ({"place": "  "}, "Say what to look for"),
        ({"phone": "12"}, "phone is no number"),
    ],
)
def test_a_search_for_nothing_is_refused(hotline, query, sentence):
    assert sentence in refused(hotline.as_("truc").get("/reports/similar", **query), 422, "invalid-request")


def test_who_takes_down_no_reports_may_not_look(hotline):
    refused(hotline.as_("mattran").get("/reports/similar", phone=OTHER), 403, "not-allowed")


def finding(days: str = "${7}") -> dict[str, str]:
    """PAKN, which looks for duplicates before anybody sees it, and puts those with any to the office."""
    node = f"service tim \"Tìm trùng\" topic=find_duplicates extension='{FIND.format(days)}'\n"
    life = LIFE.replace("user tiep_nhan", node + "user tiep_nhan", 1)
    life = life.replace("da_nhan -> tiep_nhan", "da_nhan -> tim -> tiep_nhan")
    group = "${\"vp_74\" if trung_so else \"tongdai_74\"}"
    return package(
        process__bpmn=draw(life.replace("group=tongdai_74", f"group='{group}'"), "PAKN"),
        province__toml=PROVINCE.replace("đã có kết quả:", "({trung_so} lần) đã có kết quả:"),
    )


def deploy(hotline, files):
    with hotline.runtime.begin() as unit:
        packages.deploy(unit, files, by="test")


def test_a_process_asks_and_is_answered_in_the_same_step(hotline):
    files = finding()
    assert check(files) == []
    deploy(hotline, files)

    first, again = hotline.receives(), hotline.receives()

    assert [hotline.case(one)["tasks"][0]["group"] for one in (first, again)] == ["tongdai_74", "vp_74"]
    lines = hotline.as_("vanphong").get(f"/cases/{again}/timeline").json["items"]
    (line,) = [one for one in lines if one["kind"] == "duplicates-found"]
    assert (line["element"], line["data"]["numbers"]) == ("tim", [first])


def test_days_that_are_none_are_an_incident_that_keeps_the_report(hotline):
    deploy(hotline, finding("tuần này"))
    number = hotline.receives()

    (incident,) = hotline.as_("phantich").get("/incidents").json["items"]
    assert (incident["case"], incident["element"]) == (number, "tim")
    assert "not a whole number from 1 to 90" in incident["message"]


@pytest.mark.parametrize("find", [duplicates.by_phone, duplicates.by_place])
def test_it_reads_no_whole_table(runtime, find):
    wanted = duplicates.Wanted("74", ("+84987654321",), "ấp 3")
    with runtime.read() as unit:
        on_sqlite = unit.connection.dialect.name == "sqlite"
        dialect = sqlite.dialect() if on_sqlite else postgresql.dialect()
        sql = str(find(wanted, unit.now).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        if not on_sqlite:
            unit.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            plan = [row[0].strip() for row in unit.connection.exec_driver_sql(f"EXPLAIN {sql}".replace("%", "%%"))]
        else:
            plan = [row[3] for row in unit.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}")]

    assert not [line for line in plan if line.startswith(("SCAN ", "->  Seq Scan", "Seq Scan"))], plan
    if on_sqlite:  # which of its indexes PostgreSQL prefers depends on what it remembers of other tests' rows
        assert any(name in " ".join(plan) for name in ("ix_people_phone", "ix_cases_place")), plan
