"""Diagrams that nobody would draw: whatever becomes of a shipped one by chance, the gate answers soon, in its words.

Behind the marker `whole`; `./manage fuzz N` goes on for longer.
"""

from __future__ import annotations

import os
from random import Random
from time import process_time
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.files import folders
from engine.flow.check import check
from engine.flow.xml import XmlFault, parse_xml
from tests.sources import ROOT

pytestmark = pytest.mark.whole

SHIPPED = folders.read(ROOT / "bpmn/binh_duong/BDGN")
DIAGRAM = SHIPPED["process.bpmn"]
TIMES = int(os.environ.get("FUZZ_TIMES", 1))
SECONDS = 10.0  # of the processor
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
    began = process_time()
    faults = check(SHIPPED | {"process.bpmn": diagram})
    assert process_time() - began < SECONDS
    assert all(fault.code and str(fault) for fault in faults)


@settings(max_examples=60 * TIMES, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_a_diagram_after_accidents_is_judged(seed: int, times: int) -> None:
    assert_answers(mutated(seed, times))


@settings(max_examples=60 * TIMES, deadline=None)
@given(st.integers(0, len(DIAGRAM) - 1), st.integers(0, 400), st.text(max_size=12))
def test_a_diagram_with_a_piece_cut_out_or_put_in_is_judged(at: int, gone: int, put: str) -> None:
    assert_answers(DIAGRAM[:at] + put + DIAGRAM[at + gone :])


@settings(max_examples=300 * TIMES, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_bytes_are_xml_or_a_fault_with_its_place(content: bytes) -> None:
    try:
        parse_xml(b"<?xml version='1.0'?>" + content if content[:1] != b"<" else content, "process.bpmn")
    except XmlFault as fault:
        assert str(fault)
