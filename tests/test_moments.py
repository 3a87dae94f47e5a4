"""Dates, times, moments and durations of FEEL: in cells, conditions, inputs, and refused where they cannot be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.flow.check import check
from engine.flow.decisions import DecisionFault, parse_decisions
from engine.flow.scripts import ScriptError, compile_expression, compile_script
from tests.broken import SIMPLE
from tests.drawing import draw, package
from tests.drawn_tables import decision, file_of, table

KNOWN = {"ngay": "2021-08-31", "nhan_luc": "2021-09-03T08:30:00Z", "gio": "22:30", "han": "PT36H", "chu": "gạo"}
NOW = {"now": lambda: datetime(2021, 9, 3, 8, 30, tzinfo=UTC).isoformat()}


def value_of(source: str):
    return compile_expression(source).evaluate(KNOWN, NOW)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ('date("2021-09-03")', "2021-09-03"),
        ("date(2021, 9, 3)", "2021-09-03"),
        ("date(nhan_luc)", "2021-09-03"),
        ('date and time("2021-09-03T08:30:00Z")', "2021-09-03T15:30:00+07:00"),
        ('date and time("2021-09-03T15:30:00@Asia/Ho_Chi_Minh")', "2021-09-03T15:30:00+07:00"),
        ("date and time(ngay, time(gio))", "2021-08-31T22:30:00+07:00"),
        ("date  and time ( ngay )", "2021-08-31T00:00:00+07:00"),
        ("time(nhan_luc)", "15:30:00"),
        ('time("23:30:00Z")', "06:30:00"),
        ("time(8, 5, 0)", "08:05:00"),
        ('duration("PT150M")', "PT2H30M"),
        ('duration("-P1DT2H3M4.5S")', "-P1DT2H3M4.5S"),
        ('duration("P2W")', "P14D"),
        ('duration("P1Y18M")', "P2Y6M"),
        ('duration("PT0S")', "PT0S"),
        ('duration("P0Y")', "P0M"),
        ("duration(han)", "P1DT12H"),
        ("years and months duration(ngay, date(2023, 8, 30))", "P1Y11M"),
        ('ngay + duration("P1M")', "2021-09-30"),
        ('duration("P1D") + ngay', "2021-09-01"),
        ('ngay - duration("PT1H")', "2021-08-30"),
        ('nhan_luc + duration("PT2H")', "2021-09-03T17:30:00+07:00"),
        ('nhan_luc - duration("P1Y6M")', "2020-03-03T15:30:00+07:00"),
        ('gio + duration("PT3H")', "01:30:00"),
        ("date(nhan_luc) - ngay", "P3D"),
        ('ngay - date("2021-09-03")', "-P3D"),
        ('now() - date and time("2021-09-03T15:00")', "PT30M"),
        ('time("01:00") - gio', "-PT21H30M"),
        ("-duration(han) + duration(han)", "PT0S"),
        ('duration("PT1H") * 1.5', "PT1H30M"),
        ("duration(han) / 2", "PT18H"),
        ('duration(han) / duration("P1D")', 1.5),
        ('duration("PT60M") == duration("PT1H")', True),
        ('duration("PT90M") > duration("PT1H") and duration("P1Y") < duration("P13M")', True),
        ('now() - nhan_luc <= duration("PT0S")', True),
        ("now() >= nhan_luc and nhan_luc >= now()", True),
        ('now() < date and time("2021-09-03T15:31") and date and time(ngay) < now()', True),
        ('"Hạn: " + str(duration(han))', "Hạn: P1DT12H"),
        ('{"han": [duration(han)]}', {"han": ["P1DT12H"]}),
    ],
)
def test_they_are_read_and_reckoned_with(source, value):
    assert value_of(source) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("ngay.year * 10000 + ngay.month * 100 + ngay.day", 20210831),
        ("ngay.weekday", 2),
        ('date("2021-09-05").weekday', 7),
        ("nhan_luc.hour * 100 + nhan_luc.minute + nhan_luc.second", 1530),  # on Vietnam's clock
        ('date and time("2021-09-03T18:00:00Z").day', 4),
        ("nhan_luc.timezone", "Asia/Ho_Chi_Minh"),
        ("time(gio).hour", 22),
        ("duration(han).days * 100 + duration(han).hours", 112),
        ('duration("-PT90M").hours * 100 + duration("-PT90M").minutes', -130),
        ('duration("PT1.5S").seconds', 1.5),
        ('duration("P1Y18M").years * 100 + duration("P1Y18M").months', 206),
        ("(date(nhan_luc) - ngay).days", 3),
        ('@"2021-09-03"', "2021-09-03"),
        ('@"2021-09-03T08:30:00Z"', "2021-09-03T15:30:00+07:00"),
        ('@"15:30"', "15:30:00"),
        ('@"PT90M" + @"PT30M"', "PT2H"),
        ('@"P1Y6M".months', 6),
        ('ngay < @"2021-09-03" && (@"2021-09-03" - ngay).days == 3', True),
        ('sum([@"PT1H", @"PT30M", duration(han)])', "P1DT13H30M"),
        ('sum(@"P1Y", @"P1M")', "P1Y1M"),
        ("sum([]) + sum(1, 2) + sum([3])", 6),
        ('mean(@"PT1H", @"PT2H")', "PT1H30M"),
        ("mean([1, 2, 6])", 3.0),
        ('min(ngay, date("2021-01-02"), @"2021-12-31")', "2021-01-02"),
        ('max([@"PT90M", @"PT2H"])', "PT2H"),
        ('max(@"2021-09-03T10:00:00+07:00", "2021-09-03T04:00:00Z")', "2021-09-03T04:00:00Z"),  # 11:00
        ("day of week(ngay)", "Tuesday"),
        ("day of year(ngay)", 243),
        ("week of year(ngay) * 100 + week of year(date(2021, 1, 3))", 3553),
        ("month of year( nhan_luc )", "September"),
        ("years and months duration(ngay, ngay).months", 0),
    ],
)
def test_their_parts_literals_and_functions(source, value):
    assert value_of(source) == value


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ('@"2021-02-30"', 'date(…) cannot read "2021-02-30"'),
        ('@"hôm nay"', '@"hôm nay" is no date, time or duration: write @"2021-09-03"'),
        ("@ngay", "write @\"2021-09-03\", a text right behind '@'"),
        ('ngay + @ "P1D"', "a text right behind '@'"),
        ("ngay @", "a text right behind '@'"),
        ("nhan_luc.time offset", "every moment is told on Vietnam's clock, whose offset is +07:00"),
        ("ngay.hour", "There is no field 'hour' in 'ngay', which is text."),
        ("chu.year", "There is no field 'year' in 'chu', which is text."),
        ("duration(han).years", "There is no field 'years' in this, which is a duration of days and time."),
        ('max(@"PT1H", @"P1M")', "max(…) needs values of one kind, not a duration of days and time"),
        ("sum(ngay, ngay)", "sum(…) needs numbers, and there is text in the list."),
        ("mean([])", "mean(…) of an empty list has no answer."),
        ('day of week("gạo")', '"gạo" is not a date or time'),
    ],
)
def test_what_is_no_part_or_literal_of_them_is_refused(source, sentence):
    with pytest.raises(ScriptError) as raised:
        value_of(source)
    assert sentence in raised.value.reason


SAME = [
    ('"2026-01-01T00:00:00Z"', '"2026-01-01T07:00:00+07:00"'),
    ('"2026-01-01T07:00"', '"2026-01-01T00:00Z"'),  # without a zone, Vietnam's is meant
    ('"2021-09-03T15:30:00+07:00"', "nhan_luc"),
    ("now()", "nhan_luc"),
    ("now()", 'date("2021-09-03")'),  # some time of that day
    ('"2021-08-31T16:59:59Z"', "ngay"),
    ('"2021-08-30T17:00:00Z"', "ngay"),
    ("gio", '"22:30:00"'),
    ("gio", '"15:30Z"'),
    ("han", 'duration("P1DT12H")'),
    ('duration("PT60M")', 'duration("PT1H")'),
]
BEFORE = [
    ('"2026-01-01T06:59:59+07:00"', '"2026-01-01T00:00:00Z"'),
    ('"2026-01-01T00:00:00+07:00"', '"2026-01-01T00:00:00.5+07:00"'),
    ('"2021-08-30T16:59:59Z"', "ngay"),
    ("ngay", '"2021-08-31T17:00:00Z"'),  # midnight, in Vietnam
    ("ngay", "now()"),
    ("gio", '"22:30:01"'),
    ('"16:00Z"', '"23:01"'),
    ("han", 'duration("P2D")'),
    ("ngay", '"2021-09-01"'),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_is_written_in_two_ways_is_the_same(one: str, other: str):
    for first, second in ((one, other), (other, one)):
        assert value_of(f"[{first} == {second}, {first} != {second}, {first} in [1, {second}]]") == [True, False, True]
        assert value_of(f"[{first} <= {second}, {first} < {second}]") == [True, False]
        assert value_of(f"[{first}] == [{second}] and contains([null, {first}], {second})") is True


@pytest.mark.parametrize(("one", "other"), BEFORE)
def test_what_is_before_something_else_is_not_the_same(one: str, other: str):
    assert value_of(f"[{one} < {other}, {one} >= {other}, {other} > {one}]") == [True, False, True]
    assert value_of(f"[{one} == {other}, {other} != {one}, {one} in [{other}]]") == [False, True, False]


@pytest.mark.parametrize(("one", "other"), [
    ('"15:30"', '"15:30 chiều"'), ("ngay", "gio"), ("chu", "ngay"), ('"2021-02-30"', '"2021-02-30T00:00"'),
    ('"2021-09-03"', "20210903"), ('"PT1H"', '"PT60M"'), ('"00:00-06:00"', '"13:00-17:00"'), ('"24:00"', '"00:00"'),
    ('"60:40"', '"10:00"'), ('"P"', 'duration("PT2H")'),
])  # fmt: skip
def test_other_texts_are_what_they_are_written(one: str, other: str):
    assert value_of(f"{one} == {other} or {other} == {one} or {one} in [{other}]") is False


def test_a_cell_knows_a_moment_however_it_is_written():
    cells = {'"2021-09-03T15:30:00+07:00"': True, '"gạo", "2021-09-03T15:30"': True,
             'not("2021-09-03T15:30")': False, 'date("2021-09-03")': True, '< date("2021-09-03")': False,
             '[date("2021-09-01")..date("2021-09-03")]': True, '= date and time("2021-09-03T15:30")': True,
             '"2021-09-03T08:31Z"': False}  # fmt: skip
    for cell, fits in cells.items():
        made = decision([([cell], ["1"])], inputs=["nhan_luc"], types=["string"], policy="COLLECT")
        assert bool(made.decide(KNOWN)) is fits, cell
    with pytest.raises(DecisionFault, match="Nothing lies in the range"):
        decision([(['["2021-09-03T08:31Z".."2021-09-03T15:30+07:00"]'], ["1"])], inputs=["x"])


def test_a_table_collects_durations_by_their_length():
    rows = [(["-"], ['@"PT2H"']), (["-"], ['duration("PT30M")'])]
    for aggregation, answer in (("MIN", "PT30M"), ("MAX", "PT2H"), ("SUM", "PT2H30M")):
        made = decision(rows, policy="COLLECT", more=f'aggregation="{aggregation}"')
        assert made.decide({"x": 1}) == {"y": answer}


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ('duration("2 giờ")', "duration(…) cannot read \"2 giờ\": write it as \"PT2H\", \"P3D\" or \"P1Y6M\"."),
        ('duration("P1M2D")', "of months and of days at once"),
        ('date("2021-02-30")', "date(…) cannot read"),
        ("date(2021, 2, 30)", "There is no such date or time."),
        ('time("25:00")', 'time(…) cannot read "25:00": write it as "15:30".'),
        ('date and time("2021-09-03T15:30@Europe/Paris")', "is not a date or time"),
    ],
)  # fmt: skip
def test_what_is_written_wrongly_is_refused_when_it_is_read(source, sentence):
    with pytest.raises(ScriptError) as raised:
        compile_expression(f"ngay > {source}")
    assert sentence in raised.value.reason and raised.value.column == 8


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ('duration("P1M") < duration("P30D")', "'<' cannot compare a duration of years and months with"),
        ('duration("P1M") + duration("P30D")', "Cannot add a duration of years and months and a duration of days and"),
        ('gio + duration("P1M")', "Cannot add text and a duration of years and months."),
        ("chu + duration(han)", "Cannot add text and a duration of days and time."),
        ("duration(han) + 5", "Cannot add a duration of days and time and a number."),
        ("gio - ngay", "'-' needs two numbers, not text and text."),
        ("ngay + 3", 'Cannot add text and a number. Move a date by a duration, such as duration("P3D").'),
        ("ngay - 3", '\'-\' needs two numbers, not text and a number. Move a date by a duration'),
        ('date("9999-12-31") + duration("P1D")', "The date is out of range."),
        ("duration(chu)", 'duration(…) cannot read "gạo"'),
        ('duration(han) / duration("PT0S")', "'/' divides by zero."),
    ],
)  # fmt: skip
def test_what_cannot_be_reckoned_is_refused(source, sentence):
    with pytest.raises(ScriptError) as raised:
        value_of(source)
    assert sentence in raised.value.reason


def test_a_script_keeps_a_duration_as_text():
    data = dict(KNOWN)
    compile_script('moi = duration(han) + duration("PT1H")\nden = nhan_luc + moi').run(data)

    assert (data["moi"], data["den"]) == ("P1DT13H", "2021-09-05T04:30:00+07:00")


@pytest.mark.parametrize(
    ("asked", "kind", "cell", "fits", "not_fitting"),
    [
        ("x", "dayTimeDuration", '< duration("PT2H")', "PT119M", "P1D"),
        ("x", "", '[duration("PT1H")..duration("PT2H")]', None, None),
        ("x - ngay", "", '> duration("P2D")', "2021-09-03", "2021-09-01"),
        ("x - ngay", "dayTimeDuration", 'duration("P3D")', "2021-09-03", "2021-09-02"),
        ("x", "date", '>= date("2021-09-03") - duration("P1M")', "2021-08-03", "2021-08-02"),
        ("x", "dateTime", 'between date and time("2021-09-03T08:00") and date and time("2021-09-03T09:00")',
         "2021-09-03T01:30:00Z", "2021-09-03T08:30:00Z"),
        ("x", "time", '[time("07:00")..time("17:00")]', "16:59", "17:01"),
        ("x", "time", "> time(gio)", "23:00", "22:00"),
        ("x", "yearMonthDuration", '>= duration("P18M")', "P1Y6M", "P17M"),
        ("x", "", '? + duration("P1D") = date("2021-09-04")', "2021-09-03", "2021-09-04"),
        ("x", "", '? in [date("2021-09-03")..date("2021-09-05"))', "2021-09-03", "2021-09-05"),
        ("x", "date", '[@"2021-09-03"..@"2021-09-05")', "2021-09-03", "2021-09-05"),
        ("x", "date", '@"2021-09-03", @"2021-09-04"', "2021-09-04", "2021-09-05"),
        ("x", "date", 'if ?.weekday > 5 then true else ? = @"2021-09-03"', "2021-09-04", "2021-09-02"),
        ("x.weekday", "number", "[6..7]", "2021-09-04", "2021-09-03"),
        ("day of week(x)", "string", '"Saturday", "Sunday"', "2021-09-04", "2021-09-03"),
    ],
)
def test_cells_of_a_table_ask_about_them(asked, kind, cell, fits, not_fitting):
    cell = f"? {cell}" if cell.startswith("between") else cell
    made = decision([([cell], ["1"])], inputs=[asked], types=[kind], policy="COLLECT")

    if fits is not None:
        assert made.decide(KNOWN | {"x": fits}) == [{"y": 1}]
        assert made.decide(KNOWN | {"x": not_fitting}) == []
    with pytest.raises(DecisionFault):
        made.decide(KNOWN | {"x": 5})


@pytest.mark.parametrize(
    ("kind", "cell", "sentence"),
    [
        ("", '< duration("2 giờ")', "Column 3: duration(…) cannot read"),
        ("", '> date("2021-09-03") + 5', "Cannot add text and a number."),
        ("", '(duration("PT2H")..duration("PT1H"))', "Nothing lies in the range (duration("),
        ("date", '> duration("PT2H")', "'>' cannot compare text with a duration of days and time."),
        ("dayTimeDuration", '"PT2H"', "The input is a duration of days and time, and the cell compares it with text."),
        ("yearMonthDuration", '< duration("P30D")', "'<' cannot compare a duration of years and months with"),
    ],
)  # fmt: skip
def test_a_cell_that_never_could_be_worked_out_is_refused_with_its_row(kind, cell, sentence):
    with pytest.raises(DecisionFault) as raised:
        parse_decisions(file_of(table([(["-"], ["1"]), ([cell], ["2"])], types=[kind])), "x.dmn")

    fault = raised.value
    assert fault.element == "r2" and fault.message.startswith("'Bảng', row 2, x: ") and sentence in fault.message


def test_the_check_names_the_flow_whose_condition_cannot_be_read():
    asked = 'duration("2h") < duration("PT1H")'
    drawing = f"{SIMPLE} ; xor x ; user b ; a -> x ; x -> b : {asked} ; x -> t default ; b -> t"
    found = [fault for fault in check(package(draw(drawing))) if fault.code == "expression"]

    assert [fault.element for fault in found] == ["flow5"]
    assert 'duration(…) cannot read "2h"' in found[0].message
    assert 'duration(…) không đọc được "2h"' in found[0].to_json()["message_vi"]
