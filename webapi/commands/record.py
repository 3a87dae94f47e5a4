"""Commands about the record of who did what: is it as it was written?"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path

import click

from engine.record import anchors, chain
from engine.runtime import Runtime
from webapi import config


def add_to(main: click.Group, open_runtime: Callable[[], Runtime]) -> None:
    @main.group()
    def audit() -> None:
        """The record of who did what, and its chain of hashes."""

    @audit.command()
    def show() -> None:
        """Say how far the chain is."""
        with open_runtime().read() as unit:
            state = chain.state(unit)
        click.echo(f"{state.links} links, the last of {state.day or '-'}: {state.hash or '-'}")
        click.echo(f"{state.waiting} lines wait for a worker to link them")

    @audit.command()
    def link() -> None:
        """Link what waits, and write the anchors that are due, as a worker does."""
        runtime, done = open_runtime(), 0
        while more := chain.step(runtime):
            done += more
        click.echo(f"{done} linked, {anchors.write(runtime, _folder())} anchors written")

    @audit.command()
    @click.option("--anchors", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path),
                  help="Where the anchors, or their copies, are kept; else those in the instance folder.")  # fmt: skip
    def verify(folder: Path | None) -> None:
        """Calculate the chain anew; ends with 1 if anything is not as it was linked."""
        known = anchors.read(folder or _folder())
        gc.disable()  # a link makes no rings, and looking for them among millions takes a quarter of the time
        try:
            verdict = chain.verify(open_runtime(), known, _tell)
        finally:
            gc.enable()
        if verdict.broken is not None:
            where = f"link {verdict.broken.seq} of {verdict.broken.day}: " if verdict.broken.seq else ""
            raise click.ClickException(f"{where}{verdict.broken.why}")
        click.echo(f"{verdict.links} links are as they were made; {verdict.anchors} anchors agree; "
                   f"the data of {verdict.emptied} lines was emptied, and the record says why.")  # fmt: skip
        if verdict.unanchored:
            click.echo(f"Of {len(verdict.unanchored)} days that have ended there is no anchor, the first "
                       f"{verdict.unanchored[0]}: nothing vouches for what came after the anchor before.")  # fmt: skip


def _folder() -> Path:
    return Path(config.read()["INSTANCE"]) / "anchors"


def _tell(done: int, of: int) -> None:
    if sys.stderr.isatty() or done % 100_000 == 0:
        click.echo(f"\r{done} of {of}", err=True, nl=not sys.stderr.isatty())
