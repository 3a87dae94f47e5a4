"""The record's chain: what was linked can be neither changed nor removed nor added to without being found out."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from engine import acts, model
from engine.record import anchors, chain
from engine.runtime import Runtime
from tests.commands import runner
from tests.hotline import Hotline

SEALED = [(table, way) for table in ("events", "acts", "links") for way in ("update", "delete")]
REPLACED = {  # SQLite's word, and what PostgreSQL has instead
    "sqlite": "INSERT OR REPLACE INTO acts (id, at, kind, actor, data) SELECT id, at, kind, 'x', data FROM acts",
    "postgresql": "INSERT INTO acts (id, at, kind, actor, data) SELECT id, at, kind, 'x', data FROM acts "
                  "ON CONFLICT (id) DO UPDATE SET actor = 'x'",
}  # fmt: skip


def history(hotline: Hotline, days: int = 3) -> Runtime:
    """Some days of cases and acts, linked each evening, with an anchor for each day but the last."""
    for day in range(days):
        hotline.receives()
        with hotline.runtime.begin() as unit:
            acts.note(unit, "account-changed", "quantri", "hoa", address="10.0.0.7", now={"role": "monitor"}, day=day)
        while chain.step(hotline.runtime):
            pass
        hotline.clock.advance("1 day")
    return hotline.runtime


def links_of(runtime: Runtime) -> list:
    with runtime.read() as unit:
        return unit.all(select(model.links).order_by(model.links.c.seq))


def tamper(runtime: Runtime, *statements: object) -> None:
    """As somebody who owns the database."""
    with runtime.begin() as unit:
        on_postgresql = unit.locks_rows
        for table, way in SEALED:
            name = f"{table}_never_{'change' if way == 'update' else 'go'}"
            off = f"ALTER TABLE {table} DISABLE TRIGGER {name}" if on_postgresql else f"DROP TRIGGER IF EXISTS {name}"
            unit.execute(text(off))
        for statement in statements:
            unit.execute(statement)
        if on_postgresql:
            for table in ("events", "acts", "links"):
                unit.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER USER"))


def test_every_line_is_linked_once_in_order_and_the_chain_holds(hotline: Hotline, tmp_path: Path) -> None:
    runtime = history(hotline)
    assert anchors.write(runtime, tmp_path) == 3 and anchors.write(runtime, tmp_path) == 0

    found = links_of(runtime)
    assert [link.seq for link in found] == list(range(1, len(found) + 1))
    with runtime.read() as unit:
        lines = {("events", row.id) for row in unit.all(select(model.events.c.id))}
        lines |= {("acts", row.id) for row in unit.all(select(model.acts.c.id))}
        assert chain.state(unit).waiting == 0
    assert {(link.source, link.row_id) for link in found} == lines
    assert len({link.day for link in found}) == 3

    seen = []
    verdict = chain.verify(runtime, anchors.read(tmp_path), lambda done, of: seen.append((done, of)))
    assert verdict == chain.Verdict(links=len(found), anchors=3)
    assert seen == [(len(found), len(found))]
    with runtime.read() as unit:
        assert chain.verify_newest(unit) == chain.Verdict(links=len(found))


def test_the_database_refuses_to_change_a_line(hotline: Hotline) -> None:
    runtime = history(hotline, days=1)

    def refused(statement: object) -> None:
        with pytest.raises(DBAPIError, match="appended, never changed"), runtime.begin() as unit:
            unit.execute(statement)

    for table in (model.events, model.acts, model.links):
        refused(delete(table))
        refused(update(table).values({"source" if table is model.links else "actor": "x"}))
    refused(update(model.acts).values(data={}))
    refused(update(model.events).values(data={}, actor="x"))
    refused(update(model.events).values(data={}, element="x"))


def test_the_database_refuses_to_put_a_line_in_the_place_of_another(hotline: Hotline) -> None:
    runtime = history(hotline, days=1)
    database = runtime.database.dialect.name
    ways = [REPLACED[database]]
    if database == "sqlite":  # it tells no trigger of what it deletes for that
        ways += [
            "REPLACE INTO events SELECT * FROM events",
            "REPLACE INTO links SELECT seq, source, row_id, day, content, x'00' FROM links",
            "REPLACE INTO links SELECT seq + 1000, source, row_id, day, content, hash FROM links",
            "REPLACE INTO cases SELECT * FROM cases",
        ]
    else:
        ways += [f"TRUNCATE {table}" for table in ("acts", "events", "links")] + ["TRUNCATE cases CASCADE"]
    for way in ways:
        with pytest.raises(DBAPIError, match="appended, never changed"), runtime.begin() as unit:
            unit.execute(text(way))

    hotline.receives()
    while chain.step(runtime):
        pass
    assert chain.verify(runtime, []).broken is None


CHANGES = {
    "The data of line": lambda row: update(model.acts).where(model.acts.c.id == row).values(data={"now": "clean"}),
    "or its link, was changed": lambda row: update(model.acts).where(model.acts.c.id == row).values(actor="somebody"),
    "is gone.": lambda row: delete(model.acts).where(model.acts.c.id == row),
}


def test_a_line_that_was_changed_or_removed_is_named(hotline: Hotline, monkeypatch) -> None:
    runtime = history(hotline, days=4)
    lines = [link for link in links_of(runtime) if link.source == "acts"][-3:]
    for link, (why, change) in reversed(list(zip(lines, CHANGES.items(), strict=True))):  # the first one counts
        tamper(runtime, change(link.row_id))
        broken = chain.verify(runtime, []).broken
        assert broken is not None and why in broken.why and "acts" in broken.why
        assert (broken.seq, broken.day) == (link.seq, link.day)
        with runtime.read() as unit:
            assert chain.verify_newest(unit).broken == broken
        monkeypatch.setattr(chain, "CHUNK", len(links_of(runtime)) - link.seq)  # those behind it are as they were
        with runtime.read() as unit:
            assert chain.verify_newest(unit).broken is None or link is not lines[-1]
        monkeypatch.undo()


def test_a_missing_link_a_backdated_line_and_a_cut_end_are_found(hotline: Hotline, tmp_path: Path, monkeypatch) -> None:
    runtime = history(hotline)
    anchors.write(runtime, tmp_path)
    known, last = anchors.read(tmp_path), len(links_of(runtime))

    monkeypatch.setattr(chain, "LATE", 0)
    with runtime.begin() as unit:
        unit.execute(insert(model.acts), {"id": -5, "at": unit.now, "kind": "logged-in", "actor": "x", "data": {}})
    broken = chain.verify(runtime, known).broken
    assert broken and "Line -5 of acts was put among others afterwards" in broken.why

    cut = delete(model.links).where(model.links.c.seq == last)
    tamper(runtime, delete(model.acts).where(model.acts.c.id == -5), cut)
    broken = chain.verify(runtime, known).broken
    assert broken and broken.seq == last and "names this link, and it is gone" in broken.why
    assert chain.verify(runtime, known[:-1]).broken is None, "without that day's anchor nobody would know"


def test_a_link_that_was_taken_out_of_the_middle_is_missed(hotline: Hotline) -> None:
    runtime = history(hotline, days=2)
    tamper(runtime, delete(model.links).where(model.links.c.seq == 2))
    broken = chain.verify(runtime, []).broken
    assert broken and broken.seq == 2 and "after it comes link 3" in broken.why


def test_a_chain_that_was_remade_is_found_by_the_anchor_of_its_day(hotline: Hotline, tmp_path: Path) -> None:
    runtime = history(hotline)
    anchors.write(runtime, tmp_path)
    second_day = links_of(runtime)[-1].day - timedelta(days=1)
    victim = next(link for link in links_of(runtime) if link.source == "acts" and link.day == second_day)
    tamper(runtime, update(model.acts).where(model.acts.c.id == victim.row_id).values(actor="somebody"))

    previous, remade = chain._BEFORE, []
    with runtime.read() as unit:
        for link, row in chain._chunk(unit, 0):
            content = chain.digest(row.data)
            previous = chain.linked(previous, link.seq, link.day, link.source, row, content)
            this = update(model.links).where(model.links.c.seq == link.seq)
            remade.append(this.values(hash=previous, content=content))
    tamper(runtime, *remade)
    assert chain.verify(runtime, []).broken is None, "the chain itself holds again"
    broken = chain.verify(runtime, anchors.read(tmp_path)).broken
    assert broken and broken.day == second_day and f"The anchor of {second_day} says" in broken.why


def test_a_later_anchor_of_the_same_link_hides_no_earlier_one(hotline: Hotline, tmp_path: Path) -> None:
    """Somebody cuts off a day, and what comes after it happens to end with the same number."""
    runtime = history(hotline)
    anchors.write(runtime, tmp_path)
    known = anchors.read(tmp_path)
    forged = chain.Anchor(known[-2].day, known[-1].seq, "00" * 32)

    for order in ([forged, known[-1]], [known[-1], forged]):
        broken = chain.verify(runtime, order).broken
        assert broken and broken.seq == forged.seq and f"The anchor of {forged.day} says" in broken.why


def test_days_without_an_anchor_are_told(hotline: Hotline, tmp_path: Path) -> None:
    runtime = history(hotline)
    anchors.write(runtime, tmp_path)
    first, middle, last = anchors.read(tmp_path)

    verdict = chain.verify(runtime, [first, last])
    assert verdict.broken is None and verdict.unanchored == [middle.day]
    assert chain.verify(runtime, [first, middle, last]).unanchored == []


def test_data_may_be_emptied_but_the_case_has_to_say_so(hotline: Hotline) -> None:
    runtime = history(hotline)
    first = next(link for link in links_of(runtime) if link.source == "events")
    with runtime.begin() as unit:
        case = unit.scalar(select(model.events.c.case_id).where(model.events.c.id == first.row_id))
        unit.execute(update(model.events).where(model.events.c.id == first.row_id).values(data={}))
    broken = chain.verify(runtime, []).broken
    assert broken and broken.seq == first.seq and "no later line says why" in broken.why

    with runtime.begin() as unit:
        unit.record(case, chain.EMPTIED, "system")
    chain.step(runtime)
    broken = chain.verify(runtime, []).broken
    assert broken and broken.seq == first.seq and "its case was not emptied" in broken.why

    with runtime.begin() as unit:
        unit.execute(update(model.cases).where(model.cases.c.id == case).values(emptied_at=unit.now))
    verdict = chain.verify(runtime, [])
    assert verdict.broken is None and verdict.emptied == 1


def test_a_line_whose_data_cannot_be_opened_is_named(hotline: Hotline, database_url: str, tmp_path: Path) -> None:
    """The triggers let sealed data through, for keys change; whatever it holds."""
    runtime = history(hotline)
    spoken = next(link for link in links_of(runtime) if link.source == "events")
    with runtime.begin() as unit:
        unit.execute(text("UPDATE events SET data = :data WHERE id = :id"),
                     {"data": '"~00000000' + "A" * 40 + '"', "id": spoken.row_id})  # fmt: skip

    broken = chain.verify(runtime, []).broken
    assert broken and broken.seq == spoken.seq
    assert f"The data of line {spoken.row_id} of events cannot be opened" in broken.why
    with runtime.read() as unit:
        assert chain.verify_newest(unit).broken == broken
    said = runner(database_url, tmp_path)("audit", "verify", exits=1)
    assert f"Error: link {spoken.seq} of {spoken.day}: The data of line" in said


def test_two_workers_that_look_at_once_link_each_line_once(hotline: Hotline, monkeypatch) -> None:
    hotline.receives()
    runtime, calculate = hotline.runtime, chain._next

    def overtaken(unit):
        made = list(calculate(unit))
        monkeypatch.setattr(chain, "_next", calculate)
        assert chain.step(runtime) == len(made)  # the other worker, between our look and our writing
        return made

    monkeypatch.setattr(chain, "_next", overtaken)
    assert chain.step(runtime) == 0
    assert chain.verify(runtime, []).broken is None


def test_a_line_of_a_transaction_that_ended_late_is_linked_behind_the_others(hotline: Hotline) -> None:
    runtime = hotline.runtime
    with runtime.begin() as unit:
        unit.execute(insert(model.acts), {"id": 50, "at": unit.now, "kind": "logged-in", "actor": "b", "data": {}})
    chain.step(runtime)
    with runtime.begin() as unit:
        unit.execute(insert(model.acts), {"id": 49, "at": unit.now, "kind": "logged-in", "actor": "a", "data": {}})
    assert chain.step(runtime) == 1
    assert links_of(runtime)[-1].row_id == 49 and chain.verify(runtime, []).broken is None


def test_the_command_says_where_the_chain_is_broken(hotline: Hotline, database_url: str, tmp_path: Path) -> None:
    runtime = history(hotline)
    audit = partial(runner(database_url, tmp_path), "audit")

    assert audit("link") == "0 linked, 3 anchors written\n"
    assert "links are as they were made; 3 anchors agree" in audit("verify")
    tamper(runtime, update(model.events).where(model.events.c.id == 2).values(actor="somebody"))
    seq, day = next((one.seq, one.day) for one in links_of(runtime) if (one.source, one.row_id) == ("events", 2))
    broken = f"Error: link {seq} of {day}: The line 2 of events, or its link, was changed."
    assert broken in audit("verify", exits=1)
    (tmp_path / "anchors" / "2021-09-03.json").chmod(0o600)
    (tmp_path / "anchors" / "2021-09-03.json").write_text("{}")
    assert "The anchor 2021-09-03.json cannot be read" in audit("verify", exits=1)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=())),
    lambda part: st.lists(part, max_size=4) | st.dictionaries(st.text(max_size=4), part, max_size=4),
)  # fmt: skip


@given(JSON)
@settings(max_examples=50, deadline=None)
def test_a_line_is_hashed_as_json_writes_it_however_fast(data):
    written = json.dumps(data, sort_keys=True, separators=(",", ":")).encode()

    assert chain.digest(data) == hashlib.sha256(written).digest()
