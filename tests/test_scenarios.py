"""The stories beside the shipped diagrams are true, on both databases; and a story that is not is told so."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from engine import model
from engine.errors import InvalidRequest, ProcessFault
from engine.files import folders
from engine.queues import incidents
from engine.terms.calendar import ZONE
from tests.clock import Clock
from tests.conftest import DATABASES
from tests.province import opened
from tests.shipped import BPMN, Shipped
from webapi import rehearsal
from webapi.rehearsal.stage import Stage
from webapi.rehearsal.story import AT

TOLD = [folder for folder in folders.types_in(BPMN) if (folder / "scenarios").is_dir()]
STORIES = {
    folder: [rehearsal.parse(file.read_text("utf-8"), folder.name, file) for file in rehearsal.stories_in(folder)]
    for folder in TOLD
}
TRUE = """
title = "Không khẩu trang: giải đáp ngay"

[report]
answers = { noi_dung = "Quán đông người", loai_y_kien = "phan_anh", hanh_vi = "khong_khau_trang", dang_dien_ra = "khong_ro" }

[report.then]
told = { reporter = ["T01"] }

[[steps]]
wait = "1 minute"
then = { told = { reporter = [] }, tasks = { phan_loai = "tongdai_74" }, closed = false, late = false }

[[steps]]
who = "tongdai_74"
task = "phan_loai"
answers = { quyet_dinh = "chuyen_xu_ly", area = "718" }
then = { status = "da_chuyen", due = "13:00 03/09/2021", due_of = { don_vi_nhan = "08:31 03/09/2021" } }
"""  # noqa: E501


@pytest.fixture
def stage(database_url: str, clock: Clock, tmp_path: Path, shipped: Shipped) -> Iterator[Stage]:
    with opened(database_url, tmp_path, clock, shipped) as province:
        stage = Stage(province.app, clock, shipped.tokens, "")
        yield stage
        province.post.sent.extend(stage.post.sent)  # what the closing of the books asks for


def at(stage: Stage, story: rehearsal.Story) -> Stage:
    """Whose hotline it is."""
    stage.desk = _desk(story.path.parent.parent.parent / "province.toml")
    return stage


@cache
def _desk(province: Path) -> str:
    """The first there is."""
    agencies = tomllib.loads(province.read_text(encoding="utf-8"))["agencies"]
    return str(next(agency["key"] for agency in agencies if agency["kind"] == "desk"))


def played_on(stories: list[rehearsal.Story]) -> Iterator[tuple[rehearsal.Story, tuple[str, ...]]]:
    """The first story of a type that comes to an outcome goes to it on both databases, every other one on either, by
    turns: what each outcome asks of a database is asked of both, and no story costs twice for nothing."""
    reached, turns = {""}, cycle((database,) for database in DATABASES)
    for story in stories:
        outcome = story.then.get("outcome", "")
        yield story, next(turns) if outcome in reached else DATABASES
        reached.add(outcome)


PLAYED = [
    pytest.param(
        story,
        database,
        id=f"{story.report_type}-{story.path.stem}-{database}",
        marks=[] if database in databases else pytest.mark.whole,
    )
    for stories in STORIES.values()
    for story, databases in played_on(stories)
    for database in DATABASES
]


@pytest.mark.parametrize(("story", "database_url"), PLAYED, indirect=["database_url"])
def test_a_story_goes_as_it_says(stage: Stage, story: rehearsal.Story) -> None:
    assert rehearsal.play(story, at(stage, story)) is None


@pytest.mark.parametrize("folder", TOLD, ids=lambda folder: folder.name)
def test_every_outcome_is_the_end_of_a_story_on_both_databases(folder: Path) -> None:
    outcomes = tomllib.loads((folder / "type.toml").read_text(encoding="utf-8"))["outcomes"].keys()
    reached = [
        {story.then.get("outcome") for story, databases in played_on(STORIES[folder]) if database in databases}
        for database in DATABASES
    ]

    missing = sorted(outcomes - set.intersection(*reached))
    assert not missing, f"{folder.name}: no story ends on both databases with {', '.join(missing)}"


@pytest.mark.parametrize("folder", TOLD, ids=lambda folder: folder.name)
def test_every_deadline_passes_in_a_story(folder: Path) -> None:
    """But for terms that only a script reckons with, as when the next shift begins: nobody can be late for them."""
    deadlines = tomllib.loads((folder / "type.toml").read_text(encoding="utf-8"))["deadlines"].keys()
    reckoned = {
        name
        for script in re.findall("<bpmn:script>(.*?)</bpmn:script>", (folder / "process.bpmn").read_text("utf-8"), re.S)
        for name in re.findall(r'due\("(\w+)"\)', script)
    }
    passed: set[str] = set()
    for story in STORIES[folder]:
        for then in (story.report.get("then", {}), *(step.get("then", {}) for step in story.steps), story.then):
            passed |= set(then.get("passed", ()))

    missing = sorted(deadlines - reckoned - passed)
    assert not missing, f"{folder.name}: in no story passes {', '.join(missing)}"


@pytest.fixture
def written(tmp_path: Path) -> Any:
    """Writes a story beside a type.toml and reads it."""

    def write(text: str) -> rehearsal.Story:
        folder = tmp_path / "binh_duong" / "BDTT"
        (folder / "scenarios").mkdir(parents=True)
        (folder / "type.toml").write_text('code = "BDTT"', encoding="utf-8")
        (folder.parent / "province.toml").write_bytes((BPMN / "binh_duong" / "province.toml").read_bytes())
        file = folder / "scenarios" / "story.toml"
        file.write_text(text, encoding="utf-8")
        return rehearsal.read(file)

    return write


@pytest.mark.parametrize(("old", "new", "why"), [
    ('status = "da_chuyen"', 'status = "dang_xu_ly"', "status is 'da_chuyen', not 'dang_xu_ly'"),
    ('["T01"]', '["T02"]', "reporter was told ['T01'], not ['T02']"),
    ("told = { reporter = [] }", 'told = { reporter = ["T01"] }', "reporter was told [], not ['T01']"),
    ('["T01"]', "[]", "reporter was told ['T01'], not []"),
    ('phan_loai = "tongdai_74"', 'phan_loai = "vpubnd_74"', "tasks is {'phan_loai': 'tongdai_74'}"),
    ("closed = false", "closed = true", "closed is False, not True"),
    ("late = false", "late = true", "late is False, not True"),
    ('due = "13:00', 'due = "13:30', "due is '13:00 03/09/2021', not '13:30 03/09/2021'"),
    ("closed = false", "closed = false, passed = ['phan_loai']", "passed are [], not ['phan_loai']"),
    ("08:31", "08:35", "don_vi_nhan is due 08:31 03/09/2021, not 08:35 03/09/2021"),
    ('who = "tongdai_74"', 'who = "vpubnd_74"', "vpubnd_74 has no task phan_loai; open are"),
    ('who = "tongdai_74"', 'who = "tongdai_99"', "tongdai_99 has no task"),
    ('task = "phan_loai"', 'task = "xu_ly"', "tongdai_74 has no task xu_ly"),
    ('quyet_dinh = "chuyen_xu_ly"', 'quyet_dinh = "khong_co"', "it was refused with 422"),
    ('area = "718" }', 'area = "718" }\nrefused = 409', "to be refused with 409, but the answer was 200"),
    ('hanh_vi = "khong_khau_trang", ', "", "it was refused with 422"),
])  # fmt: skip
def test_a_story_that_is_not_true_says_where(stage: Stage, written: Any, old: str, new: str, why: str) -> None:
    assert old in TRUE
    story = written(TRUE.replace(old, new))

    said = rehearsal.play(story, at(stage, story))

    assert said is not None and why in said and str(story.path) in said


def test_a_story_whose_case_is_held_up_says_by_what_and_since_when(stage: Stage, written: Any) -> None:
    story, runtime = written(TRUE.replace("da_chuyen", "dang_xu_ly")), stage.worker.runtime

    def receive(*report: Any) -> tuple[int, Any]:
        stage.call = call  # type: ignore[method-assign]
        answer = call(*report)
        with runtime.begin() as unit:
            incidents.open(unit, 1, ProcessFault("There is no row.", "xac_minh"), {"kind": "Deliver"})
        return answer

    call, stage.call = stage.call, receive  # type: ignore[method-assign]
    said = rehearsal.play(story, at(stage, story))
    with runtime.begin() as unit:
        unit.execute(delete(model.incidents))  # nothing else is held up

    assert said is not None and "step 2" in said
    assert f"held up since {story.begins.astimezone(ZONE):{AT}}: There is no row." in said


def test_that_story_is_true_as_it_stands(stage: Stage, written: Any) -> None:
    story = written(TRUE)

    assert rehearsal.play(story, at(stage, story)) is None


@pytest.mark.parametrize(("old", "new", "why"), [
    ("[[steps]]", "[[stepz]]", "a scenario has no 'stepz'; did you mean 'steps'?"),
    ("answers = { noi", "answrs = { noi", "there is no [report] with answers"),
    ('wait = "1 minute"', 'wait = "soon"', "'soon' is no length of time"),
    ('wait = "1 minute"', "", "step 1 must have exactly one of"),
    ('wait = "1 minute"', 'wait = "1 minute"\nuntil = "08:00 03/09/2021"', "it has 2 of them"),
    ('who = "tongdai_74"\n', "", "step 2 does not say who does it"),
    ("late = false", "lat = false", "then of step 1 has no 'lat'; did you mean 'late'?"),
    ('due = "13:00 03/09/2021"', 'due = "13:00"', "'13:00' is no time"),
    ("[report]", "[[earlier]]\nanswrs = {}\n[report]", "[[earlier]] has no 'answrs'; did you mean 'answers'?"),
    ("title = ", "title ", "cannot be read"),
])  # fmt: skip
def test_a_scenario_that_is_misspelt_is_refused(written: Any, old: str, new: str, why: str) -> None:
    assert old in TRUE
    with pytest.raises(InvalidRequest) as refused:
        written(TRUE.replace(old, new, 1))

    assert why in refused.value.detail and "story.toml" in refused.value.detail
