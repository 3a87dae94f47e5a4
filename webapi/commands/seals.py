"""Commands about the keys that personal data is sealed with (docs/privacy.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from engine.erasure import lost_keys
from engine.people.access import Account
from engine.privacy import keys
from engine.runtime import Runtime, Unit
from engine.storage import sealing
from webapi import attached, config, data_keys

SURE = (
    "Nobody will ever read what this key has sealed. Is there a backup to go back to, should it be found, and is every "
    "server stopped?"
)


class First(Runtime):
    """The key of whoever is first to write is noted: they may seal something with it. Who only reads claims nothing."""

    @contextmanager
    def begin(self) -> Iterator[Unit]:
        runtime = super()
        with runtime.begin() as unit:
            if not keys.noted(unit):
                keys.note(unit)
            yield unit


def check(runtime: Runtime) -> None:
    """Refuse to serve with keys that others could not read with, or that cannot read what others wrote."""
    with runtime.begin() as unit:
        keys.note(unit)


def add_to(main: click.Group, open_runtime: Callable[[], Runtime], by: Account) -> None:
    """Args:
    open_runtime: although keys are missing.
    by: who gives one up.
    """
    @main.group("keys")
    def group() -> None:
        """The keys that personal data is sealed with."""

    @group.command("list")
    def list_keys() -> None:
        """Which keys there are, the newest last, and how many values each has sealed."""
        with open_runtime().read() as unit:
            counts, lacking = keys.counts(unit), keys.missing(unit)
        sealed = attached.store(config.read()).counts()
        for key_id in [*lacking, *sealing.ring().by_id]:
            here = "NOT HERE" if key_id in lacking else "newest" if key_id == sealing.ring().newest.id else ""
            click.echo(f"{key_id} {counts.get(key_id, 0):10} values {sealed[key_id]:8} files {here}".rstrip())
        click.echo(f"{keys.PLAIN:8} {counts.get(keys.PLAIN, 0):10} values {sealed[None]:8} files")

    _add_changes(group, open_runtime)
    _add_give_up(group, open_runtime, by)


def _add_changes(group: click.Group, open_runtime: Callable[[], Runtime]) -> None:
    @group.command()
    @click.option("--print", "printed", is_flag=True, help="Only write one out, for other servers.")
    def make(printed: bool) -> None:
        """Make a new key and seal with it from now on. Servers on other machines need it in their file, too."""
        if printed:
            click.echo(data_keys.new())
            return
        runtime = open_runtime()
        check(runtime)
        made = _told(lambda: data_keys.add(config.read())).newest.id
        check(runtime)
        click.echo(f"The key {made} is the newest: `thongsuot keys rotate` seals with it what others have sealed.")

    @group.command()
    def rotate() -> None:
        """Seal everything with the newest key, while the hotline goes on. Break it off and begin again as you like."""
        _rotate(open_runtime())

    @group.command()
    @click.argument("key_id")
    def drop(key_id: str) -> None:
        """Forget a key that has nothing sealed any more: whoever still has it can open no copy made from now on.

        Copies of before need it: keep it with the other keys, apart from them, until the last of those is thrown away.
        """
        with open_runtime().begin() as unit:
            keys.forget(unit, key_id)
            if left := attached.store(config.read()).counts()[key_id]:
                raise click.ClickException(f"{left} files are sealed with {key_id}: run `thongsuot keys rotate`.")
        _told(lambda: data_keys.drop(config.read(), key_id))
        click.echo(f"The key {key_id} is gone. Copies made before it was rotated still need it.")


def _add_give_up(group: click.Group, open_runtime: Callable[[], Runtime], by: Account) -> None:
    @group.command("give-up")
    @click.argument("key_id")
    @click.option("--yes", is_flag=True, help="Confirm the action without prompting.")
    def give_up(key_id: str, yes: bool) -> None:
        """A key is lost for good: empty what it has sealed, so that servers start again.

        The numbers of cases that are closed go to the standard output, all else to the error output.
        """
        if not yes:
            click.confirm(SURE, abort=True, err=True)
        with open_runtime().begin() as unit:
            given = lost_keys.give_up(unit, key_id, by=by.login)
        for number in given.ended:
            click.echo(number)
        click.echo(f"{given.cases} cases have lost what {key_id} had sealed; {len(given.ended)} of them, named above, "
                   "could not go on and are closed. Servers start again.", err=True)  # fmt: skip


def _rotate(runtime: Runtime) -> None:
    check(runtime)
    done: dict[str, int] = {}
    for table, rows in keys.rotate(runtime):
        if table not in done and done:
            click.echo("{}: {} rows".format(*list(done.items())[-1]))
        done[table] = rows
    if done:
        click.echo("{}: {} rows".format(*list(done.items())[-1]))
    store, newest = attached.store(config.read()), sealing.ring().newest.id
    for _ in store.rotate():
        pass
    with runtime.read() as unit:
        counts = {"values": keys.counts(unit), "files": store.counts()}
    for what, by_key in counts.items():
        sealed, left = by_key.pop(newest, 0), sum(by_key.values())
        click.echo(f"{sealed} {what} are sealed with {newest}, {left} are not{': run it once more.' if left else '.'}")


def _told(change: Callable[[], sealing.Ring]) -> sealing.Ring:
    try:
        return change()
    except data_keys.BadKeys as error:
        raise click.ClickException(str(error)) from error
