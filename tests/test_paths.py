"""What of a package its scenarios never take: compared by hand with one shipped type and one story of it."""

from __future__ import annotations

from click.testing import CliRunner

from engine.errors import EngineError
from engine.flow import paths
from engine.flow.machine import Machine
from engine.flow.parser import parse
from engine.flow.steps import Complete, Fire, Start
from engine.flow.tokens import Moment
from tests.clock import MORNING
from tests.drawing import draw
from tests.sources import ROOT
from webapi.cli import main

LIFE = """
start s
and tach
user a group=desk
user b group=desk
boundary nhac on=b timer=PT1H aside
script ghi script="n = 1"
end e_nhac
and gop
race cho
catch tin message=m
catch het timer=P1D
xor re
end e
s -> tach -> a -> gop
tach -> b -> gop -> cho
nhac -> ghi -> e_nhac
cho -> tin -> re
cho -> het -> re
re -> e : x == 1
re -> a default
"""
FILES = {"process.bpmn": draw(LIFE, "P"), "type.toml": 'code = "P"\nprocess = "P"\n'}


def played(*steps, files=FILES, process="P"):
    machine = Machine(parse(files, "P", {"desk": "desk"}))
    with paths.watching(process) as taken:
        state = machine.take(None, Start({"x": 1}), Moment(MORNING)).state
        for step in steps:
            state = machine.take(state, step, Moment(MORNING)).state
    return paths.cover(files, taken)


def token(element, *steps):
    """The number of the token that stands at an element after these steps."""
    machine = Machine(parse(FILES, "P", {"desk": "desk"}))
    outcome = machine.take(None, Start({"x": 1}), Moment(MORNING))
    came = dict(map(reversed, outcome.came))
    for step in steps:
        outcome = machine.take(outcome.state, step, Moment(MORNING))
        came |= dict(map(reversed, outcome.came))
    return came[element]


def test_flows_and_elements_are_taken_one_by_one():
    begun = played()
    assert (begun.count("element"), begun.count("flow")) == (2, 3)  # s and the split; both branches have begun
    a = Complete(token("a"), {})
    b = Complete(token("b", a), {})
    het = Fire(token("het", a, b))
    through = played(a, b, het)
    assert {one.id for one in through.untaken if one.kind == "element"} == {"nhac", "ghi", "e_nhac", "tin"}
    assert through.elements - through.count("element") == 4
    flows = [one.label for one in through.untaken if one.kind == "flow"]
    assert len(flows) == 5 == through.flows - through.count("flow"), flows  # 2 of the reminder, 2 of tin, re -> a
    assert all(one.file == "process.bpmn" and one.line > 1 for one in through.untaken)


def test_other_processes_and_what_comes_later_are_not_noted():
    assert played(process="another").count("element") == 0
    follow = paths.Token.follow
    try:
        with paths.watching("P"):
            raise EngineError("a story that breaks off")
    except EngineError:
        pass
    assert paths.Token.follow is follow


def test_one_story_of_a_shipped_type_takes_what_it_takes():
    """Counted by hand in bpmn/binh_duong/BDGN: a call back that answers at once."""
    folder = ROOT / "bpmn" / "binh_duong" / "BDGN"
    done = CliRunner().invoke(main, ["try", str(folder), "--only", "giai_dap_ngay", "--coverage"])
    assert done.exit_code == 0, done.output
    assert "taken: 9 of 19 elements, 8 of 20 flows" in done.output
    never = {line.split()[3].rstrip(":") for line in done.output.splitlines() if line.startswith("  never")}
    assert never == {
        "bao_trung", "het_trung", "bao_goi_nham", "het_goi_nham", "da_goi_ba_lan", "bao_khong_gap", "het_khong_gap",
        "cho_goi_lan_nua", "bao_hen", "den_gio_hen", "Flow_co_hen_bao_hen", "Flow_bao_hen_den_gio_hen",
        "Flow_den_gio_hen_goi_lai",
        "Flow_ket_qua_goi_gi_bao_trung", "Flow_bao_trung_het_trung",
        "Flow_ket_qua_goi_gi_bao_goi_nham", "Flow_bao_goi_nham_het_goi_nham",
        "Flow_ket_qua_goi_gi_da_goi_ba_lan", "Flow_da_goi_ba_lan_bao_khong_gap", "Flow_bao_khong_gap_het_khong_gap",
        "Flow_da_goi_ba_lan_cho_goi_lan_nua", "Flow_cho_goi_lan_nua_goi_lai",
    }  # fmt: skip
