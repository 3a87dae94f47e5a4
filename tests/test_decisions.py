"""Decision tables run as they are drawn, and are loud where they have gaps."""

from __future__ import annotations

import unicodedata

import pytest

from engine.flow.decisions import NAMESPACES, DecisionFault, parse_decisions
from tests.drawn_tables import RANKED, ROUTING, decision, file_of, named, requires, table


def fault(*args, data=None, **kwargs) -> DecisionFault:
    with pytest.raises(DecisionFault) as raised:
        decision(*args, **kwargs).decide(data or {})
    return raised.value


# -- a table as drawn ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loai", "huyen", "lead", "monitor"),
    [
        ("dien", "Bến Cát", "dien_luc_74", "so_ct_74"),
        ("ha_tang", "Dĩ An", "ubnd_74_dĩ_an", None),
        ("moi_truong", "Thuận An", "ubnd_74_thuận_an", None),
        ("moi_truong", "Bến Cát", "so_tnmt_74", None),
    ],
)
def test_a_table_drawn_in_dmn_js_routes_by_category_and_district(loai, huyen, lead, monitor):
    routing = parse_decisions(ROUTING.encode(), "dinh_tuyen.dmn")["dinh_tuyen"]

    answer = routing.decide({"loai": loai, "dia_diem": {"huyen": huyen}})

    assert answer == {"lead_agency": lead, "monitor_agency": monitor}


def test_a_report_that_fits_no_row_is_a_fault_that_names_the_inputs():
    routing = parse_decisions(ROUTING.encode(), "dinh_tuyen.dmn")["dinh_tuyen"]
    with pytest.raises(DecisionFault) as raised:
        routing.decide({"loai": "ha_tang", "dia_diem": {"huyen": None}})
    assert raised.value.message == (
        "Decision 'Định tuyến phản ánh': No row fits. "
        'The inputs were: loai = "ha_tang", dia_diem.huyen = null.'
    )
    assert (raised.value.element, raised.value.line) == ("dinh_tuyen", 6)


def test_a_table_knows_its_parts():
    routing = parse_decisions(ROUTING.encode(), "dinh_tuyen.dmn")["dinh_tuyen"]

    assert [(column.source, column.label, column.kind) for column in routing.inputs] == [
        ("loai", "Lĩnh vực", "string"),
        ("dia_diem.huyen", "Huyện", "string"),
    ]
    assert routing.inputs[0].allowed == ("ha_tang", "moi_truong", "dien")
    assert [column.name for column in routing.outputs] == ["lead_agency", "monitor_agency"]
    assert (routing.name, routing.hit_policy) == ("Định tuyến phản ánh", "FIRST")
    assert [(rule.number, rule.line, rule.note) for rule in routing.rules][:2] == [
        (1, 17, "Điện do Điện lực xử lý"),
        (2, 24, ""),
    ]
    assert routing.names == {"loai", "dia_diem"}
    assert routing.calls == {"lower", "replace"}


def test_it_can_be_asked_which_rows_fit():
    routing = parse_decisions(ROUTING.encode(), "dinh_tuyen.dmn")["dinh_tuyen"]
    rows = routing.matches({"loai": "moi_truong", "dia_diem": {"huyen": "Dĩ An"}})
    assert [rule.number for rule in rows] == [2, 3]


def test_text_fits_whatever_unicode_form_it_comes_in():
    routing = parse_decisions(unicodedata.normalize("NFD", ROUTING).encode(), "dinh_tuyen.dmn")["dinh_tuyen"]
    answer = routing.decide({"loai": "moi_truong", "dia_diem": {"huyen": unicodedata.normalize("NFD", "Thuận An")}})
    assert answer["monitor_agency"] is None
    assert "ubnd_74" in answer["lead_agency"]


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_every_version_of_dmn_is_read(namespace):
    dmn = file_of(table([(['"a"'], ["1"])]), namespace=namespace)
    assert parse_decisions(dmn, "x.dmn")["d"].decide({"x": "a"}) == {"y": 1}


# -- hit policies ----------------------------------------------------------------------------------------------------

ROWS = [(["> 0"], ['"thap"', "1"]), (["> 10"], ['"cao"', "5"]), (["> 10"], ['"vua"', "3"]), (["> 100"], ['"cao"', "5"])]


def by_policy(policy, x, more="", rows=ROWS, **kwargs):
    outputs = ["muc", "diem"][: len(rows[0][1])]
    return decision(rows, policy=policy, outputs=outputs, more=more, **kwargs).decide({"x": x})


def test_unique_answers_the_one_row_that_fits():
    assert by_policy("UNIQUE", 5) == {"muc": "thap", "diem": 1}


def test_unique_is_the_policy_when_none_is_drawn():
    dmn = file_of(table(ROWS, outputs=["a", "b"]).replace('hitPolicy="UNIQUE"', ""))
    with pytest.raises(DecisionFault, match="Rows 1, 2 and 3 fit"):
        parse_decisions(dmn, "x.dmn")["d"].decide({"x": 50})


def test_unique_refuses_two_rows_and_names_them():
    with pytest.raises(DecisionFault) as raised:
        by_policy("UNIQUE", 50)
    assert raised.value.message == (
        "Decision 'Bảng': Rows 1, 2 and 3 fit, and the table's hit policy promises that only one does. "
        "The inputs were: x = 50."
    )


def test_first_answers_the_topmost_row():
    assert by_policy("FIRST", 50) == {"muc": "thap", "diem": 1}


def test_first_does_not_look_at_rows_below():
    assert by_policy("FIRST", 5, rows=[(["> 0"], ["1"]), (["khong_co"], ["2"])]) == {"muc": 1}


def test_any_answers_when_all_rows_agree_and_refuses_when_not():
    agreeing = [(["> 0"], ['"a"']), (["> 10"], ['"a"']), (["> 100"], ['"b"'])]
    assert by_policy("ANY", 50, rows=agreeing) == {"muc": "a"}
    with pytest.raises(DecisionFault, match="Rows 1 and 3 fit and do not agree"):
        by_policy("ANY", 500, rows=agreeing)


def test_one_moment_in_two_spellings_is_one_answer():
    here, there = '"2021-09-02T14:00:00+07:00"', '"2021-09-02T07:00:00Z"'
    agreeing = [(["-"], [here]), (["-"], [there])]
    assert by_policy("ANY", 50, rows=agreeing) == {"muc": here.strip('"')}
    ranked = RANKED.replace('"cao","vua","thap"', '"2021-09-02T08:00:00Z", "2021-09-02T07:00:00Z"')
    assert by_policy("PRIORITY", 50, rows=agreeing[:1], values=ranked) == {"muc": here.strip('"')}


def test_priority_answers_the_row_whose_output_is_listed_first():
    rows = [(asked, answered[:1]) for asked, answered in ROWS]
    assert by_policy("PRIORITY", 50, rows=rows, values=RANKED) == {"muc": "cao"}
    assert by_policy("PRIORITY", 5, rows=rows, values=RANKED) == {"muc": "thap"}


def test_output_order_answers_all_rows_the_most_important_first():
    rows = [(asked, answered[:1]) for asked, answered in ROWS]
    answers = by_policy("OUTPUT ORDER", 50, rows=rows, values=RANKED)
    assert [answer["muc"] for answer in answers] == ["cao", "vua", "thap"]


def test_an_output_outside_its_list_has_no_priority():
    raised = fault([(["-"], ["x"])], policy="PRIORITY", values=RANKED, data={"x": "khac"})
    assert "\"khac\" is not among the values of the output 'y'." in raised.message


@pytest.mark.parametrize("policy", ["RULE ORDER", "COLLECT"])
def test_rule_order_and_collect_answer_all_rows_in_the_order_drawn(policy):
    assert [answer["muc"] for answer in by_policy(policy, 500)] == ["thap", "cao", "vua", "cao"]
    assert by_policy(policy, -1) == []


@pytest.mark.parametrize(("aggregation", "value"), [("SUM", 9), ("MIN", 1), ("MAX", 5), ("COUNT", 3)])
def test_collect_can_aggregate(aggregation, value):
    rows = [(asked, answered[1:]) for asked, answered in ROWS]
    assert by_policy("COLLECT", 50, f'aggregation="{aggregation}"', rows) == {"muc": value}


def test_collecting_nothing_counts_to_zero_but_has_no_smallest():
    rows = [(asked, answered[1:]) for asked, answered in ROWS]
    assert by_policy("COLLECT", -1, 'aggregation="COUNT"', rows) == {"muc": 0}
    assert by_policy("COLLECT", -1, 'aggregation="SUM"', rows) == {"muc": 0}
    with pytest.raises(DecisionFault, match="No row fits"):
        by_policy("COLLECT", -1, 'aggregation="MIN"', rows)


@pytest.mark.parametrize("policy", ["UNIQUE", "FIRST", "ANY"])
def test_no_row_is_a_fault_unless_the_table_has_a_default(policy):
    with pytest.raises(DecisionFault, match="No row fits"):
        by_policy(policy, -1)
    default = '<defaultOutputEntry><text>"khong"</text></defaultOutputEntry>'
    rows = [(asked, answered[:1]) for asked, answered in ROWS[:1]]
    assert by_policy(policy, -1, rows=rows, values=default) == {"muc": "khong"}
    assert by_policy(policy, 1, rows=rows, values=default) == {"muc": "thap"}


# -- decisions that require others -----------------------------------------------------------------------------------


SEVERITY = named("muc_do", table([(["> 10"], ['"khan"']), (["<= 10"], ['"thuong"'])], outputs=["muc"]), "Mức độ")


@pytest.mark.parametrize("asked", ["muc_do", "muc"])
def test_a_required_decision_is_asked_first_and_known_by_its_id_or_output(asked):
    drawn = table([(['"khan"'], ['"PT1H"']), (["-"], ['"PT5H"'])], inputs=[asked], policy="FIRST",
                  outer=requires("muc_do"))  # fmt: skip
    made = parse_decisions(file_of(drawn, SEVERITY), "x.dmn")["d"]

    assert made.decide({"x": 11}) == {"y": "PT1H"}
    assert made.decide({"x": 1, "muc": "khan", "muc_do": "khan"}) == {"y": "PT5H"}
    assert made.names == {"x"}


def test_a_required_decision_is_known_by_its_variable():
    severity = SEVERITY.replace("<decisionTable", '<variable name="gap"/><decisionTable')
    drawn = table([(['"khan"'], ["gap"])], inputs=["gap"], outer=requires("muc_do"))
    assert parse_decisions(file_of(severity, drawn), "x.dmn")["d"].decide({"x": 11}) == {"y": "khan"}


def test_what_several_outputs_answer_is_read_field_by_field():
    both = named("hai", table([(["-"], ["1", '"b"'])], outputs=["so", "chu"]))
    drawn = table([(["1"], ['hai.chu + chu'])], inputs=["hai.so"], outer=requires("hai"))
    assert parse_decisions(file_of(both, drawn), "x.dmn")["d"].decide({"x": 0}) == {"y": "bb"}


def test_what_a_collecting_decision_answers_is_a_list():
    many = named("nhieu", table(ROWS, outputs=["muc", "diem"], policy="COLLECT"))
    drawn = table([(["> 1"], ["join(muc, '+')"])], inputs=["len(nhieu)"], outer=requires("nhieu"))
    assert parse_decisions(file_of(many, drawn), "x.dmn")["d"].decide({"x": 50}) == {"y": "thap+cao+vua"}


def test_a_literal_expression_is_a_decision_too():
    literal = '<decision id="ten" name="Tên"><literalExpression><text>"Sở " + x</text></literalExpression></decision>'
    drawn = table([(["-"], ["upper(ten)"])], outer=requires("ten"))
    made = parse_decisions(file_of(literal, drawn), "x.dmn")
    assert made["ten"].decide({"x": "y tế"}) == {"ten": "Sở y tế"}
    assert made["d"].decide({"x": "y tế"}) == {"y": "SỞ Y TẾ"}


def test_a_decision_required_twice_is_asked_once():
    asked = []
    base = named("goc", table([(["-"], ["hoi()"])], outputs=["g"]))
    left = named("trai", table([(["-"], ["goc"])], outputs=["t"], outer=requires("goc")))
    top = table([(["-"], ["trai + goc"])], outer=requires("trai", "goc"))
    made = parse_decisions(file_of(top, left, base), "x.dmn")["d"]

    assert made.decide({"x": 0}, {"hoi": lambda: asked.append(1) or 7}) == {"y": 14}
    assert asked == [1]
    assert made.calls == {"hoi"}


def test_the_fault_of_a_required_decision_names_that_decision():
    drawn = table([(["-"], ["1"])], outer=requires("muc_do"))
    gap = SEVERITY.replace("&lt;= 10", "[0..10]")
    with pytest.raises(DecisionFault, match=r"Decision 'Mức độ': No row fits. The inputs were: x = -1."):
        parse_decisions(file_of(drawn, gap), "x.dmn")["d"].decide({"x": -1})


# -- gaps and overlaps -----------------------------------------------------------------------------------------------


def test_gaps_are_the_combinations_without_a_row():
    routing = parse_decisions(ROUTING.encode(), "dinh_tuyen.dmn")["dinh_tuyen"]
    districts = ["Dĩ An", "Bến Cát"]

    assert routing.gaps({"dia_diem.huyen": districts}) == [{"loai": "ha_tang", "dia_diem.huyen": "Bến Cát"}]
    assert routing.gaps({"Huyện": districts, "in_loai": ["dien"]}) == []


def test_overlaps_are_the_combinations_with_several_rows():
    routing = parse_decisions(ROUTING.encode(), "dinh_tuyen.dmn")["dinh_tuyen"]
    assert routing.overlaps({"dia_diem.huyen": ["Dĩ An", "Bến Cát"]}) == [
        ({"loai": "moi_truong", "dia_diem.huyen": "Dĩ An"}, [2, 3]),
        ({"loai": "dien", "dia_diem.huyen": "Dĩ An"}, [1, 3]),
        ({"loai": "dien", "dia_diem.huyen": "Bến Cát"}, [1, 3]),
    ]


def test_two_columns_asking_the_same_thing_are_one_question():
    made = decision([(["> 1", "< 5"], ["1"])], inputs=["x", "x"])
    assert made.gaps({"x": [1, 2, 5]}) == [{"x": 1}, {"x": 5}]


def test_booleans_and_columns_nobody_asks_need_no_domain():
    made = decision([(["true", "-"], ["1"])], inputs=["x", "z"], types=["boolean"])
    assert made.gaps({}) == [{"x": False, "z": None}]


def test_cells_may_read_other_data_when_looking_for_gaps():
    assert decision([(["< limit"], ["1"])]).gaps({"x": [1, 9]}, {"limit": 5}) == [{"x": 9}]


@pytest.mark.parametrize(
    ("domains", "sentence"),
    [
        ({}, "Say which values 'x' can have"),
        ({"x": [1], "huyen": [1]}, "no input 'huyen'"),
        ({"x": list(range(200_001))}, "more than 200,000 combinations"),
    ],
)
def test_what_cannot_be_enumerated_is_refused(domains, sentence):
    with pytest.raises(ValueError, match=sentence):
        decision([(["1"], ["1"])]).gaps(domains)
