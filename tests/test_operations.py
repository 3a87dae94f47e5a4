"""The operator's page names every setting and command there is."""

from __future__ import annotations

import click
import pytest

from tests.sources import ROOT
from webapi.cli import main
from webapi.config import SETTINGS

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_is_explained(setting) -> None:
    assert f"| `{setting.name}` |" in PAGE


def walk(group: click.Group, *before: str):
    for name, command in group.commands.items():
        yield (*before, name), command
        if isinstance(command, click.Group):
            yield from walk(command, *before, name)


@pytest.mark.parametrize(("path", "command"), list(walk(main)))
def test_every_command_has_help(path, command) -> None:
    assert command.help and command.help.strip(), f"thongsuot {' '.join(path)} says nothing of itself"
