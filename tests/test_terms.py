"""Reading what a type promises: every fault at once, each with its key."""

import pytest

from engine.terms.deadlines import Terms
from tests.test_deadlines import BINH_DUONG, OFFICE, PROVINCE


def promises(**names):
    return {"deadlines": names}


CASE = {"term": "PT5H", "calendar": "24/7"}


def extended(**how):
    return promises(case=CASE) | {"extension": {"allowed": True} | how}


def faults(type_table, province=PROVINCE):
    return Terms.parse(type_table, province).faults


@pytest.mark.parametrize("table", [BINH_DUONG, OFFICE, {}, promises(case=CASE)])
def test_sound_tables_have_no_faults(table):
    found = Terms.parse(table, PROVINCE)

    assert (found.faults, found.warnings) == ((), ())


def test_round_the_clock_is_there_without_being_declared():
    assert faults(promises(case=CASE), province={}) == ()


@pytest.mark.parametrize(
    ("table", "key", "sentence"),
    [
        (promises(case=CASE | {"term": "5h"}), "deadlines.case.term", "'5h' is not a term"),
        (promises(case={"calendar": "24/7"}), "deadlines.case.term", "not None"),
        (promises(case=CASE | {"calendar": "hc"}), "deadlines.case.calendar", "no calendar 'hc'; the province has"),
        (promises(case={"term": "PT5H"}), "deadlines.case.calendar", "say which calendar"),
        (promises(case=CASE | {"warn": 1}), "deadlines.case.warn", "between 0 and 1"),
        (promises(case=CASE | {"warn": True}), "deadlines.case.warn", "between 0 and 1"),
        (promises(case=CASE | {"wran": 0.8}), "deadlines.case.wran", "Did you mean 'warn'?"),
        (promises(case=CASE | {"source": 1}), "deadlines.case.source", "must be text"),
        (promises(case=CASE | {"by_severity": {"khan": "1h"}}), "deadlines.case.by_severity.khan", "not a term"),
        (promises(case=CASE | {"by_severity": "khan"}), "deadlines.case.by_severity", "must be a table"),
        (promises(case={"term": "P1M", "calendar": "hanh_chinh"}), "deadlines.case.term", "write working days"),
        (promises(case="PT5H"), "deadlines.case", "must be a table"),
        ({"deadlines": []}, "deadlines", "must be a table"),
        (promises(case=CASE) | {"extension": {"allowed": "yes"}}, "extension.allowed", "true or false"),
        (extended(), "extension.longest", "not None"),
        (extended(longest="P1D", times=0), "extension.times", "from 1"),
        ({"extension": {"allowed": True, "longest": "P1D"}}, "extension.allowed", "nothing to extend"),
        (promises(case=CASE) | {"pause": {"alowed": True}}, "pause.alowed", "Did you mean 'allowed'?"),
    ],
)
def test_a_fault_is_named_by_its_key(table, key, sentence):
    (fault,) = faults(table)

    assert fault.startswith(f"{key}: ") and sentence in fault


def test_all_faults_are_found_at_once_and_the_rest_is_read():
    province = {"calendars": {"ca_dem": {"days": ["mon"]}, "24/7": {}}}
    table = promises(case=CASE, a={"term": "?", "calendar": "24/7", "warn": 2}, b={"term": "PT1H", "calendar": "24/7"})

    found = Terms.parse(table, province)

    keys = [fault.split(": ")[0] for fault in found.faults]
    assert keys == ["calendars.ca_dem", "deadlines.a.term", "deadlines.a.warn"]
    assert found.names == {"case", "b"}


def test_a_step_longer_than_its_case_is_a_fault():
    (fault,) = faults(promises(case=CASE, verify={"term": "PT6H", "calendar": "24/7"}))

    assert fault.startswith("deadlines.verify.term: PT6H on '24/7' is longer than the whole case, PT5H on '24/7'")


def test_a_step_as_long_as_its_case_fits():
    assert faults(promises(case=CASE, verify=CASE)) == ()


def test_a_step_after_the_case_may_be_longer():
    assert faults(promises(case=CASE, rating={"term": "P10D", "calendar": "24/7", "within_case": False})) == ()


def test_a_step_must_fit_an_urgent_case_too():
    case = CASE | {"by_severity": {"khan": "PT1H"}}
    step = {"term": "PT2H", "calendar": "24/7"}

    (fault,) = faults(promises(case=case, verify=step))
    assert "at severity 'khan'" in fault
    assert faults(promises(case=case, verify=step | {"by_severity": {"khan": "PT30M"}})) == ()


def test_office_hours_within_a_round_the_clock_case_are_warned_about_with_an_example():
    found = Terms.parse(promises(case=CASE, verify={"term": "PT2H", "calendar": "hanh_chinh"}), PROVINCE)

    assert found.faults == ()
    (warning,) = found.warnings
    assert warning == (
        "deadlines.verify.term: PT2H on 'hanh_chinh', begun on Monday 00:00, "
        "ends after the whole case, PT5H on '24/7'."
    )
