"""Promises: Bình Dương's five hours, office hours elsewhere, and what warning, pause and extension do to them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import InvalidRequest, ProcessFault, WrongState
from engine.terms.calendar import ZONE
from engine.terms.deadlines import Terms

PROVINCE = {
    "calendars": {
        "24/7": {},
        "hanh_chinh": {
            "days": ["mon", "tue", "wed", "thu", "fri"],
            "hours": ["07:30-11:30", "13:00-17:00"],
            "holidays": "VN",
        },
    }
}
BINH_DUONG = {
    "deadlines": {
        "case": {"term": "PT5H", "calendar": "24/7", "source": "BD-01", "by_severity": {"khan": "PT1H"}},
        "verify": {"term": "PT30M", "calendar": "24/7", "warn": 0.5},
        "rating": {"term": "P10D", "calendar": "24/7", "within_case": False, "warn": False},
    },
    "extension": {"allowed": True, "times": 2, "longest": "P1D"},
    "pause": {"allowed": True},
}
OFFICE = {
    "deadlines": {
        "case": {"term": "P5D", "calendar": "hanh_chinh", "source": "NĐ 20"},
        "verify": {"term": "PT4H", "calendar": "hanh_chinh"},
    },
    "extension": {"allowed": True, "longest": "P2D"},
    "pause": {"allowed": True},
}


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def terms(table) -> Terms:
    found = Terms.parse(table, PROVINCE)
    assert found.faults == ()
    return found


@pytest.fixture(scope="module")
def binh_duong() -> Terms:
    return terms(BINH_DUONG)


@pytest.fixture(scope="module")
def office() -> Terms:
    return terms(OFFICE)


RECEIVED = local("2021-09-03T10:30")


def with_line(deadline, moved):
    """A row after its deadline moved."""
    return deadline._replace(due_at=moved.due_at, warn_at=moved.warn_at, story=[*deadline.story, moved.entry])


# -- a promise ----------------------------------------------------------------------------------------------------


def test_five_hours_from_receipt_whatever_the_day(binh_duong):
    deadline = binh_duong.due("case", RECEIVED)

    assert (deadline.due_at, deadline.warn_at) == (local("2021-09-03T15:30"), local("2021-09-03T14:30"))
    assert deadline.due_at.tzinfo is UTC
    assert deadline.story() == {
        "what": "term",
        "rule": "BD-01",
        "term": "PT5H",
        "words": "5 giờ",
        "calendar": "24/7",
        "from": "2021-09-03T03:30:00+00:00",
        "due_at": "2021-09-03T08:30:00+00:00",
        "warn_at": "2021-09-03T07:30:00+00:00",
    }


def test_an_urgent_case_has_one_hour_and_says_why(binh_duong):
    urgent = binh_duong.due("case", RECEIVED, severity="khan")
    normal = binh_duong.due("case", RECEIVED, severity="thuong")

    assert urgent.due_at == local("2021-09-03T11:30") and urgent.story()["severity"] == "khan"
    assert normal.due_at == local("2021-09-03T15:30") and "severity" not in normal.story()


def test_five_working_days_over_tet_warn_after_four(office):
    deadline = office.due("case", local("2021-02-08T09:00"))

    assert (deadline.due_at, deadline.warn_at) == (local("2021-02-22T09:00"), local("2021-02-19T09:00"))
    assert deadline.story()["words"] == "5 ngày làm việc"


def test_a_promise_without_a_warning_has_none(binh_duong):
    assert binh_duong.due("rating", RECEIVED).warn_at is None


def test_an_unknown_term_is_the_analysts_fault(binh_duong):
    assert "verify" in binh_duong and "handel" not in binh_duong
    with pytest.raises(ProcessFault, match="'handel'.*type.toml"):
        binh_duong.due("handel", RECEIVED)


def test_half_again_as_late_is_counted_on_its_calendar(binh_duong, office):
    assert binh_duong.late(binh_duong.due("case", RECEIVED).running(), 0.5) == local("2021-09-03T18:00")
    assert office.late(office.due("verify", local("2021-09-10T13:00")).running(), 0.5) == local("2021-09-13T09:30")
    case = binh_duong.due("case", RECEIVED).running()
    longer = with_line(case, binh_duong.extended(case, local("2021-09-04T15:30"), now=RECEIVED))
    assert binh_duong.late(longer, 0.5) == local("2021-09-04T18:00")  # an extension does not make lateness longer
    for fraction in (-1, "0.5", float("nan")):
        with pytest.raises(ProcessFault, match="late"):
            binh_duong.late(binh_duong.due("case", RECEIVED).running(), fraction)


def test_days_declared_since_change_neither_how_late_late_is_nor_what_they_do_not_concern(office):
    closed = {**PROVINCE["calendars"]["hanh_chinh"], "extra_holidays": ["2021-09-07"]}
    now = Terms.parse(OFFICE, {"calendars": {**PROVINCE["calendars"], "hanh_chinh": closed}})
    case = office.due("case", local("2021-09-06T07:30")).running()
    moved = now.recounted(case, office, local("2021-09-06T07:30"))
    assert (case.due_at, moved.due_at) == (local("2021-09-13T07:30"), local("2021-09-14T07:30"))
    assert now.late(case, 0.25, office, moved.due_at) == local("2021-09-15T09:30")  # ten hours of office, not eight

    by_hand = case._replace(due_at=local("2021-09-03T23:59"))
    assert now.recounted(by_hand, office, local("2021-09-01T08:00")).due_at == by_hand.due_at


# -- pause --------------------------------------------------------------------------------------------------------


def test_what_was_left_at_the_pause_is_left_at_the_resumption(binh_duong):
    case = binh_duong.due("case", RECEIVED).running()

    case = with_line(case, binh_duong.paused(case, local("2021-09-03T12:30"), reason="chờ người dân bổ sung"))
    assert case.due_at == local("2021-09-03T15:30")
    assert case.story[-1]["words"] == "3 giờ" and case.story[-1]["reason"] == "chờ người dân bổ sung"

    case = with_line(case, binh_duong.resumed(case, local("2021-09-03T12:30"), local("2021-09-05T08:00")))
    assert (case.due_at, case.warn_at) == (local("2021-09-05T11:00"), local("2021-09-05T10:00"))
    assert [line["what"] for line in case.story] == ["term", "pause", "resume"]
    assert json.loads(json.dumps(case.story)) == case.story


def test_a_warning_given_before_the_pause_is_not_given_again(binh_duong):
    case = binh_duong.due("case", RECEIVED).running()

    moved = binh_duong.resumed(case, local("2021-09-03T15:00"), local("2021-09-03T20:00"))

    assert (moved.due_at, moved.warn_at) == (local("2021-09-03T20:30"), case.warn_at)


def test_a_pause_does_not_repair_a_broken_promise(binh_duong):
    case = binh_duong.due("case", RECEIVED).running()

    moved = binh_duong.resumed(case, local("2021-09-03T16:00"), local("2021-09-04T08:00"))

    assert (moved.due_at, moved.entry["seconds"]) == (case.due_at, -1800)


def test_a_pause_over_the_weekend_costs_no_office_hours(office):
    case = office.due("verify", local("2021-09-10T15:00")).running()
    assert case.due_at == local("2021-09-13T09:30")

    moved = office.resumed(case, local("2021-09-10T17:00"), local("2021-09-12T20:00"))

    assert moved.due_at == case.due_at


moments = st.datetimes(datetime(2021, 1, 1), datetime(2023, 1, 1), timezones=st.just(UTC))


@settings(max_examples=80, deadline=None)
@given(moments, st.integers(0, 99), st.integers(0, 9999))
def test_a_pause_never_brings_a_promise_forward_nor_gives_time_away(begun, before, minutes):
    office = terms(OFFICE)
    case = office.due("case", begun).running()
    paused_at = begun + timedelta(hours=before)
    now = paused_at + timedelta(minutes=minutes)

    moved = office.resumed(case, paused_at, now)

    assert moved.due_at >= case.due_at
    if case.due_at > paused_at:
        lich = office.calendars["hanh_chinh"]
        assert lich.between(now, moved.due_at) == lich.between(paused_at, case.due_at)


def test_a_type_that_allows_no_pause_says_so():
    strict = terms({"deadlines": BINH_DUONG["deadlines"]})

    with pytest.raises(WrongState, match="cannot be paused"):
        strict.paused(strict.due("case", RECEIVED).running(), RECEIVED)


# -- extension ----------------------------------------------------------------------------------------------------

NOW = local("2021-09-03T15:00")


def test_an_extension_moves_the_due_time_and_warns_again(binh_duong):
    case = binh_duong.due("case", RECEIVED).running()

    moved = binh_duong.extended(case, local("2021-09-03T19:30"), now=NOW, reason="chờ kết quả xét nghiệm")

    assert (moved.due_at, moved.warn_at) == (local("2021-09-03T19:30"), local("2021-09-03T18:30"))
    assert moved.due_at.tzinfo is UTC
    assert moved.entry == {
        "what": "extension",
        "seconds": 4 * 3600,
        "words": "4 giờ",
        "at": "2021-09-03T15:00:00+07:00",
        "reason": "chờ kết quả xét nghiệm",
        "from": "2021-09-03T08:30:00+00:00",
        "due_at": "2021-09-03T12:30:00+00:00",
        "warn_at": "2021-09-03T11:30:00+00:00",
    }


def test_extensions_together_may_not_exceed_the_longest(binh_duong):
    case = binh_duong.due("case", RECEIVED).running()
    assert binh_duong.latest_extension(case) == local("2021-09-04T15:30")

    case = with_line(case, binh_duong.extended(case, local("2021-09-04T10:30"), now=NOW))
    with pytest.raises(InvalidRequest, match="15:31 04/09/2021 is too late.* 15:30 04/09/2021 at most") as refusal:
        binh_duong.extended(case, local("2021-09-04T15:31"), now=NOW)
    assert refusal.value.facts == {"latest_at": "2021-09-04T08:30:00+00:00"}

    assert binh_duong.extended(case, local("2021-09-04T15:30"), now=NOW).due_at == local("2021-09-04T15:30")


def test_a_pause_uses_up_no_extension(binh_duong):
    case = binh_duong.due("case", RECEIVED).running()

    case = with_line(case, binh_duong.resumed(case, RECEIVED, RECEIVED + timedelta(days=7)))

    assert binh_duong.latest_extension(case) == local("2021-09-11T15:30")


def test_an_extension_by_working_days_skips_the_holiday(office):
    case = office.due("case", local("2021-08-25T10:00")).running()  # due Wednesday 1 September

    assert office.latest_extension(case) == local("2021-09-07T10:00")


def test_extensions_are_limited_in_number(office, binh_duong):
    case = office.due("case", local("2021-09-06T10:00")).running()
    case = with_line(case, office.extended(case, local("2021-09-13T15:00"), now=local("2021-09-10T10:00")))

    with pytest.raises(WrongState, match="extended once, as often as"):
        office.extended(case, local("2021-09-13T16:00"), now=local("2021-09-10T10:00"))


@pytest.mark.parametrize(
    ("until", "now", "sentence"),
    [
        (datetime(2021, 9, 3, 18), NOW, "no time zone"),
        (local("2021-09-03T15:30"), NOW, "not after the present one, 15:30 03/09/2021"),
        (local("2021-09-03T18:00"), local("2021-09-03T18:00"), "is past"),
        (local("9999-12-31T00:00"), NOW, "too late"),
    ],
)
def test_an_extension_that_makes_no_sense_is_refused(binh_duong, until, now, sentence):
    with pytest.raises(InvalidRequest, match=sentence):
        binh_duong.extended(binh_duong.due("case", RECEIVED).running(), until, now=now)


def test_a_type_that_allows_no_extension_says_so():
    strict = terms({"deadlines": BINH_DUONG["deadlines"]})

    with pytest.raises(WrongState, match="cannot be extended"):
        strict.extended(strict.due("case", RECEIVED).running(), NOW, now=NOW)


def test_a_step_moves_with_its_case_but_the_rating_stays(binh_duong):
    was, now_is = local("2021-09-03T15:30"), local("2021-09-03T19:30")
    step, rating = (binh_duong.due(name, RECEIVED).running() for name in ("verify", "rating"))

    moved = binh_duong.shifted(step, was, now_is)

    assert (moved.due_at, moved.warn_at) == (local("2021-09-03T15:00"), local("2021-09-03T14:45"))
    assert moved.entry["what"] == "case-extended" and moved.entry["words"] == "4 giờ"
    assert binh_duong.shifted(rating, was, now_is).due_at == rating.due_at


def test_a_step_in_office_hours_moves_by_the_office_hours_its_case_was_given(office):
    step = office.due("verify", local("2021-09-10T13:00")).running()  # Friday, due at 17:00

    moved = office.shifted(step, local("2021-09-10T16:00"), local("2021-09-13T09:30"))  # over a weekend

    assert moved.due_at == local("2021-09-13T10:30")


def test_a_deadline_on_a_calendar_that_is_gone_is_refused_by_name(binh_duong):
    case = binh_duong.due("case", RECEIVED).running()._replace(calendar="ca_dem")

    with pytest.raises(WrongState, match="'ca_dem'"):
        binh_duong.late(case, 0.5)
