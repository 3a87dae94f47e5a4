"""The command line, as somebody types at it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from click.testing import CliRunner

from webapi.cli import main


def runner(url: str, instance: Path) -> Callable[..., str]:
    """Runs a command beside whatever else uses this database; its output, after a look at the exit code."""
    environment = {"THONGSUOT_DATABASE": url, "THONGSUOT_INSTANCE": str(instance)}

    def run(*words: object, exits: int = 0, types: str | None = None, **more: str) -> str:
        done = CliRunner().invoke(main, [str(one) for one in words], input=types, env=environment | more)
        assert done.exit_code == exits, done.output
        return done.output

    return run
