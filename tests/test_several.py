"""Activities with three bars or an arrow: how often, with what each instance knows, and what becomes of it."""

from __future__ import annotations

import pytest

from engine.errors import ProcessFault, WrongState
from engine.flow import codec
from engine.flow.machine import Machine
from engine.flow.parser import parse
from engine.flow.steps import Amend, Answer, Complete, Deliver, Reassign
from tests.drawing import draw
from tests.running import Running

AGENCIES = ["so_y_te", "cong_an", "ubnd"]
EACH = "multi=cac_don_vi item=don_vi"


def ask(task: str = f"user f group=${{don_vi}} {EACH} results=ket_qua", more: str = "") -> str:
    return f"start s ; {task} ; user z ; end e ; s -> f -> z -> e{more}"


def asked(task: str = f"user f group=${{don_vi}} {EACH} results=ket_qua", more: str = "", of=AGENCIES) -> Running:
    return Running(ask(task, more)).starts(cac_don_vi=list(of))


def does(case: Running, group: str, **answers) -> Running:
    token = next(token for token, task in case.open.items() if task.group == group)
    return case.take(Complete(token, answers))


# -- for each item of a list -----------------------------------------------------------------------------------------


def test_each_item_of_a_list_has_a_task_of_its_own():
    case = asked()

    assert case.tasks == ["f", "f", "f"]
    assert [task.group for task in case.open.values()] == AGENCIES


def test_no_instance_overwrites_what_another_said():
    case = does(does(does(asked(), "ubnd", y_kien="ba"), "so_y_te", y_kien="một"), "cong_an", y_kien="hai")

    assert case.tasks == ["z"]
    assert "y_kien" not in case.data and "don_vi" not in case.data
    assert [(one["don_vi"], one["y_kien"], one["loopCounter"]) for one in case.data["ket_qua"]] == [
        ("so_y_te", "một", 0), ("cong_an", "hai", 1), ("ubnd", "ba", 2),
    ]  # fmt: skip


def test_what_came_in_so_far_can_be_seen_while_others_are_at_work():
    assert [one["don_vi"] for one in does(asked(), "cong_an").data["ket_qua"]] == ["cong_an"]


@pytest.mark.parametrize("how", ["", " in_turn"])
@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_as_many_as_there_are(count: int, how: str):
    case = asked(f"user f {EACH}{how}", of=range(count))
    for n in range(count):
        assert len(case.tasks) == (1 if how else count - n)
        case.does("f", n=n)

    assert case.tasks == ["z"]
    assert [(one["don_vi"], one["n"]) for one in case.data["f"]] == [(n, n) for n in range(count)]
    assert case.passed == ["s", "f"], "history has one line for the whole"
    assert case.does("z").finished


def test_fifty_agencies_are_waited_for_in_a_small_state():
    assert len(asked(of=[f"don_vi_{n}" for n in range(50)]).state or b"") < 8_000


def test_a_list_that_has_become_another_meanwhile_changes_nothing():
    case = asked(f"user f {EACH} in_turn")
    case.take(Amend({"cac_don_vi": []}))

    assert case.does("f").does("f").does("f").tasks == ["z"]


@pytest.mark.parametrize(
    ("task", "data", "sentence"),
    [
        ("user f multi=x item=n", {"x": 3}, "not as a list"),
        ("user f multi=x item=n", {}, "'x' is not defined"),
        ("user f multi=x item=n", {"x": list(range(101))}, "101 instances, and 100 is the most"),
        ("user f times=${x}", {"x": 10**9}, "1000000000 instances"),
        ("user f times=${x}", {"x": -1}, "came out as -1"),
        ("user f times=${x}", {"x": True}, "came out as True"),
    ],
)
def test_what_cannot_be_counted_is_a_fault_of_the_diagram(task: str, data: dict, sentence: str):
    with pytest.raises(ProcessFault, match=sentence):
        Running(ask(task)).starts(**data)


def test_a_number_says_how_many_there_are():
    case = Running(ask("user f times=${so}")).starts(so=2)
    assert case.does("f", x=1).does("f", x=2).data["f"] == [{"loopCounter": 0, "x": 1}, {"loopCounter": 1, "x": 2}]


def test_the_standards_own_way_to_write_it_is_read_too():
    marker = (
        "<bpmn:multiInstanceLoopCharacteristics><bpmn:loopDataInputRef>cac_don_vi</bpmn:loopDataInputRef>"
        "<bpmn:loopDataOutputRef>tra_loi</bpmn:loopDataOutputRef><bpmn:inputDataItem name=\"don_vi\"/>"
        "<bpmn:outputDataItem name=\"y_kien\"/></bpmn:multiInstanceLoopCharacteristics>"
    )
    case = asked(f"user f group=${{don_vi}} xml='{marker}'")
    assert does(does(does(case, "cong_an", y_kien=2), "so_y_te", y_kien=1), "ubnd").data["tra_loi"] == [1, 2, None]


def test_enough_is_enough():
    case = asked(f"user f group=${{don_vi}} {EACH} until='${{nrOfCompletedInstances >= 2}}'")
    does(does(case, "ubnd"), "cong_an")

    assert case.tasks == ["z"]
    assert [one["don_vi"] for one in case.data["f"]] == ["cong_an", "ubnd"]


def test_what_the_last_one_said_can_be_enough():
    case = asked(f"user f {EACH} in_turn until='${{y_kien == \"dong_y\" and nrOfActiveInstances == 0}}'")
    assert case.does("f", y_kien="khong").tasks == ["f"]
    assert case.does("f", y_kien="dong_y").tasks == ["z"]


def test_the_cases_own_fields_hold_everywhere_at_once():
    case = does(asked(), "cong_an", severity="khan", ghi_chu="x")
    assert case.data["severity"] == "khan" and "ghi_chu" not in case.data


# -- what may be done several times ----------------------------------------------------------------------------------

BOX = f"sub f {EACH} {{{{ ; start s1 ; {{0}} ; end e1 ; s1 -> {{1}} -> e1 ; }}}}"


def test_what_happens_inside_a_subprocess_stays_in_its_instance():
    case = asked(BOX.format("user hoi group=${don_vi} ; script ghi script='n = loopCounter * 10 + diem'", "hoi -> ghi"))
    does(does(does(case, "cong_an", diem=2), "ubnd", diem=3), "so_y_te", diem=1)

    assert [one["n"] for one in case.data["f"]] == [1, 12, 23]
    assert case.tasks == ["z"] and "n" not in case.data


def test_several_within_several():
    inner = "user hoi group=${don_vi} multi=[1,2] item=lan"
    case = asked(BOX.format(inner, "hoi"), of=["a", "b"])
    assert len(case.tasks) == 4
    for n in range(4):
        case.does("hoi", n=n)
    found = [[(two["lan"], two["n"]) for two in one["hoi"]] for one in case.data["f"]]
    assert found == [[(1, 0), (2, 1)], [(1, 2), (2, 3)]]
    assert case.does("z").finished


def test_a_called_process_knows_its_item_and_brings_back_what_it_learned():
    called = {"Q": "start sq ; user hoi group=${don_vi} ; sub b { ; start sb ; user nua ; end eb ; sb -> nua -> eb ; }"
                   " ; end eq ; sq -> hoi -> b -> eq"}  # fmt: skip
    case = Running(ask(f"call f calls=Q {EACH}"), calls=called).starts(cac_don_vi=["a", "b"])
    does(does(case, "b", x=2), "a", x=1).does("nua", y=2).does("nua", y=1)

    assert [(one["don_vi"], one["x"], one["y"]) for one in case.data["f"]] == [("a", 1, 1), ("b", 2, 2)]


def test_services_are_asked_once_for_each():
    case = Running(ask(f"service f topic=geo {EACH} result=o")).starts(cac_don_vi=["a", "b"])
    first, second = sorted(case.asked)
    case.take(Answer(second, {"x": 2})).take(Answer(first, {"x": 1}))

    assert [one["o"] for one in case.data["f"]] == [{"x": 1}, {"x": 2}]


def test_scripts_tables_and_notices_are_done_for_each_at_once():
    case = asked(f"script f script='n = don_vi' {EACH}")
    assert case.tasks == ["z"] and [one["n"] for one in case.data["f"]] == AGENCIES
    case = asked(f"tell f to=${{don_vi}} {EACH}")
    assert [letter.to for letter in case.told] == AGENCIES and case.told[1].data["don_vi"] == "cong_an"


def test_the_form_of_a_task_sees_its_own_item_first():
    case = asked(BOX.format("user hoi group=${don_vi}", "hoi"))
    seen = codec.data_at(case.state or b"", case.token_of("hoi") + 1)
    tokens = {task.group: codec.data_at(case.state or b"", token)["don_vi"] for token, task in case.open.items()}

    assert tokens == {one: one for one in AGENCIES}
    assert seen["cac_don_vi"] == AGENCIES


# -- boundary events are on the whole --------------------------------------------------------------------------------


def test_an_interruption_ends_what_is_still_open_and_keeps_what_was_said():
    case = asked(more=" ; boundary b on=f timer=PT2H ; user late ; b -> late -> z")
    does(case, "cong_an", y_kien="có").waits("PT2H")

    assert case.tasks == ["late"] and case.clocks == []
    assert [one["don_vi"] for one in case.data["ket_qua"]] == ["cong_an"]


def test_a_reminder_beside_leaves_them_at_work_and_ends_with_the_last():
    case = asked(more=" ; boundary b on=f cycle=R3/PT1H aside ; tell t ; end e2 ; b -> t -> e2")
    case.waits("PT2H")
    assert len(case.told) == 2 and case.tasks == ["f"] * 3
    does(does(does(case, "ubnd"), "cong_an"), "so_y_te")
    assert case.clocks == [] and case.tasks == ["z"]


def test_an_error_in_one_instance_ends_the_whole():
    case = asked(
        BOX.format("user hoi group=${don_vi} ; xor x ; end bad error=E", 'hoi -> x').replace(
            "x -> e1", 'x -> e1 default ; x -> bad : y == "bad"'
        ),
        more=" ; boundary b on=f error=E ; user sorry ; b -> sorry -> z",
    )
    does(case, "ubnd", y="bad")
    assert case.tasks == ["sorry"]


def test_one_instance_can_be_returned_without_the_others():
    case = asked(
        BOX.format("user hoi group=${don_vi} ; boundary b on=hoi message=msg_tra_lai ; end tra", "hoi") .replace(
            "s1 ->", "b -> tra ; s1 ->"
        )
    )
    token = next(token for token, task in case.open.items() if task.group == "cong_an")
    case.take(Deliver("msg_tra_lai", {"ly_do": "không thuộc thẩm quyền"}, within=token, part=True))

    assert [task.group for task in case.open.values()] == ["so_y_te", "ubnd"]
    assert case.data["f"] == [{"loopCounter": 1, "don_vi": "cong_an", "ly_do": "không thuộc thẩm quyền"}]


def test_an_instance_cannot_return_the_whole():
    case = asked(more=" ; boundary b on=f message=msg_tra_lai ; b -> z")
    with pytest.raises(WrongState):
        case.take(Deliver("msg_tra_lai", {}, within=case.token_of("f"), part=True))
    assert case.take(Deliver("msg_tra_lai", {}, within=case.token_of("f"))).tasks == ["z"]


def test_one_instance_can_be_given_to_another_agency():
    case = asked()
    case.take(Reassign(case.token_of("f"), "so_gtvt"))
    assert [task.group for task in case.open.values()] == ["so_gtvt", "cong_an", "ubnd"]
    case.take(Amend({"lead_agency": "x"}))
    assert [task.group for task in case.open.values()] == ["so_gtvt", "cong_an", "ubnd"]


def test_each_can_be_due_by_a_promise_of_its_own():
    case = asked(f"user f {EACH} term=${{don_vi.han}}", of=[{"han": "nhanh"}, {"han": "cham"}])
    assert [task.term for task in case.outcome.opened] == ["nhanh", "cham"]


# -- again and again -------------------------------------------------------------------------------------------------


def rounds(task: str, **data) -> Running:
    return Running(ask(task)).starts(**data)


def test_a_loop_goes_on_as_long_as_its_condition_holds():
    case = rounds("user f again='${thieu == \"co\"}'")
    assert case.does("f", thieu="co").does("f", thieu="co").tasks == ["f"]
    assert case.does("f", thieu="khong").tasks == ["z"]
    assert case.passed == ["s", "f"] and case.data["thieu"] == "khong"


def test_a_loop_has_a_last_round():
    case = rounds("user f again=true rounds=3")
    assert case.does("f").does("f").tasks == ["f"]
    assert case.does("f").tasks == ["z"]


def test_a_loop_may_be_nothing_at_all():
    assert rounds("user f again=x asks_first", x=False).tasks == ["z"]
    assert rounds("user f again=x asks_first", x=True).tasks == ["f"]
    assert rounds("user f rounds=0").tasks == ["z"]
    assert rounds("user f again=x", x=False).tasks == ["f"]


def test_a_loop_counts_its_rounds():
    case = rounds("script f script='n = n + 1' again='loopCounter < 5' rounds=50", n=0)
    assert case.data["n"] == 5 and case.tasks == ["z"]


def test_a_loop_that_never_rests_is_stopped():
    with pytest.raises(ProcessFault, match="runs in circles"):
        rounds("script f script='n = 1' again=true")


def test_a_loop_is_interrupted_as_a_whole():
    case = Running(ask("user f again=true", " ; boundary b on=f timer=PT1H ; b -> z")).starts()
    assert case.does("f").waits("PT1H").tasks == ["z"]


def test_the_lane_of_the_whole_is_that_of_each():
    drawing = 'start s\nuser f group=- times=2\nend e\ns -> f -> e\nlane "Xã": f'
    case = Running(Machine(parse({"p.bpmn": draw(drawing)}, "P", {"Xã": "${lead_agency}"}))).starts(lead_agency="ubnd")
    assert [task.group for task in case.open.values()] == ["ubnd", "ubnd"]
