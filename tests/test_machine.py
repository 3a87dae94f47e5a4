"""The machine: a step and a state in, a new state and all that follows from it out."""

from __future__ import annotations

import json

import pytest

from engine.errors import InvalidPackage, ProcessFault, WrongState
from engine.flow import steps
from engine.flow.machine import Machine
from engine.flow.parser import parse
from engine.flow.steps import Abandon, Amend, Answer, CallOut, Complete, Deliver, Fire, OpenTask, Start
from engine.flow.tokens import STEPS_MAX, Moment
from tests.drawing import draw
from tests.drawn_tables import file_of, table
from tests.running import BEGIN, Running, machine

LINE = "start s ; user a ; user b ; end e ; s -> a -> b -> e"

# -- tasks -----------------------------------------------------------------------------------------------------------


def test_a_case_goes_from_its_start_over_its_tasks_to_its_end():
    case = Running(LINE).starts(number="1022.BD.20210903.00001")

    assert case.tasks == ["a"]
    assert case.does("a", x=1).tasks == ["b"]
    assert case.does("b", y=2).finished
    assert case.data == {"number": "1022.BD.20210903.00001", "x": 1, "y": 2}
    assert case.passed == ["s", "a", "b", "e"]


def test_an_open_task_says_whose_it_is_and_which_form_it_has():
    case = Running("""
        start s ; user a "Xác minh" group=tongdai_74 form=xac_minh ; user b group=${lead_agency} ; end e
        s -> a -> b -> e
        """).starts(lead_agency="ubnd_74_718")

    assert case.outcome.opened == [OpenTask(2, "a", "Xác minh", "tongdai_74", "xac_minh")]
    assert case.does("a").outcome.opened == [OpenTask(3, "b", "b", "ubnd_74_718", "b")]


def test_a_task_without_a_group_of_its_own_is_its_lanes():
    drawing = 'start s\nuser a group=-\nuser b group=-\nend e\ns -> a -> b -> e\nlane "Tổng đài": a\nlane "Xã": b'
    lanes = {"Tổng đài": "tongdai_74", "Xã": "${lead_agency}"}
    case = Running(Machine(parse({"p.bpmn": draw(drawing)}, "P", lanes))).starts(lead_agency="ubnd_74_718")

    assert case.outcome.opened[0].group == "tongdai_74"
    assert case.does("a").outcome.opened[0].group == "ubnd_74_718"


def test_the_group_is_worked_out_from_all_that_the_step_learned():
    case = Running("""
        start s ; and split ; user a group=${lead_agency} ; script route script='lead_agency = "ubnd"' ; end e ; end f
        s -> split
        split -> a -> e
        split -> route -> f
        """).starts()

    assert case.outcome.opened[0].group == "ubnd"


@pytest.mark.parametrize("group", [None, "", 7, ["a"]])
def test_a_group_that_is_no_agencys_key_is_the_analysts_fault(group):
    case = Running('start s ; user a "Xử lý" group=${lead_agency} ; end e ; s -> a -> e')

    with pytest.raises(ProcessFault, match="Xử lý.*group") as caught:
        case.starts(lead_agency=group)
    assert caught.value.element == "a"


def test_amending_the_data_moves_open_tasks_to_their_new_groups():
    case = Running(
        """
        start s ; and split ; user a group=${lead_agency} ; user b group=desk ; call q calls=Q ; end e
        s -> split
        split -> a -> e
        split -> b -> e
        split -> q -> e
        """,
        calls={"Q": "start sq ; user c group=${lead_agency} ; end eq ; sq -> c -> eq"},
    ).starts(lead_agency="ubnd_1")

    case.take(Amend({"lead_agency": "ubnd_2"}))
    assert {task.element: task.group for task in case.outcome.regrouped} == {"a": "ubnd_2", "c": "ubnd_2"}
    assert (case.outcome.opened, case.outcome.passed) == ([], [])
    assert case.take(Amend({"lead_agency": "ubnd_2", "ghi_chu": "x"})).outcome.regrouped == []


def test_abandoning_ends_everything_inside_too():
    case = Running(
        """
        start s ; and split ; call q calls=Q ; receive hear message=m ; service ask topic=t ; end e
        sub box {
        start s1 ; user a ; boundary late on=a timer=PT1H aside ; end e1
        s1 -> a -> e1
        late -> e1
        }
        s -> split
        split -> q -> e
        split -> hear -> e
        split -> box -> e
        split -> ask -> e
        """,
        calls={"Q": "start sq ; user c ; end eq ; sq -> c -> eq"},
    ).starts(status="moi")

    case.take(Abandon({"status": "trung", "outcome": "trung"}))

    assert case.finished
    assert (case.open, case.timers, case.awaited) == ({}, {}, {})
    assert case.data == {"status": "trung", "outcome": "trung"}
    assert case.outcome.passed == []


def test_status_and_outcome_are_set_when_an_element_is_entered():
    case = Running("""
        start s status=moi ; user a status=dang_xac_minh ; xor right status=xet ; user b status=${tiep} ; end e
        end f status=da_dong outcome=${ket_qua}
        s -> a -> right
        right -> b : tiep != null
        right -> e default
        b -> f
        """).starts(status="?", tiep="dang_xu_ly")

    assert case.data["status"] == "dang_xac_minh"
    assert case.does("a").data["status"] == "dang_xu_ly"
    case.does("b", ket_qua="da_giai_quyet")
    assert (case.data["status"], case.data["outcome"]) == ("da_dong", "da_giai_quyet")


# -- conditions ------------------------------------------------------------------------------------------------------

AREA = "'area == \"B\"'"


def test_a_condition_is_waited_for_and_another_branch_makes_it_true():
    case = Running(f"""
        start s ; and f ; user a ; catch c conditional={AREA} ; user b ; and j ; end e
        s -> f -> a -> j ; f -> c -> b -> j ; j -> e
        """).starts(area="A")

    assert case.tasks == ["a"]
    assert case.does("a", area="B").tasks == ["b"]
    assert case.does("b").finished


def test_a_condition_that_holds_already_is_passed():
    case = Running(f"start s ; catch c conditional={AREA} ; user a ; end e ; s -> c -> a -> e")

    assert case.starts(area="B").tasks == ["a"]


def test_a_condition_that_is_waited_for_holds_when_one_on_a_flow_would():
    case = Running("start s ; and x ; catch c conditional='${kin and ghi_chu}' ; user b ; user a ; end e ; s -> x"
                   " ; x -> c -> b -> e ; x -> a -> e").starts(kin=True, ghi_chu=None)

    assert case.tasks == ["a"]
    assert case.does("a", ghi_chu="có ghi").tasks == ["b"]


def test_a_condition_interrupts_what_it_hangs_on():
    case = Running(f"""
        start s ; user a ; user b ; boundary w on=a conditional={AREA} ; end e ; s -> a -> e ; w -> b -> e
        """).starts(area="A")

    case.take(Amend({"area": "B"}))
    assert case.tasks == ["b"]


def test_a_condition_beside_happens_each_time_it_comes_true():
    case = Running(f"""
        start s ; user a ; user b ; boundary w on=a conditional={AREA} aside ; end e ; s -> a -> e ; w -> b -> e
        """).starts(area="A")

    for area, tasks in (("B", 2), ("B", 2), ("A", 2), ("B", 3)):
        case.take(Amend({"area": area}))
        assert len(case.tasks) == tasks


def test_a_condition_begins_an_event_subprocess():
    case = Running(f"""
        start s ; user a ; end e ; s -> a -> e
        sub h handler {{ ; start hs conditional={AREA} ; user b ; end he ; hs -> b -> he ; }}
        """).starts(area="A")

    assert case.take(Amend({"area": "B"})).tasks == ["b"]
    assert case.does("b").finished


# -- services and texts ----------------------------------------------------------------------------------------------

ASK = """<camunda:inputOutput><camunda:inputParameter name="so">${number}</camunda:inputParameter>
<camunda:inputParameter name="kieu">nhanh</camunda:inputParameter></camunda:inputOutput>""".replace("\n", "")


def test_a_service_is_called_and_the_token_waits_for_its_answer():
    case = Running(f"start s ; service ask topic=tra_cuu extension='{ASK}' ; user a ; end e ; s -> ask -> a -> e")

    case.starts(number="N1")
    assert case.outcome.effects == [CallOut(2, "ask", "tra_cuu", {"so": "N1", "kieu": "nhanh"})]
    assert case.tasks == [] and not case.finished
    case.is_answered("ask", tim_thay=True)
    assert case.tasks == ["a"]
    assert case.data == {"number": "N1", "tim_thay": True}


def test_a_service_is_given_lists_and_maps():
    given = (
        '<camunda:inputOutput><camunda:inputParameter name="x"><camunda:map>'
        '<camunda:entry key="so">${number}</camunda:entry><camunda:entry key="khu"><camunda:list>'
        "<camunda:value>${area}</camunda:value><camunda:value>74</camunda:value><camunda:list/>"
        '<camunda:map><camunda:entry key="y"/></camunda:map></camunda:list></camunda:entry>'
        "</camunda:map></camunda:inputParameter></camunda:inputOutput>"
    )
    case = Running(f"start s ; service ask topic=t extension='{given}' ; end e ; s -> ask -> e")

    [asked] = case.starts(number="N1", area={"code": "718"}).outcome.effects
    assert asked.payload == {"x": {"so": "N1", "khu": [{"code": "718"}, "74", [], {"y": ""}]}}


def test_an_answer_may_go_into_one_variable():
    case = Running("start s ; service ask topic=tra_cuu result=kq ; end e ; s -> ask -> e").starts(x=1)

    assert case.is_answered("ask", x=2).data == {"x": 1, "kq": {"x": 2}}


def test_an_answer_comes_once():
    case = Running("start s ; service ask topic=t ; user a ; end e ; s -> ask -> a -> e").starts().is_answered("ask")

    with pytest.raises(WrongState):
        case.take(Answer(2, {}))


def test_somebody_is_told_and_the_process_goes_on_at_once():
    case = Running("""
        start s ; tell one text=T01 ; tell two text=T02 to=${lead_agency} ; tell three text=T03 to=beneficiary ; end e
        s -> one -> two -> three -> e
        """).starts(lead_agency="ubnd_74_718")

    assert case.finished
    told = [(notify.element, notify.text, notify.to) for notify in case.told]
    assert told == [("one", "T01", "reporter"), ("two", "T02", "ubnd_74_718"), ("three", "T03", "beneficiary")]


# -- scripts and tables ----------------------------------------------------------------------------------------------


def test_a_script_changes_the_data():
    case = Running("""start s ; script x script="gap = severity == 'khan'" ; end e ; s -> x -> e""")

    assert case.starts(severity="khan").data == {"severity": "khan", "gap": True}


def test_a_script_that_fails_names_its_element():
    case = Running("""start s ; script x "Tính hạn" script="y = so / 0" ; end e ; s -> x -> e""")

    with pytest.raises(ProcessFault, match="Tính hạn") as caught:
        case.starts(so=1)
    assert caught.value.element == "x"


ROWS = [(['"rac"'], ['"so_tnmt"']), (['"dien"'], ['"dien_luc"'])]
TABLE = file_of(table(ROWS, inputs=("loai",), outputs=("lead_agency",)))
RULE = "start s ; user a ; rule route decision=d {} ; user b ; end e ; s -> a -> route -> b -> e"


def test_a_table_decides_and_its_outputs_join_the_data():
    case = Running(RULE.format(""), files={"d.dmn": TABLE}).starts().does("a", loai="rac")

    assert case.data == {"loai": "rac", "lead_agency": "so_tnmt"}


def test_a_table_may_answer_into_one_variable_whole_or_bare():
    whole = Running(RULE.format("result=kq"), files={"d.dmn": TABLE}).starts().does("a", loai="rac")
    single = 'result=kq camunda:mapDecisionResult="singleEntry"'
    bare = Running(RULE.format(single), files={"d.dmn": TABLE}).starts().does("a", loai="rac")

    assert whole.data["kq"] == {"lead_agency": "so_tnmt"}
    assert bare.data["kq"] == "so_tnmt"


@pytest.mark.parametrize(("mapping", "of_one", "of_all"), [
    ("singleResult", {"y": 1}, None), ("resultList", [{"y": 1}], [{"y": 1}, {"y": 2}]), ("collectEntries", [1], [1, 2]),
])  # fmt: skip
def test_a_result_is_mapped_as_in_camunda(mapping, of_one, of_all):
    for policy, kept in (("FIRST", of_one), ("COLLECT", of_all)):
        made = file_of(table([(["-"], ["1"]), (["-"], ["2"])], policy=policy))
        case = Running(RULE.format(f"result=kq camunda:mapDecisionResult={mapping}"), files={"d.dmn": made}).starts()
        if kept is not None:
            assert case.does("a", x=0).data["kq"] == kept


def test_a_table_that_cannot_decide_names_its_element_and_loses_nothing():
    drawing = RULE.format("").replace("rule route", 'rule route "Định tuyến"')
    case = Running(drawing, files={"d.dmn": TABLE}).starts()

    with pytest.raises(ProcessFault, match="Định tuyến") as caught:
        case.does("a")
    assert caught.value.element == "route"
    assert case.does("a", loai="dien").data["lead_agency"] == "dien_luc"


def test_a_table_that_gives_a_list_needs_a_variable_for_it():
    collecting = file_of(table(ROWS, inputs=("loai",), outputs=("lead_agency",), policy="COLLECT"))

    assert Running(RULE.format("result=kq"), files={"d.dmn": collecting}).starts().does("a", loai="rac").data["kq"]
    with pytest.raises(ProcessFault, match="result variable"):
        Running(RULE.format(""), files={"d.dmn": collecting}).starts().does("a", loai="rac")


def test_a_branch_that_is_ended_does_nothing_more_in_the_same_step():
    case = Running("""
        start s ; and split ; script count script="n = 1" ; tell note ; end e ; end stop terminate
        s -> split
        split -> stop
        split -> count -> e
        split -> note -> e
        """).starts()

    assert case.finished
    assert (case.data, case.told, case.passed) == ({}, [], ["s", "split", "stop"])


# -- limits ----------------------------------------------------------------------------------------------------------


def test_a_diagram_that_runs_in_circles_is_stopped():
    case = Running("""
        start s ; xor again ; script count script="n = n + 1" ; xor enough ; end e
        s -> again -> count -> enough
        enough -> again : n < nhieu
        enough -> e default
        """)

    assert case.starts(n=0, nhieu=500).data["n"] == 500
    with pytest.raises(ProcessFault, match=f"{STEPS_MAX} automatic steps") as caught:
        Running(case.machine).starts(n=0, nhieu=STEPS_MAX)
    assert caught.value.element in {"again", "count", "enough"}


def test_a_process_that_calls_itself_for_ever_is_stopped():
    case = Running(
        "start s ; call q calls=Q ; end e ; s -> q -> e",
        calls={"Q": "start sq ; call again calls=Q ; end eq ; sq -> again -> eq"},
    )

    with pytest.raises(ProcessFault):
        case.starts()


def test_hundreds_of_tokens_at_once_are_no_trouble():
    doubled = [f"xor x{n} ; and g{n} ; x{n} -> g{n} ; g{n} -> x{n + 1} ; g{n} -> x{n + 1}" for n in range(8)]
    case = Running(f"start s ; {' ; '.join(doubled)} ; xor x8 ; user a ; end e ; s -> x0 ; x8 -> a -> e")

    assert case.starts().tasks == ["a"] * 256


# -- what does not fit -----------------------------------------------------------------------------------------------


def test_a_step_that_nothing_waits_for_is_refused():
    case = Running("""
        start s ; and split ; user a ; receive hear message=m ; catch wait timer=PT1H ; service ask topic=t ; end e
        sub box {
        start s1 ; user b ; end e1
        s1 -> b -> e1
        }
        s -> split
        split -> a -> e
        split -> hear -> e
        split -> wait -> e
        split -> ask -> e
        split -> box -> e
        """).starts()
    [hear], [wait], [ask] = case.awaited, case.timers, case.asked
    user, box = case.token_of("a"), case.token_of("b") - 2
    kinds = {Complete: {hear, wait, ask, box}, Fire: {hear, ask, user, box}, Answer: {hear, wait, user, box}}

    for kind, tokens in kinds.items():
        for token in tokens | {0, -1, 1, 10_000}:
            with pytest.raises(WrongState):
                case.take(kind(token) if kind is Fire else kind(token, {}))
    for token in {user, wait, ask, box, 0}:
        with pytest.raises(WrongState):
            case.take(Deliver("m", {}, token))


def test_a_task_is_completed_once():
    case = Running(LINE).starts()
    token = case.token_of("a")
    case.does("a")

    with pytest.raises(WrongState):
        case.take(Complete(token, {}))


def test_a_finished_case_takes_no_step_but_keeps_its_data():
    case = Running(LINE).starts().does("a").does("b")

    for step in (Complete(2, {}), Fire(2), Deliver("m", {}), Answer(2, {}), Start({})):
        with pytest.raises(WrongState):
            case.take(step)
    assert case.take(Amend({"ghi_chu": "x"})).data == {"ghi_chu": "x"}
    assert case.finished


def test_a_process_begins_once():
    case = Running(LINE).starts()

    with pytest.raises(WrongState, match="begun already"):
        case.starts()


@pytest.mark.parametrize("step", [Complete(2, {}), Fire(2), Deliver("m", {}), Answer(2, {}), Amend({"x": 1})])
def test_a_process_whose_first_step_failed_takes_no_other(step):
    with pytest.raises(WrongState, match="not begun"):
        machine(LINE).take(b"", step, Moment(BEGIN))


def test_a_process_whose_first_step_failed_can_be_abandoned():
    case = Running(LINE)
    case.state = b""

    assert case.take(Abandon({"outcome": "trung"})).finished
    assert case.data == {"outcome": "trung"}
    with pytest.raises(WrongState):
        case.starts()


@pytest.mark.parametrize(
    "drawing",
    [
        "start s ; task a ; end e ; s -> a -> e",
        "start s ; call q calls=Nobody ; end e ; s -> q -> e",
        "start s ; rule r decision=nobody ; end e ; s -> r -> e",
        "start s ; script x script='import os' ; end e ; s -> x -> e",
        "start s ; user a group=${(} ; end e ; s -> a -> e",
        "start s ; catch c xml='<bpmn:timerEventDefinition/>' ; end e ; s -> c -> e",
        "user a ; end e ; a -> e",
    ],
)
def test_a_package_that_nobody_has_checked_is_refused_as_a_whole(drawing):
    with pytest.raises(InvalidPackage) as caught:
        machine(drawing)
    assert caught.value.facts["faults"]


def test_a_file_that_is_no_table_or_no_diagram_is_refused():
    for files in ({"d.dmn": b"<x/>"}, {"d.dmn": b"?"}, {"q.bpmn": b"?"}):
        with pytest.raises(InvalidPackage):
            machine(LINE, files=files)


def test_an_answer_of_the_wrong_kind_is_a_fault_and_not_a_crash():
    case = Running("start s ; service ask topic=t ; end e ; s -> ask -> e").starts()

    with pytest.raises(ProcessFault, match="Answer"):
        case.take(Answer(2, ["không phải nhóm"]))
    assert case.is_answered("ask", x=1).finished


def test_an_element_is_called_what_is_written_on_it():
    made = machine('start s ; user a "Xác minh" ; user b ; end e ; s -> a -> b -> e')

    assert [made.describe(key) for key in ("a", "b", "gone")] == ["Xác minh", "b", "gone"]


# -- steps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [
        Start({"kind": "x", "loai": ["a", {"b": None}]}),
        Complete(3, {"kind": 1, "token": "ß"}),
        Fire(7),
        Deliver("m", {"x": 1.5}),
        Deliver("m", {}, 4),
        Answer(9, {"ok": True}),
        Amend({"lead_agency": "ubnd"}),
        Abandon({"status": "trung"}),
    ],
)
def test_every_step_survives_as_json(step):
    assert steps.from_json(json.loads(json.dumps(steps.to_json(step)))) == step


def test_a_step_changes_neither_what_it_is_given_nor_what_it_was_made_of():
    data, answers = {"x": [1]}, {"y": {"z": 1}}
    case = Running(LINE).starts(**data)
    before = bytes(case.state)

    case.machine.take(case.state, Complete(case.token_of("a"), answers), Moment(BEGIN))

    assert case.state == before
    assert (data, answers) == ({"x": [1]}, {"y": {"z": 1}})
