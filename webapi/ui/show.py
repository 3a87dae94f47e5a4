"""How instants, numbers and names look: Jinja filters, in the language of whoever looks and in Vietnam's time."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Literal

from babel.dates import format_date, format_timedelta
from babel.numbers import format_decimal
from babel.units import format_unit
from flask import Flask, url_for
from markupsafe import Markup

from engine.statistics.periods import YEARS
from engine.terms.calendar import ZONE
from webapi import auth
from webapi.ui.words import _, language

STATIC = Path(__file__).parent.parent / "static"
JUST = timedelta(minutes=1)
ANY_DAY = date(2021, 9, 3)
WEEK = 7  # days; of what is further away nobody needs the hours
SOON = timedelta(hours=1)  # what is due sooner is marked, where nobody says better


def register(app: Flask) -> None:
    app.jinja_env.filters.update(
        moment=moment, second=second, day=day, ago=ago, when=when, number=number, size=size, remaining=remaining,
        urgency=urgency, lasting=lasting, period=period,
    )  # fmt: skip
    app.jinja_env.globals.update(asset=asset)


def now() -> datetime:
    return auth.runtime().clock()


def moment(at: datetime) -> str:
    """15:30 03/09/2021."""
    local = at.astimezone(ZONE)
    return f"{local:%H:%M} {day(local)}"


def second(at: datetime) -> str:
    """15:30:12."""
    return f"{at.astimezone(ZONE):%H:%M:%S}"


def clock(at: time) -> str:
    """15:30, in Vietnam, wherever it was written down."""
    return f"{datetime.combine(ANY_DAY, at).astimezone(ZONE) if at.tzinfo else at:%H:%M}"


def day(at: datetime | date) -> str:
    """03/09/2021, or 3 Sep 2021."""
    local = at.astimezone(ZONE).date() if isinstance(at, datetime) else at
    return format_date(local, "dd/MM/yyyy" if language() == "vi" else "d MMM yyyy", locale=language())


def period(begins: datetime, ends: datetime) -> str:
    """01/09/2021 – 30/09/2021; with the hours if it is not of whole days; ``ends``: the moment when it is over."""
    first, after = begins.astimezone(ZONE), ends.astimezone(ZONE)
    if first.time() != time() or after.time() != time():
        return f"{moment(begins)} – {moment(ends)}"
    last = after.date() - timedelta(days=1)
    return day(first) if last <= first.date() else f"{day(first)} – {day(last)}"


def read_day(written: str) -> date | None:
    """A day as a browser's control writes it; ``None``: it is none, or of another age."""
    try:
        found = date.fromisoformat(written)
    except ValueError:
        return None
    return found if found.year in YEARS else None


def ago(at: datetime) -> str:
    """2 giờ trước; sau 1 giờ 20 phút nữa; vừa xong. Nobody needs the seconds."""
    if abs(at - now()) < JUST:
        return _("vừa xong") if at <= now() else _("ngay bây giờ")
    if at > now():
        return _("sau %(time)s nữa", time=_span(at - now()))
    return format_timedelta(at - now(), granularity="minute", add_direction=True, threshold=1.2, locale=language())


def when(at: datetime | None) -> Markup:
    """Both at once: the words, and the clock's time."""
    if at is None:
        return Markup("–")
    return Markup('<time datetime="{}">{} <span class="quiet">({})</span></time>').format(
        at.astimezone(UTC).isoformat(timespec="seconds"), moment(at), ago(at)
    )


def number(value: float | int | None) -> str:
    """1.234,5 in Vietnamese, 1,234.5 in English."""
    return "–" if value is None else format_decimal(value, locale=language())


def size(octets: int) -> str:
    """A file's size as people say it."""
    if octets < 1_000_000:
        return f"{number(max(1, round(octets / 1000)))} kB"
    return f"{number(round(octets / 1_000_000, 1))} MB"


def lasting(seconds: float | None) -> str:
    """How long something took: 1 giờ 30 phút; 35 giây."""
    if seconds is None:
        return "–"
    return _span(timedelta(seconds=seconds)) or _counted(int(seconds), "second")


def remaining(due_at: datetime) -> str:
    """How a due time stands, in words: còn 1 giờ 30 phút; quá hạn 20 phút. As messages say it (`texts.time_left`)."""
    left = due_at - now()
    words = _span(abs(left))
    if left <= timedelta(0):
        return _("quá hạn %(time)s", time=words) if words else _("vừa quá hạn")
    return _("còn %(time)s", time=words) if words else _("còn dưới 1 phút")


def _span(span: timedelta) -> str:
    """Its two greatest units, whole minutes, rounded down: of 100 minutes, "2 giờ" would let somebody come too late.
    Less than a minute is nothing."""
    minutes = span // timedelta(minutes=1)
    hours, days = minutes // 60 % 24, minutes // (24 * 60)
    units = [(days, "day"), (hours if days < WEEK else 0, "hour"), (0 if days else minutes % 60, "minute")]
    return " ".join(_counted(count, unit) for count, unit in units if count)


def _counted(count: int, unit: str) -> str:
    """2 giờ, 2 hours. CLDR has the Vietnamese words under "short" only; English ones would be "2 hr" there."""
    length: Literal["short", "long"] = "short" if language() == "vi" else "long"
    return format_unit(count, f"duration-{unit}", length=length, locale=language())


def urgency(due_at: datetime, warn_at: datetime | None = None) -> str:
    """The same for the eye: late, soon or fine."""
    moment_ = now()
    if due_at < moment_:
        return "late"
    return "soon" if moment_ >= (warn_at or due_at - SOON) else "fine"


def asset(name: str) -> str:
    """The address of a file of ours, changing with its content, so that browsers may keep it for ever."""
    return url_for("static_file", filename=name, v=_mark(name, (STATIC / name).stat().st_mtime_ns))


@cache
def _mark(name: str, _changed: int) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def is_built(name: str) -> bool:
    """Whether the front end was built; pages work without."""
    return (STATIC / name).is_file()
