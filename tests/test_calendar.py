"""When promises fall due: by night, over lunch, at Tết, and on the one day that comes every four years."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.terms.calendar import ROUND_THE_CLOCK, ZONE, Calendar, Term
from engine.terms.term import length_in_words

WEEK = ["mon", "tue", "wed", "thu", "fri"]
OFFICE = {"days": WEEK, "hours": ["07:30-11:30", "13:00-17:00"], "holidays": "VN"}
CALENDARS = {
    "24/7": ROUND_THE_CLOCK,
    "office": Calendar.parse("office", OFFICE),
    "doctors": Calendar.parse("doctors", {"days": [*WEEK, "sat", "sun"], "hours": ["09:00-11:00", "15:00-17:00"]}),
    "volunteers": Calendar.parse("volunteers", {"days": [*WEEK, "sat", "sun"], "hours": ["08:00-24:00"]}),
    "short saturday": Calendar.parse(
        "short saturday",
        {"hours": {day: ["07:30-11:30", "13:00-17:00"] for day in WEEK} | {"sat": ["07:30-11:30"]}, "holidays": "VN"},
    ),
    "make-up": Calendar.parse("make-up", OFFICE | {"working_days": [date(2021, 5, 3), date(2021, 9, 11)]}),
    "mourning": Calendar.parse("mourning", OFFICE | {"extra_holidays": ["2021-09-13"]}),
}


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


GOLDEN = [
    # name, calendar, start, term, due (clocks of Vietnam)
    ("five hours run through the night before Tết", "24/7", "2021-02-11T22:00", "PT5H", "2021-02-12T03:00"),
    ("a day round the clock is 24 hours, Sunday or not", "24/7", "2021-09-04T10:00", "P1D", "2021-09-05T10:00"),
    ("a month from 31 January ends on 29 February", "24/7", "2024-01-31T10:00", "P1M", "2024-02-29T10:00"),
    ("a year from 29 February ends on the 28th", "24/7", "2024-02-29T10:00", "P1Y", "2025-02-28T10:00"),
    ("two weeks round the clock", "24/7", "2021-09-03T10:00", "P2W", "2021-09-17T10:00"),
    ("hours wait over lunch", "office", "2021-09-07T11:00", "PT1H", "2021-09-07T13:30"),
    ("lunch itself counts from one o'clock", "office", "2021-09-07T12:00", "PT1H", "2021-09-07T14:00"),
    ("a working day begun at lunch", "office", "2021-09-06T12:00", "P1D", "2021-09-07T13:00"),
    ("the night does not count", "office", "2021-09-06T22:00", "PT1H", "2021-09-07T08:30"),
    ("from midnight a whole day's hours", "office", "2021-09-07T00:00", "PT8H", "2021-09-07T17:00"),
    ("hours that end at closing time fall due then", "office", "2021-09-13T16:00", "PT1H", "2021-09-13T17:00"),
    ("closing time counts from the next opening", "office", "2021-09-13T17:00", "PT1H", "2021-09-14T08:30"),
    ("a day begun at closing time", "office", "2021-09-13T17:00", "P1D", "2021-09-15T07:30"),
    ("the weekend does not count", "office", "2021-09-10T16:30", "PT1H", "2021-09-13T08:00"),
    ("a working day begun on Saturday", "office", "2021-09-11T10:00", "P1D", "2021-09-14T07:30"),
    ("hours over Tết 2021", "office", "2021-02-09T16:00", "PT5H", "2021-02-17T11:30"),
    ("a working day over Tết 2021", "office", "2021-02-09T16:00", "P1D", "2021-02-17T16:00"),
    ("five working days over Tết 2021", "office", "2021-02-08T09:00", "P5D", "2021-02-22T09:00"),
    ("hours begun on the last day of the year", "office", "2021-02-11T09:00", "PT2H", "2021-02-17T09:30"),
    ("a working day begun on a holiday", "office", "2021-02-11T09:00", "P1D", "2021-02-18T07:30"),
    ("hours over Tết 2022", "office", "2022-01-28T16:30", "PT1H", "2022-02-07T08:00"),
    ("two working days over Tết 2022", "office", "2022-01-28T10:00", "P2D", "2022-02-08T10:00"),
    ("30/4 to 3/5 in 2021, Monday in lieu of Saturday", "office", "2021-04-29T16:00", "PT2H", "2021-05-04T08:30"),
    ("a working day over 30/4 to 3/5", "office", "2021-04-29T16:00", "P1D", "2021-05-04T16:00"),
    ("30/4 to 3/5 in 2022, both days in lieu", "office", "2022-04-29T16:00", "PT2H", "2022-05-04T08:30"),
    ("two days of National Day", "office", "2021-09-01T16:00", "PT2H", "2021-09-06T08:30"),
    ("29 February is a working day", "office", "2024-02-28T16:30", "P1D", "2024-02-29T16:30"),
    ("hours onto 29 February", "office", "2024-02-28T16:30", "PT1H", "2024-02-29T08:00"),
    ("no 29 February in 2021", "office", "2021-02-26T16:30", "PT1H", "2021-03-01T08:00"),
    ("over New Year", "office", "2021-12-31T16:30", "PT1H", "2022-01-04T08:00"),
    ("due as the year closes", "office", "2021-12-31T16:00", "PT1H", "2021-12-31T17:00"),
    ("a Saturday worked for a bridging day of last year", "office", "2019-01-04T16:30", "PT1H", "2019-01-05T08:00"),
    ("a bridging day was swapped", "office", "2024-04-26T16:00", "P1D", "2024-05-02T16:00"),
    ("for a Saturday that was worked", "office", "2024-04-26T16:00", "P3D", "2024-05-04T16:00"),
    ("a day, then four hours", "office", "2021-09-06T16:00", "P1DT4H", "2021-09-08T10:30"),
    ("part of a working day", "office", "2021-09-06T07:30", "P2.5D", "2021-09-08T11:30"),
    ("doctors' hours are open at Tết", "doctors", "2021-02-12T10:30", "PT1H", "2021-02-12T15:30"),
    ("volunteers work until midnight", "volunteers", "2021-09-05T23:30", "PT1H", "2021-09-06T08:30"),
    ("due at midnight", "volunteers", "2021-09-05T23:00", "PT1H", "2021-09-06T00:00"),
    ("due on a short Saturday", "short saturday", "2021-09-10T10:00", "P1D", "2021-09-11T10:00"),
    ("closed by then on a short Saturday", "short saturday", "2021-09-10T15:00", "P1D", "2021-09-11T11:30"),
    ("a Saturday made up", "make-up", "2021-09-10T16:30", "PT1H", "2021-09-11T08:00"),
    ("a holiday on which the province works", "make-up", "2021-05-03T09:00", "PT1H", "2021-05-03T10:00"),
    ("a day the province added", "mourning", "2021-09-10T16:30", "PT1H", "2021-09-14T08:00"),
]


@pytest.mark.parametrize(("calendar", "start", "term", "due"), [pytest.param(*row[1:], id=row[0]) for row in GOLDEN])
def test_the_golden_table(calendar, start, term, due):
    assert CALENDARS[calendar].add(local(start), Term.parse(term)) == local(due)


def test_due_times_are_utc_and_days_are_vietnamese():
    sunday_night = datetime(2021, 9, 5, 23, 30, tzinfo=UTC)  # Monday 06:30 in Vietnam, before opening

    due = CALENDARS["office"].add(sunday_night, Term.parse("P1D"))

    assert (due, due.tzinfo) == (local("2021-09-07T07:30"), UTC)


def test_a_moment_without_a_zone_is_refused():
    for calendar in CALENDARS.values():
        with pytest.raises(TypeError, match="no time zone"):
            calendar.add(datetime(2021, 9, 3, 10), Term.parse("PT5H"))


def test_the_next_opening():
    office = CALENDARS["office"]

    assert office.next_opening(local("2021-09-03T10:00")) == local("2021-09-06T07:30")
    for open_at in ("2021-09-06T07:30", "2021-09-06T11:29"):
        assert office.next_opening(local(open_at)) == local(open_at)
    assert office.next_opening(local("2021-09-06T11:30")) == local("2021-09-06T13:00")
    assert ROUND_THE_CLOCK.next_opening(local("2021-02-12T03:00")) == local("2021-02-12T03:00")


# -- what holds always --------------------------------------------------------------------------------------------

moments = st.datetimes(datetime(2019, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))
calendars = st.sampled_from(list(CALENDARS.values()))
hours = st.integers(1, 1500 * 60).map(lambda minutes: Term(seconds=minutes * 60))
days = st.integers(1, 300).map(lambda n: Term(days=n))
quick = settings(max_examples=150, deadline=None)


@quick
@given(calendars, moments, moments, hours | days)
def test_who_asks_later_is_not_due_earlier(calendar, one, other, term):
    earlier, later = sorted((one, other))

    assert calendar.add(earlier, term) <= calendar.add(later, term)


@quick
@given(calendars, moments, st.lists(hours, min_size=2, max_size=2) | st.lists(days, min_size=2, max_size=2))
def test_a_longer_term_is_due_later(calendar, start, terms):
    shorter, longer = sorted(terms, key=lambda term: (term.days, term.seconds))

    assert start < calendar.add(start, shorter) <= calendar.add(start, longer)


@quick
@given(calendars, moments, hours)
def test_the_time_until_due_is_the_term(calendar, start, term):
    assert calendar.between(start, calendar.add(start, term)) == timedelta(seconds=term.seconds)


@quick
@given(calendars, moments, hours, hours)
def test_two_terms_in_a_row_are_their_sum(calendar, start, first, second):
    assert calendar.add(calendar.add(start, first), second) == calendar.add(start, first + second)


@quick
@given(calendars, moments, moments, moments)
def test_counted_time_adds_up_and_turns_round(calendar, a, b, c):
    assert calendar.between(a, b) + calendar.between(b, c) == calendar.between(a, c)
    assert calendar.between(a, b) == -calendar.between(b, a)


HOLIDAYS_2021 = {date(2021, 1, 1), date(2021, 4, 21), date(2021, 4, 30), date(2021, 5, 3), date(2021, 9, 2),
                 date(2021, 9, 3), *(date(2021, 2, day) for day in range(10, 17))}  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 340 * 96), st.integers(1, 160))
def test_counting_agrees_with_walking_from_quarter_to_quarter(offset, quarters):
    start = local("2021-01-01T00:00") + timedelta(minutes=15 * offset)
    at, left = start, quarters
    while left:
        minutes = at.hour * 60 + at.minute
        working = at.weekday() < 5 and at.date() not in HOLIDAYS_2021
        left -= working and (450 <= minutes < 690 or 780 <= minutes < 1020)
        at += timedelta(minutes=15)

    assert CALENDARS["office"].add(start, Term(seconds=quarters * 900)) == at


# -- terms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "written", "words"),
    [
        ("PT5H", "PT5H", "5 giờ"),
        ("PT90M", "PT1H30M", "1 giờ 30 phút"),
        ("PT36H", "PT36H", "36 giờ"),
        ("P3D", "P3D", "3 ngày"),
        ("P1DT12H", "P1DT12H", "1 ngày 12 giờ"),
        ("PT0.5H", "PT30M", "30 phút"),
        ("P2,5D", "P2.5D", "2,5 ngày"),
        ("P2W", "P2W", "2 tuần"),
        ("P1Y6M", "P18M", "18 tháng"),
    ],
)
def test_terms_are_read_and_said(text, written, words):
    term = Term.parse(text)

    assert (str(term), term.words(), Term.parse(str(term))) == (written, words, term)


def test_a_day_on_opening_hours_is_called_a_working_day():
    assert Term.parse("P3D").words(working=True) == "3 ngày làm việc"


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1DT", "5h", "pt5h", "-PT5H", "PT-5H", "PT0S", "P0D", "P11Y", "P999999999D", "PT1.5H30M", "P0.5M",
     "PT5H ", "P٣D", "PT" + "1" * 99 + "H", 5, None],
)  # fmt: skip
def test_what_is_not_a_term_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match=r"^[A-Z'].*\w.*\.$"):
        Term.parse(text)


def test_a_share_of_a_term():
    assert [str(Term.parse(text) * 0.8) for text in ("PT5H", "P3D", "P1M")] == ["PT4H", "P2.4D", "P24D"]
    assert Term.parse("P3D") * 0.8 == Term.parse("P2.4D")
    assert str(0.5 * Term.parse("P1DT4H")) == "P0.5DT2H"
    for factor in (0, -1, float("nan"), float("inf"), 1e9):
        with pytest.raises(ValueError, match="term"):
            Term.parse("PT5H") * factor


def test_lengths_of_time_are_said_in_words():
    assert length_in_words(timedelta(days=1, hours=2, minutes=5, seconds=59)) == "1 ngày 2 giờ 5 phút"
    assert length_in_words(timedelta(days=1, hours=2), days=False) == "26 giờ"
    assert length_in_words(timedelta(seconds=30)) == "dưới 1 phút"


# -- refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (OFFICE | {"hour": []}, "unknown key 'hour'. Did you mean 'hours'?"),
        ({"hours": ["07:30-11:30"]}, "need days"),
        ({"days": WEEK}, "need hours"),
        ({"days": ["monday"], "hours": ["07:30-11:30"]}, "'monday' is not a weekday"),
        ({"days": WEEK, "hours": ["21:00-06:00"]}, "write two spans"),
        ({"days": WEEK, "hours": ["7h30-11h30"]}, "written like"),
        ({"days": WEEK, "hours": ["07:30-11:30", "11:00-17:00"]}, "overlap"),
        ({"days": WEEK, "hours": ["07:30-24:30"]}, "do not end"),
        ({"name": 7}, "its name is written in quotes"),
        (OFFICE | {"holidays": "NL"}, 'may be "VN"'),
        (OFFICE | {"extra_holidays": ["tomorrow"]}, "extra_holidays holds dates"),
        (OFFICE | {"extra_holidays": ["2021-09-11"], "working_days": ["2021-09-11"]}, "stands in both"),
    ],
)
def test_a_calendar_that_makes_no_sense_is_refused_by_name(table, sentence):
    with pytest.raises(ValueError, match="'lich'") as refusal:
        Calendar.parse("lich", table)

    assert sentence in str(refusal.value)


@pytest.mark.parametrize("term", ["P1W", "P1M", "P2Y", "PT87000H"])
def test_opening_hours_refuse_what_nobody_could_count(term):
    with pytest.raises(ValueError, match="'office'"):
        CALENDARS["office"].check(Term.parse(term))


def test_a_year_beyond_the_lunar_calendar_is_refused():
    with pytest.raises(ValueError, match="1976 to 2099"):
        CALENDARS["office"].add(datetime(2099, 12, 31, tzinfo=UTC), Term.parse("P30D"))
