"""Commands about personal data: how long it is kept, and what is known of one person."""

from __future__ import annotations

from collections.abc import Callable

import click
import orjson

from engine.erasure import dossiers, retention
from engine.people.access import Account
from engine.runtime import Runtime
from webapi import attached, config


def add_to(main: click.Group, open_runtime: Callable[[], Runtime], by: Account) -> None:
    """Args:
    by: who does what these commands do.
    """
    _add_retention(main, open_runtime)
    _add_person(main, open_runtime, by)


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
    @click.option("--reason", required=True, help="Kept in the record, and told to who has to agree. Name nobody.")
    def export(phone: str, reason: str) -> None:
        """Write out everything that is kept of them, as JSON; every case says that it was. Cases of class C2 and higher
        are left out until somebody at the office has agreed: give the command again then."""
        with open_runtime().begin() as unit:
            told = dossiers.export(unit, phone, reason, by=by)
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())

    @person.command()
    @phone
    @click.option("--reason", required=True, help="Kept in the cases' histories.")
    def erase(phone: str, reason: str) -> None:
        """Empty all their cases that are over; those that are not are named."""
        told = dossiers.erase(open_runtime(), phone, reason, by=by, store=attached.store(config.read()))
        for number, became in told.cases.items():
            click.echo(f"{number}: {became}")
        click.echo(f"{told.not_understood} messages that nobody could understand emptied.")
        click.echo(f"{sum(became == 'erased' for became in told.cases.values())} of {len(told.cases)} erased.")
