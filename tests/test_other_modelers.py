"""Diagrams as several modelers write them: run, or refused with sentences that name what to change."""

from __future__ import annotations

import re

import pytest

from engine.flow.check import check
from engine.work.worker import Worker
from tests import modelers
from tests.hotline import package


@pytest.fixture
def database_url(sqlite_url):
    """What a diagram means is the same on both databases."""
    return sqlite_url


def told(drawn: str) -> dict[str, set[tuple[str, str | None]]]:
    """Codes and elements, by severity; every fault has its line and a sentence."""
    found: dict[str, set[tuple[str, str | None]]] = {"error": set(), "warning": set()}
    for fault in check(package(process__bpmn=drawn, phan_cong__form=None)):
        assert fault.file == "process.bpmn" and fault.message.endswith("."), fault
        line = drawn.splitlines()[max(fault.line - 4, 0) : fault.line + 1]  # lxml: where the tag ends
        assert fault.element is None or f'"{fault.element}"' in " ".join(line), fault
        if fault.element and re.fullmatch("[a-z_]+", fault.element) and fault.severity == "error":
            assert fault.element in fault.message, fault
        found[fault.severity].add((fault.code, fault.element))
    return found


@pytest.mark.parametrize("drawn", [modelers.CAMUNDA_MODELER, modelers.SIGNAVIO], ids=["camunda", "signavio"])
def test_what_says_all_that_is_needed_is_deployed_and_run(hotline, drawn):
    assert told(drawn)["error"] == set()
    hotline.deploys(process__bpmn=drawn, phan_cong__form=None)

    number = hotline.receives()
    assert hotline.task("phuong", number)["name"] == "Xử lý"
    hotline.does("phuong", number, ket_qua="da_giai_quyet", noi_dung_ket_qua="Xong")
    Worker(hotline.runtime, {}).work()

    case = hotline.case(number)
    assert (case["status"], case["outcome"]) == ("da_giai_quyet", "da_giai_quyet")
    outbox = hotline.as_("vanphong").get("/outbox", case=number).json["items"]
    assert sorted(one["topic"] for one in outbox) == ["T01", "T06"]


@pytest.mark.parametrize(("drawn", "errors"), [
    (modelers.BPMN_IO, {("task-abstract", "da_nhan"), ("group-missing", "xu_ly")}),
    (modelers.FLOWABLE, {("group-missing", "xu_ly"), ("service-topic", "bao"), ("citizen-not-told", "dong"),
                         ("condition-ignored", "f2")}),
    (modelers.BONITA, {("lane-unknown", "xu_ly"), ("performer", "_7")}),
    (modelers.JBPM, {("group-missing", "xu_ly"), ("script-language", "dem"), ("citizen-not-told", "dong")}),
], ids=["bpmn.io", "flowable", "bonita", "jbpm"])  # fmt: skip
def test_what_does_not_is_refused_element_by_element(drawn, errors):
    assert told(drawn)["error"] == errors


def test_what_another_vendor_says_is_told_and_not_silently_lost():
    said = [fault.message for fault in check(package(process__bpmn=modelers.FLOWABLE, phan_cong__form=None))]
    assert ("Write what flowable:candidateGroups of the user task 'Xử lý' means with camunda: attributes: those of "
            "http://flowable.org/bpmn are ignored.") in said  # fmt: skip
    assert ("data-ignored", "xu_ly") in told(modelers.JBPM)["warning"]
    assert told(modelers.CAMUNDA_MODELER)["warning"] == {("async-ignored", "bat_dau")}
