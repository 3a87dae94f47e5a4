"""Commands that copy everything a hotline keeps, and put it back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from engine import backups
from engine.files.attachments import Store
from engine.privacy import keys
from engine.record import anchors
from engine.runtime import Runtime
from engine.storage import schema

LEFT_OUT = """Not in it: keys and settings, which are kept elsewhere and needed to go on:
  data.keys of the instance folder (or THONGSUOT_DATA_KEYS), without which NO personal data can ever be read again;
  secret.key there (or THONGSUOT_SECRET_KEY), the THONGSUOT_… environment;
  and demo accounts, messages.jsonl and what `units load` fetched, which are not needed."""


class Refused(click.ClickException):
    """What stood in the way."""


def add_to(main: click.Group, open_runtime: Callable[[], Runtime], open_store: Callable[[], Store],
           settings: Callable[[], dict[str, Any]]) -> None:  # fmt: skip
    @main.command()
    @click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
    def backup(file: Path) -> None:
        """Copy database and attachments to a new FILE, while everything runs.

        The copy is of one instant. It holds personal data, and no keys: keep both, and not together.
        """
        made = _told(lambda: backups.make(open_runtime(), open_store(), file, _say, settings()["PG_BIN"]))
        click.echo(f"{file}: {made['kind']} of {made['made_at']}, version {made['schema']}, "
                   f"{made['attachments']} attachments, {file.stat().st_size:,} bytes")  # fmt: skip
        click.echo(LEFT_OUT)
        if made["lost"]:
            raise Refused(f"The copy is made; but of {len(made['lost'])} attachments the file is missing or has "
                          f"changed, such as {next(iter(made['lost']))[:12]}…: see an older copy.")  # fmt: skip

    @main.command()
    @click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
    @click.option("--force", is_flag=True, help="Give up what is in the database now.")
    @click.option("--check", "only_check", is_flag=True, help="Only read FILE and say whether it is whole.")
    def restore(file: Path, force: bool, only_check: bool) -> None:
        """Put a copy made by `backup` in the place of an empty database.

        Stop web servers and workers first. Nothing is touched before FILE was read to its end.
        """
        if only_check:
            made = _told(lambda: backups.check(file, _say))
            click.echo(f"{file} is whole: {made['kind']} of {made['made_at']}, version {made['schema']}")
            return
        runtime = open_runtime()
        tools = settings()["PG_BIN"]
        made = _told(lambda: backups.restore(runtime, open_store(), file, _say, tools, force=force))
        click.echo(f"The hotline is as it was at {made['made_at']}.")
        if lost := anchors.set_aside(runtime, Path(settings()["INSTANCE"]) / "anchors"):
            click.echo(f"Anchors of {', '.join(map(str, lost))} vouched for what is lost with that; they lie in a "
                       f"folder of their own beside the others now. Put copies of them aside likewise.")  # fmt: skip
        if not schema.is_current(runtime.database):
            click.echo("Its tables are of an older version: run `thongsuot db upgrade`.")
            return
        with runtime.read() as unit:
            lacking = keys.missing(unit)
        if lacking:
            raise Refused(f"Nothing will start yet: the keys {', '.join(lacking)} for its personal data are not here. "
                          f"Put the data.keys that was kept elsewhere into the instance folder.")  # fmt: skip


def _say(line: str) -> None:
    click.echo(f"  {line}", err=True)


def _told(do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return do()
    except backups.BadBackup as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"{error.filename or 'The disk'}: {error.strerror}.") from error
