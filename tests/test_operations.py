"""The operator's pages name every setting and command there is."""

from __future__ import annotations

import re

import click
import pytest
from click.testing import CliRunner

from tests.sources import ROOT, texts
from webapi.cli import main
from webapi.config import PREFIX, SETTINGS, read


def test_the_page_of_settings_is_what_the_program_says() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")

    assert page == CliRunner().invoke(main, ["settings"]).output, "thongsuot settings > docs/configuration.md"
    assert all(setting.says.endswith(".") and setting.name.isupper() for setting in SETTINGS)


def test_no_setting_is_named_that_there_is_not() -> None:
    known = {f"{PREFIX}{setting.name}{end}" for setting in SETTINGS for end in ("", "_FILE")}
    ours = [(path.name, text) for path, text in texts() if ROOT / "tests" not in path.parents]
    named = {(file, name) for file, text in ours for name in re.findall(PREFIX + r"[A-Z][A-Z_]*[A-Z]", text)}

    assert {one for one in named if one[1] not in known} == set()
    assert len({name for _, name in named}) > 10


def walk(group: click.Group, *before: str):
    for name, command in group.commands.items():
        yield (*before, name), command
        if isinstance(command, click.Group):
            yield from walk(command, *before, name)


@pytest.mark.parametrize(("path", "command"), list(walk(main)))
def test_every_command_has_help(path, command) -> None:
    assert command.help and command.help.strip(), f"thongsuot {' '.join(path)} says nothing of itself"


def test_whoever_can_change_what_others_run_has_a_second_factor_in_production() -> None:
    said = {f"{PREFIX}PRODUCTION": "1"}
    assert read({})["SECOND_FACTOR"] == []
    assert read(said)["SECOND_FACTOR"] == ["admin", "analyst"]
    assert read(said | {f"{PREFIX}SECOND_FACTOR": ""})["SECOND_FACTOR"] == []
    assert read(said | {f"{PREFIX}SECOND_FACTOR": "office"})["SECOND_FACTOR"] == ["office"]
