"""Commands about personal data: the keys it is sealed with, how long it is kept, and what is known of one person."""

from __future__ import annotations

from collections.abc import Callable

import click
import orjson

from engine.erasure import dossiers, retention
from engine.people.access import Account
from engine.privacy import keys
from engine.runtime import Runtime
from engine.storage import sealing
from webapi import attached, config, data_keys


def add_to(main: click.Group, open_runtime: Callable[[], Runtime], by: Account) -> None:
    """Args:
    by: who does what these commands do.
    """
    _add_keys(main, open_runtime)
    _add_retention(main, open_runtime)
    _add_person(main, open_runtime, by)


def check(runtime: Runtime) -> None:
    """Refuse to serve with keys that others could not read with, or that cannot read what others wrote."""
    with runtime.begin() as unit:
        keys.note(unit)


def _add_keys(main: click.Group, open_runtime: Callable[[], Runtime]) -> None:
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

    @group.command()
    @click.option("--print", "printed", is_flag=True, help="Only write one out, for other servers.")
    def make(printed: bool) -> None:
        """Make a new key and seal with it from now on. Servers on other machines need it in their file, too."""
        if printed:
            click.echo(data_keys.new())
            return
        runtime = open_runtime()
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
        """Forget a key that has nothing sealed any more: whoever still has it can open no copy made from now on."""
        with open_runtime().begin() as unit:
            keys.forget(unit, key_id)
            if left := attached.store(config.read()).counts()[key_id]:
                raise click.ClickException(f"{left} files are sealed with {key_id}: run `thongsuot keys rotate`.")
        _told(lambda: data_keys.drop(config.read(), key_id))
        click.echo(f"The key {key_id} is gone.")


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


def _add_retention(main: click.Group, open_runtime: Callable[[], Runtime]) -> None:
    @main.command("retention")
    @click.option("--dry-run", is_flag=True, help="Empty nothing: only say what is due.")
    def empty(dry_run: bool) -> None:
        """Empty the personal data whose time is over, as a worker does every hour; and say how things stand."""
        runtime = open_runtime()
        done = 0
        while not dry_run and (more := retention.step(runtime, attached.store(config.read()))):
            done += more
        with runtime.read() as unit:
            lines = retention.report(unit)
        for line in lines:
            term = "for ever" if line.days is None else f"{line.days:g} days"
            due = f"{line.soon} due within 30 days, {line.due} due ({line.held} held, {line.running} still running)"
            what = f"{line.report_type:8} {line.secrecy} {term:>10}"
            click.echo(f"{what}: {line.kept} kept, {due}, {line.emptied} emptied")
        late = sum(line.due - line.held - line.running for line in lines)
        click.echo(f"{late} to be emptied." if dry_run else f"{done} emptied, {late} left.")


def _add_person(main: click.Group, open_runtime: Callable[[], Runtime], by: Account) -> None:
    @main.group()
    def person() -> None:
        """What is known of one person."""

    phone = click.option("--phone", required=True, help="Their number, as people write it.")

    @person.command()
    @phone
    def export(phone: str) -> None:
        """Write out everything that is kept of them, as JSON; every case says that it was."""
        with open_runtime().begin() as unit:
            told = dossiers.export(unit, phone, by=by)
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())

    @person.command()
    @phone
    @click.option("--reason", required=True, help="Kept in the cases' histories.")
    def erase(phone: str, reason: str) -> None:
        """Empty all their cases that are over; those that are not are named."""
        told = dossiers.erase(open_runtime(), phone, reason, by=by, store=attached.store(config.read()))
        for number, became in told.cases.items():
            click.echo(f"{number}: {became}")
        click.echo(f"{sum(became == 'erased' for became in told.cases.values())} of {len(told.cases)} erased.")
