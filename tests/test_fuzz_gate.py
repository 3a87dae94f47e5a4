"""Diagrams that nobody would draw: whatever becomes of a shipped one by chance, the gate answers soon, in its words.

A few of them in the suite; `./manage fuzz N` goes on for longer.
"""

from __future__ import annotations

import os
import sys
import tracemalloc
from random import Random
from time import process_time
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.files import folders
from engine.flow.check import check
from engine.flow.faults import Fault
from engine.flow.xml import XmlFault, parse_xml
from tests.sources import ROOT

SHIPPED = folders.read(ROOT / "bpmn/binh_duong/BDGN")
DIAGRAM = SHIPPED["process.bpmn"]
TIMES = int(os.environ.get("FUZZ_TIMES", 0))  # `./manage fuzz N`; else it is some seconds of the suite
DIAGRAMS, BYTES = 60 * TIMES or 12, 300 * TIMES or 100
SECONDS = 10.0  # of the processor
MEGABYTES = 100.0  # at the peak
HOSTILE = ("", "x" * 5_000, "${" * 200, "${[a for a in range(10**9)]}", "PT99999999999H", "R/PT0S", "__import__('os')",
           "-1", "Definitions_1", "ả\u202e", "../../etc/passwd", "{}", "0", "true")  # fmt: skip


def mutated(seed: int, times: int) -> str:
    """The shipped diagram after so many accidents."""
    chance, root = Random(seed), ElementTree.fromstring(DIAGRAM)
    for _ in range(times):
        parents = [one for one in root.iter() if len(one)]
        parent, other = chance.choice(parents), chance.choice(parents)
        child = chance.choice(list(parent))
        accident = chance.randrange(6)
        if accident == 0:
            parent.remove(child)
        elif accident == 1 and other not in child.iter():
            other.append(child)  # in two places
        elif accident == 2 and child.attrib:
            child.set(chance.choice(list(child.attrib)), chance.choice(HOSTILE))
        elif accident == 3 and child.attrib and other.attrib:
            child.set(chance.choice(list(child.attrib)), chance.choice(list(other.attrib.values())))
        elif accident == 4:
            child.tag = chance.choice(list(root.iter())).tag
        else:
            child.text = chance.choice(HOSTILE)
    return ElementTree.tostring(root, encoding="unicode")


def assert_answers(diagram: str) -> None:
    tracemalloc.start()  # what Python asks for; what the process holds falls, too, where a machine puts cold pages away
    try:
        began = process_time()
        faults = check(SHIPPED | {"process.bpmn": diagram})
        assert process_time() - began < SECONDS
        assert tracemalloc.get_traced_memory()[1] < MEGABYTES * 2**20
    finally:
        tracemalloc.stop()
    assert all(fault.code and str(fault) for fault in faults)


@settings(max_examples=DIAGRAMS, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_a_diagram_after_accidents_is_judged(seed: int, times: int) -> None:
    assert_answers(mutated(seed, times))


@settings(max_examples=DIAGRAMS, deadline=None)
@given(st.integers(0, len(DIAGRAM) - 1), st.integers(0, 400), st.text(max_size=12))
def test_a_diagram_with_a_piece_cut_out_or_put_in_is_judged(at: int, gone: int, put: str) -> None:
    assert_answers(DIAGRAM[:at] + put + DIAGRAM[at + gone :])


@settings(max_examples=BYTES, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_bytes_are_xml_or_a_fault_with_its_place(content: bytes) -> None:
    try:
        parse_xml(b"<?xml version='1.0'?>" + content if content[:1] != b"<" else content, "process.bpmn")
    except XmlFault as fault:
        assert str(fault)


@pytest.mark.parametrize("harm", ["memory", "time"])
def test_a_gate_that_takes_too_much_memory_or_time_is_found(harm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the two bounds are for: else a diagram that fills the machine passed."""

    def check(_: object) -> list[Fault]:
        bytearray(int(MEGABYTES * 2**21) if harm == "memory" else 0)
        return []

    gate = sys.modules[__name__]
    monkeypatch.setattr(gate, "check", check)
    monkeypatch.setattr(gate, "SECONDS", 0.0 if harm == "time" else 60.0)
    with pytest.raises(AssertionError):
        assert_answers(DIAGRAM)
