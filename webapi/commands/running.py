"""Commands about running cases: moving them to another version, intervening in one, incidents, histories, clocks."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from engine.history import exports, stays
from engine.people.access import Account
from engine.queues import incidents, outbox
from engine.runtime import Runtime
from engine.terms.calendar import ZONE
from engine.versions import migrations, modifications
from engine.work import ahead, repairs
from webapi.clock import NodeClock

REASON = click.option("--reason", required=True, help="Kept in the history.")
DAY = click.DateTime(["%Y-%m-%d"])


def add_to(main: click.Group, open_runtime: Callable[[], Runtime], by: Account) -> None:
    """Args:
    by: who does what these commands do.
    """

    def in_unit(change: Callable[[Any], Any]) -> Any:
        with open_runtime().begin() as unit:
            return change(unit)

    def seen(look: Callable[[Any], Any]) -> Any:
        with open_runtime().read() as unit:
            return look(unit)

    _add_migrate(main, in_unit, seen, by)
    _add_case(main, in_unit, seen, by)
    _add_incidents(main, in_unit, seen, by)
    _add_outbox(main, in_unit)
    _add_export(main, open_runtime, by)
    _add_recount(main, in_unit)
    _add_clock(main, open_runtime)


def _add_migrate(main: click.Group, in_unit: Callable[..., Any], seen: Callable[..., Any], by: Account) -> None:
    @main.group()
    def migrate() -> None:
        """Move running cases to another version of their report type."""

    plan = _plan_options

    @migrate.command()
    @plan
    def preview(source: int, target: int, elements: tuple[str, ...]) -> None:
        """Say how many cases could be moved, and why others could not."""

        def look(unit: Any) -> Any:
            _, there = migrations.planned(unit, source, target, _elements(elements), by=by)
            return migrations.preview(unit, there, source, _elements(elements))

        found = seen(look)
        click.echo(f"{found.running} running, {found.can_move} can move")
        tell(found.cannot)

    @migrate.command()
    @plan
    @REASON
    @click.option("--canary", type=click.IntRange(1), help="Move so many, then wait for `migrate go-on`.")
    def start(source: int, target: int, elements: tuple[str, ...], reason: str, canary: int | None) -> None:
        """Have workers move all running cases of a version."""
        made = in_unit(
            lambda unit: migrations.start(unit, source, target, reason, _elements(elements), canary, by=by)
        )
        click.echo(f"Migration {made} is under way; `thongsuot migrate show {made}` says how far it is.")

    @migrate.command()
    @click.argument("migration", type=int)
    def show(migration: int) -> None:
        """Say how far a migration is."""
        found = seen(lambda unit: migrations.show(unit, migration, by=by))
        counts = ", ".join(f"{number} {state}" for state, number in sorted(found["counts"].items()))
        click.echo(f"{found['state']}: {counts or 'no cases'}")
        tell([*found["refused"], *found["kept"]])

    for name, act in (("go-on", migrations.go_on), ("cancel", migrations.cancel), ("undo", migrations.undo)):
        migrate.add_command(_turning(name, act, in_unit, by))


def _plan_options(command: Any) -> Any:
    command = click.option("--element", "elements", multiple=True, metavar="OLD=NEW",
                           help="Where an id changed; OLD= gives up what waits there.")(command)  # fmt: skip
    command = click.argument("target", type=int)(command)
    return click.argument("source", type=int)(command)


def _turning(name: str, act: Callable[..., Any], in_unit: Callable[..., Any], by: Account) -> click.Command:
    @click.argument("migration", type=int)
    def turn(migration: int) -> None:
        in_unit(lambda unit: act(unit, migration, by=by))
        click.echo(f"Migration {migration}: {name}.")

    turn.__doc__ = (act.__doc__ or "").splitlines()[0]
    return click.command(name)(turn)


def _elements(pairs: tuple[str, ...]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for pair in pairs:
        old, sign, new = pair.partition("=")
        if not old or not sign:
            raise click.BadParameter(f"{pair!r}: write OLD=NEW.")
        found[old] = new or None
    return found


def tell(obstacles: list[Any]) -> None:
    for one in obstacles:
        click.echo(f"  {one.cases}: {one.why} ({', '.join(one.numbers[:10])}{' …' if one.cases > 10 else ''})")


def _add_case(main: click.Group, in_unit: Callable[..., Any], seen: Callable[..., Any], by: Account) -> None:
    @main.group()
    def case() -> None:
        """Intervene in one case."""

    @case.command()
    @click.argument("number")
    def tokens(number: str) -> None:
        """List where its process stands."""
        for one in seen(lambda unit: modifications.standing(unit, number, by=by)):
            around = f"  (beside {one['beside']})" if one["beside"] else ""
            click.echo(f"{one['token']:6} {one['element']:30} {one['name']}{around}")

    @case.command()
    @click.argument("number")
    @REASON
    @click.option("--cancel", "tokens", multiple=True, type=int, help="A token to take away.")
    @click.option("--before", multiple=True, help="Put a token before this element.")
    @click.option("--after", multiple=True, help="Put a token after this element.")
    @click.option("--confirmed", is_flag=True, help="Although a token could then wait for ever.")
    def modify(number: str, reason: str, tokens: tuple[int, ...], before: tuple[str, ...], after: tuple[str, ...],
               confirmed: bool) -> None:  # fmt: skip
        """Move, cancel or repeat steps."""
        put = [modifications.Start(one) for one in before] + [modifications.Start(one, "after") for one in after]
        in_unit(lambda unit: modifications.modify(unit, number, reason, [*tokens], put, confirmed=confirmed, by=by))
        click.echo(f"{number} is modified.")

    @case.command()
    @click.argument("number")
    @REASON
    def suspend(number: str, reason: str) -> None:
        """Hold it: no timer fires and nothing is taken."""
        in_unit(lambda unit: modifications.suspend(unit, number, reason, by=by))
        click.echo(f"{number} is suspended.")

    @case.command()
    @click.argument("number")
    def release(number: str) -> None:
        """Let it go on."""
        in_unit(lambda unit: modifications.release(unit, number, by=by))
        click.echo(f"{number} goes on.")


def _add_outbox(main: click.Group, in_unit: Callable[..., Any]) -> None:
    @main.group("outbox")
    def group() -> None:
        """Messages and service calls that are owed."""

    @group.command()
    @click.argument("kind", type=click.Choice(outbox.KINDS))
    def hurry(kind: str) -> None:
        """Try at once what failed and waits for its next attempt, for its gateway answers again."""
        click.echo(f"{in_unit(lambda unit: outbox.hurry(unit, kind))} are tried now.")


def _add_export(main: click.Group, open_runtime: Callable[[], Runtime], by: Account) -> None:
    @main.command()
    @click.argument("format", type=click.Choice(["xes", "ocel"]))
    @click.argument("report_type")
    @click.option("--since", type=DAY, help="Only cases opened from that local day on.")
    @click.option("--before", type=DAY, help="Only cases opened before that local day.")
    def export(format: str, report_type: str, since: Any, before: Any) -> None:
        """Write histories for process mining to the standard output; no personal data."""
        since, before = (day and day.replace(tzinfo=ZONE) for day in (since, before))
        write = exports.xes if format == "xes" else exports.ocel
        for piece in write(open_runtime(), exports.Wanted(report_type, since, before), by=by):
            sys.stdout.write(piece)


def _add_recount(main: click.Group, in_unit: Callable[..., Any]) -> None:
    @main.command()
    def recount() -> None:
        """Have the workers count anew how long cases stay where, for the heat maps, from the whole record."""
        in_unit(stays.recount)
        click.echo("The workers count it all anew; until they are done, the heat maps show a part.")


def _add_clock(main: click.Group, open_runtime: Callable[[], Runtime]) -> None:
    @main.command()
    @click.option("--hasten", is_flag=True, help="Send now what was owed while the clock was ahead.")
    def clock(hasten: bool) -> None:
        """Say how this machine's clock differs from the database's, which counts, and what that left if it was ahead.

        To be asked as soon as a clock that was ahead is put right.
        """
        runtime, node = open_runtime(), NodeClock()
        node.put_right(runtime.database)
        click.echo(f"This machine's clock is {node.wrong.total_seconds():+.1f} s from the database's.")
        with runtime.read() as unit:
            terms, owed = ahead.begun(unit), ahead.owed(unit)
        for one in terms:
            begun, due = (f"{at.astimezone(ZONE):%Y-%m-%d %H:%M}" for at in (one.started_at, one.due_at))
            click.echo(f"  {one.number} {one.name}: begun {begun}, due {due}")
        click.echo(f"{len(terms)} terms have begun in a time to come, and are due too late by as much.")
        if hasten:
            with runtime.begin() as unit:
                owed = ahead.hasten(unit)
        click.echo(f"{owed} messages {'are sent now' if hasten else 'wait for such a time: --hasten sends them now'}.")


def _add_incidents(main: click.Group, in_unit: Callable[..., Any], seen: Callable[..., Any], by: Account) -> None:
    @main.group("incidents")
    def group() -> None:
        """Steps that could not be taken."""

    @group.command("list")
    @click.option("--province", help="Only of this province.")
    def list_(province: str | None) -> None:
        """List what is open, oldest first."""
        rows = seen(lambda unit: incidents.list(unit, province=province, limit=1000))
        for row in rows:
            click.echo(f"{row.id:6} {row.number} {row.report_type} {row.element or '-'}: {row.message}")
        click.echo(f"{len(rows)} open")

    @group.command()
    @click.argument("incident_id", type=int)
    def retry(incident_id: int) -> None:
        """Take the step again, after the repair."""
        if not in_unit(lambda unit: repairs.retry(unit, incident_id, by.login)):
            raise click.ClickException("The step failed again; `thongsuot incidents list` says why.")
        click.echo(f"Incident {incident_id} is resolved.")
