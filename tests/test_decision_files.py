"""What a DMN file may hold: every form of cell, and every fault told with its place."""

from __future__ import annotations

import os
import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.flow import feel
from engine.flow.decisions import DecisionFault, parse_decisions
from engine.flow.values import ScriptError
from tests.drawn_tables import RANKED, ROUTING, decision, file_of, named, requires, table


def fits(cell: str, value, **data) -> bool:
    answer = decision([([cell], ["true"]), (["-"], ["false"])], policy="FIRST", types=data.pop("types", ()))
    return answer.decide({"x": value, **data})["y"]


def fault(*args, data=None, **kwargs) -> DecisionFault:
    with pytest.raises(DecisionFault) as raised:
        decision(*args, **kwargs).decide(data or {})
    return raised.value


# -- cells -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "fitting", "other"),
    [
        ("-", ["a", 1, None, True, ["a"]], []),
        ("", ["a", 1, None], []),
        ('"a"', ["a"], ["b", "", "A", None]),
        ("'a'", ["a"], ["b"]),
        ('"a","b"', ["a", "b"], ["c", None]),
        ('"a, b" , "(c"', ["a, b", "(c"], ["a"]),
        ('"Đường, vỉa hè"', ["Đường, vỉa hè"], ["Đường"]),
        ("5", [5, 5.0], [4, None]),
        ("-5", [-5], [5, None]),
        ("5,7", [5, 7], [6]),
        ("1.5", [1.5], [1]),
        ("true", [True], [False, None]),
        ("false", [False], [True, None]),
        ("null", [None], ["a", 0, False, ""]),
        ('"a", null', ["a", None], ["b"]),
        ("> 5", [6, 5.1], [5, 4, None]),
        (">=5", [5, 6], [4.9, None]),
        ("< 5", [4], [5, None]),
        ("<= 5", [5], [6, None]),
        ("< 5, > 10", [4, 11], [5, 10, None]),
        ("= 5", [5], [6]),
        ("!= 5", [4], [5]),
        ("> limit + 1", [12], [11]),
        ("[1..3]", [1, 2.5, 3], [0.9, 3.1, None]),
        ("]1..3[", [1.1, 2], [1, 3]),
        ("(1..3)", [2], [1, 3]),
        ("[1..3)", [1, 2], [3]),
        ("]1..3]", [3], [1]),
        ("[1 .. 3], [5 .. 7[", [1, 6], [4, 7]),
        ("]1..3[, ]5..7[", [2, 6], [1, 3, 4, 5, 7]),
        ("[1.5..2.5]", [1.5, 2.5], [1.4, 2.6]),
        ("[-3..-1]", [-2], [-4, 0]),
        ("[min(1, 2)..numbers[1]]", [1, 9], [0, 10]),
        ("[1..(2 + 1)]", [3], [4]),
        ('["a".."c"]', ["a", "bb", "c"], ["d"]),
        ('not("a","b")', ["c", "", None], ["a", "b"]),
        ("not(> 5)", [5, None], [6]),
        ("not([1..3])", [0, 4], [2]),
        ("not(null)", ["a", 0], [None]),
        ("not (true)", [False, None], [True]),
        ("? > 5 and ? < 10", [6], [5, 10]),
        ('contains(?, "ngập")', ["đường ngập nước"], ["ổ gà", None]),
        ('contains(?, "a"), ? == "b"', ["ba", "b"], ["c"]),
        ("empty(?)", ["", None, []], ["a"]),
        ('not(contains(?, "a"))', ["b"], ["a"]),
        ("not empty(?)", ["a"], [""]),
        ("len([n for n in numbers if n < ?]) == 1", [9], [4, 10]),
        ('? = "a" or ? ="b" or ?= "c"', ["a", "b", "c"], ["d", None]),
        ("not(= 5)", [4], [5]),
        ('string length(?) > 2 and upper case(?)="ABC"', ["abc"], ["ab", "abd"]),
        ('starts with(?, "a"), ends with ( ?, "z" )', ["ab", "yz"], ["b"]),
        ("list contains(numbers, ?) and count(numbers) = 2", [4], [5]),
        ("limit", [10], [9, None]),
        ("limit, 3", [10, 3], [4]),
        ("limit / 2", [5], [10]),
        ("numbers", [4, 9], [5, None]),
        ("${limit}", [10], [9]),
        (unicodedata.normalize("NFD", "giới_hạn"), [7], [9]),
    ],
)
def test_a_cell_fits_what_it_says(cell, fitting, other):
    data = {"limit": 10, "giới_hạn": 7, "numbers": [4, 9]}
    assert [value for value in fitting if not fits(cell, value, **data)] == []
    assert [value for value in other if fits(cell, value, **data)] == []


@pytest.mark.parametrize(
    ("cell", "kind", "fitting", "other"),
    [
        ('< date("2021-09-03")', "date", ["2021-09-02", "2021-09-02T23:00"], ["2021-09-03", None]),
        ('[date("2021-09-01")..date("2021-09-03")]', "date", ["2021-09-03T10:00:00+07:00"], ["2021-09-04"]),
        ('date("2021-09-03")', "date", ["2021-09-03", "2021-09-02T20:00:00Z"], ["2021-09-02"]),
        ('>= date and time("2021-09-03T15:30:00")', "dateTime", ["2021-09-03T08:30:00Z"], ["2021-09-03T08:29:00Z"]),
        ('"2021-09-03"', "", ["2021-09-03"], ["2021-09-04"]),
    ],
)
def test_dates_are_compared_as_dates_on_vietnams_clock(cell, kind, fitting, other):
    assert [value for value in fitting if not fits(cell, value, types=[kind])] == []
    assert [value for value in other if fits(cell, value, types=[kind])] == []


@pytest.mark.parametrize("kind", ["number", "integer", "feel:number", "double"])
def test_a_choice_that_a_column_calls_a_number_is_compared_as_one(kind):
    assert [fits(cell, value, types=[kind]) for cell, value in (("5", "5"), ("> 5", "5.5"), ("[-2..-1]", "-1"))] == \
        [True] * 3  # fmt: skip
    for value in ("năm", "", "5 ", "1e3", "٥"):
        assert "text" in fault([(["> 4"], ["1"])], types=[kind], data={"x": value}).message


@pytest.mark.parametrize(
    ("cell", "value", "sentence"),
    [
        ('"5"', 5, "Row 1, x: The input is a number, and the cell compares it with text."),
        ("5", "5", "The input is text, and the cell compares it with a number."),
        ("1", True, "The input is true/false"),
        ("true", "true", "compares it with true/false"),
        ('"a"', ["a"], 'The input is a list: write contains(?, "a").'),
        ("> 5", "6", "'>' cannot compare text with a number."),
        ("[1..3]", "2", "cannot compare"),
        ("khan", "khan", "The name 'khan' is not defined"),
        ("? + 1", 1, "must be true or false"),
        ("due(?) > 1", 1, "There is no function 'due'."),
        ("[n for n in numbers for m in numbers] == ?", [], "20,000 steps"),
    ],
)
def test_a_cell_that_could_never_fit_is_a_fault_and_not_a_silent_no(cell, value, sentence):
    raised = fault([([cell], ["1"]), (["-"], ["2"])], policy="FIRST", data={"x": value, "numbers": [0] * 500})
    assert sentence in raised.message
    assert raised.element == "r1"


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ('"Đã giải quyết"', "Đã giải quyết"),
        ("5", 5),
        ("-1.5", -1.5),
        ("true", True),
        ("null", None),
        ("", None),
        ("-", None),
        ("x", "a"),
        ('"ubnd_" + x', "ubnd_a"),
        ('["sms", "email"]', ["sms", "email"]),
        ('{"han": "PT5H"}', {"han": "PT5H"}),
        ('"gấp" if x == "a" else "thường"', "gấp"),
        ('if x = "a" then "gấp" else "thường"', "gấp"),
        ('if x = "b" then 1 else if x = "a" then 2 else 3', 2),
        ("[n for n in range(3) if n > 0]", [1, 2]),
        ("for n in [1, 2] return n * (if n > 1 then 10 else 1)", [1, 20]),
        ("some n in [1, 2] satisfies n > 1", True),
        ("every n in [1, 2] satisfies n > 1", False),
        ("not(every n in [1, 2] satisfies n > 1) and 2 between 1 and 1 + 1", True),
        ("len(x) + 1 in [1..2)", False),
        ("len(x) + 1 in (1..2] and 3 in [1, 3]", True),
        ('date("2021-09-03")', "2021-09-03"),
        ("now()", "2021-09-03T15:30"),
    ],
)
def test_an_output_is_an_expression(cell, value):
    answer = decision([(["-"], [cell])]).decide({"x": "a"}, {"now": lambda: "2021-09-03T15:30"})
    assert answer == {"y": value}


@pytest.mark.parametrize(("cell", "why"), [
    ('if x = "a" then 1', "'then' needs 'else' behind it."), ("some n in x", "cannot be read"),
    ("x between 1", "'between' needs 'and' behind it."), ("if then 1 else 2", "nothing beside it"),
    ("every n in satisfies n", "nothing beside it"),
    ("for n in x return " * 200 + "n", "nested"), ("(" * 25 + "x" + " between 1 and 2)" * 25, "split it up"),
    ("x between 1 and 2 between 3 and 4", "needs 'and'"), ("x in (1..2", "stands alone in a cell"),
])  # fmt: skip
def test_words_of_feel_without_those_that_belong_to_them_are_refused(cell, why):
    with pytest.raises((ScriptError, DecisionFault), match=re.escape(why)):
        feel.compile_output(cell)


def test_an_input_is_an_expression():
    counted = decision([(["> 1"], ["true"]), (["<= 1"], ["false"])], inputs=["len([t for t in tep if t.kb > 10])"])
    assert counted.decide({"tep": [{"kb": 20}, {"kb": 30}, {"kb": 1}]}) == {"y": True}


@pytest.mark.parametrize(("data", "row"), [
    ({}, 3), ({"khu_pho": None}, 3), ({"khu_pho": "1"}, 1), ({"khu_pho": "2"}, 2),
])  # fmt: skip
def test_a_question_that_was_not_asked_or_was_hidden_is_null_in_a_table(data, row):
    made = decision([(['"1"'], ["1"]), (['"2"'], ["2"]), (["null"], ["3"])], inputs=["khu_pho"])
    assert made.decide(data) == {"y": row}


def test_what_a_table_computes_with_a_missing_field_is_a_fault_that_names_the_input():
    raised = fault([(["1"], ["1"])], inputs=["len(khu_pho)"], data={"x": 1})
    assert raised.message.startswith("Decision 'Bảng': len(khu_pho):")
    assert raised.element == "i0"


def test_an_answer_shares_nothing_with_the_table_or_the_data():
    made = decision([(["-"], ["[1]", "x"])], outputs=["y", "z"])
    data = {"x": [2]}
    answer = made.decide(data)
    answer["y"].append(3)
    answer["z"].append(3)
    assert made.decide(data) == {"y": [1], "z": [2]}


# -- faults of a file ------------------------------------------------------------------------------------------------


def test_every_fault_of_a_file_is_told_at_once_with_its_line():
    dmn = ROUTING.replace('"dien_luc_74"', '"dien_luc_74').replace("loai</text>", "loai =</text>")
    dmn = dmn.replace(">null<", ">a.__class__<")
    with pytest.raises(DecisionFault) as raised:
        parse_decisions(dmn.encode(), "dinh_tuyen.dmn")

    assert [(found.line, found.element) for found in raised.value.faults] == [(9, "in_loai"), (21, "r1"), (34, "r3")]
    assert raised.value.faults[1].message == (
        "'Định tuyến phản ánh', row 1, Cơ quan: Column 1: This cannot be read: the quotation mark is never closed."
    )


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ('"a", “b”', "Column 6: This cannot be read: write straight quotation marks"),
        ('"a",', "a comma or a bracket with nothing beside it"),
        (",", "nothing beside it"),
        ("not()", "nothing beside it"),
        ("> ", "The expression is empty."),
        ("[1..3", "A range is written [1..3], not [1..3."),
        ("1..3", "stands alone"),
        ("[1..2..3]", "stands alone"),
        ("[..3]", "The expression is empty."),
        ('"a" "b', "never closed"),
        ("lambda: 1", "Functions cannot be made"),
        ("a ** 2", "'**' is not allowed"),
        ('"a", b.__class__', "Column 6: Names may not begin"),
        ("? = = 5", "cannot be read"),
        ("[3..1]", "Nothing lies in the range [3..1]: write the smaller end first."),
        ('not(]"a".."a"])', "Nothing lies in the range"),
        ("1/0", "divides by zero"),
        ('date("3/9/2021")', "is not a date or time"),
        ("# ghi chú", "only a comment"),
        ("x" * 5_000, "longer than 4,000"),
        ("(" * 5_000, "longer than 4,000"),
        ("(" * 3_000, "nested more than 40 deep"),
        ("[" * 3_000, "nested more than 40 deep"),
        ("]" * 3_000, "closes nothing"),
        ("[1.." * 900, ""),
        ("not(" * 30 + "1" + ")" * 30, None),
    ],
)
def test_a_cell_that_cannot_be_read_is_a_fault_when_the_file_is_parsed(cell, sentence):
    began = time.process_time()
    if sentence is None:
        assert decision([([cell], ["1"])]).decide({"x": 1}) == {"y": 1}
    else:
        with pytest.raises(DecisionFault) as raised:
            decision([([cell], ["1"])])
        assert sentence in raised.value.message
        assert len(raised.value.message) < 500
    assert time.process_time() - began < 10  # it ends; how fast is for the bench


@pytest.mark.parametrize(
    ("dmn", "sentence"),
    [
        (b"<a/>", "x.dmn is not a DMN 1.1-1.5 file"),
        (b"not xml", "not well-formed"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "DOCTYPE"),
        (file_of(), "x.dmn has no decision"),
        (file_of(table([(["1"], ["1"])]), table([(["1"], ["1"])])), "Two decisions have the id 'd'"),
        (file_of(table([(["1"], ["1"])]).replace('id="d" ', "")), "has no id"),
        (file_of(table([(["1"], ["1"])], policy="PRIORITY")), "PRIORITY needs an output that lists its values"),
        (file_of(table([(["1"], ["1"])], policy="LAST")), "hit policy LAST"),
        (file_of(table([(["1"], ["1"])], policy="COLLECT", more='aggregation="AVG"')), "hit policy COLLECT AVG"),
        (file_of(table([(["1"], ["1", "2"])], outputs="ab", policy="COLLECT", more='aggregation="SUM"')), "one output"),
        (file_of(table([(["1"], ["1", "2"])], outputs="aa")), "Two outputs have the same name"),
        (file_of(table([(["1"], ["1", "2"])], outputs=["a", ""])), "Output 2 has no name"),
        (file_of(table([(["1"], [])], outputs=[])), "The table has no output"),
        (file_of(table([(["1", "2"], ["1"])])), "Row 1 does not have one cell for each column"),
        (file_of(table([(["1"], ['"x"'])], values=RANKED)), 'Row 1 answers "x", which is not among'),
        (file_of(table([(["1"], ["1"])], inputs=[""])), "input 1: The expression is empty"),
        (file_of(table([(["1"], ["1"])], outer=requires("khac"))), "'Bảng' requires 'khac', which is not in this file"),
        (file_of(table([(["1"], ["1"])], outer=requires("d"))), "'Bảng' requires itself, through d → d"),
        (
            file_of(table([], outer=requires("e")), named("e", table([], outer=requires("d")))),
            "requires itself, through d → e → d",
        ),
        (file_of('<decision id="d" name="D"/>'), "'D' cannot decide anything (it is empty)"),
        (file_of('<decision id="d"><context/></decision>'), "('context' is not supported)"),
        (file_of('<decision id="d"><knowledgeRequirement/></decision>'), "business knowledge model"),
        (file_of(table([("-", "1")]), '<businessKnowledgeModel id="m" name="Phạt"/>'),
         "The business knowledge model 'Phạt' is not supported: make what it works out a decision"),
        (file_of(table([("-", "1")]), '<decisionService id="s"/>'), "The decision service 's' is not supported"),
        (file_of(table([(["1"], ["1"])]).replace("<inputEntry>", '<inputEntry expressionLanguage="javascript">')),
         "'javascript' is not supported"),  # fmt: skip
        (file_of(*(f'<decision id="d{n}"/>' for n in range(101))), "A file may have 100 decisions: split it."),
    ],
)
def test_a_file_that_cannot_decide_is_refused_with_a_sentence(dmn, sentence):
    with pytest.raises(DecisionFault) as raised:
        parse_decisions(dmn, "x.dmn")
    assert sentence in raised.value.message
    assert raised.value.line


def test_a_single_output_without_a_name_is_called_as_the_decision():
    assert decision([(["-"], ["1"])], outputs=[""]).decide({"x": 0}) == {"d": 1}


def test_a_large_table_finds_its_row():
    rows = [([f'"loai_{n % 12}"', f'"huyen_{n // 12}"'], [f'"co_quan_{n}"']) for n in range(1_200)]
    made = decision(rows, inputs=["loai", "huyen"])

    assert made.decide({"loai": "loai_11", "huyen": "huyen_99"}) == {"y": "co_quan_1199"}


# -- fuzz ------------------------------------------------------------------------------------------------------------

TIMES = int(os.environ.get("FUZZ_TIMES", 1))  # `./manage fuzz N`
PIECES = st.sampled_from(
    '"a" "b" \'c\' 1 2.5 -3 true null - ? x y [ ] ( ) { } .. . , < <= > >= = == != not not( date( date("2021-09-03") '
    "and or in + * / # “ contains(?, \"a\") [1..3] ]1..2[ (1..9] empty(?) ${x} __x \\ & | ~ ** lambda : for if ".split()
)


@settings(max_examples=500 * TIMES, deadline=None)
@given(st.one_of(st.lists(PIECES, max_size=12).map(" ".join), st.lists(PIECES, max_size=12).map("".join)),
       st.sampled_from(["a", "", 1, 2.5, True, None, [], ["a"], {"k": 1}]))  # fmt: skip
def test_any_cell_at_all_answers_or_is_a_fault(cell, value):
    try:
        made = decision([([cell], ["1"]), (["-"], [cell])], policy="FIRST")
        made.decide({"x": value, "y": 5})
    except DecisionFault as raised:
        assert len(raised.message) < 500
