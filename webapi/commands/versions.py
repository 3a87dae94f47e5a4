"""Commands about versions of report types: which there are, which is in force, how one differs from another."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from engine import replays
from engine.files import folders
from engine.people import accounts
from engine.people.access import Account
from engine.runtime import Runtime
from engine.terms.calendar import ZONE
from engine.versions import approvals, deployments, diffs
from webapi.commands.running import DAY, REASON, tell

InUnit = Callable[[Callable[[Any], Any]], Any]
BY = click.option("--by", "login", required=True, help="Whose decision it is: log-in of somebody who may deploy.")
SIGNS = {"added": "+", "removed": "-", "changed": "~"}


def add_to(
    main: click.Group, open_runtime: Callable[[], Runtime], instant: Callable[[str], datetime], by: Account
) -> None:
    """Args:
    by: who does what these commands do, where nobody else is named.
    """

    def in_unit(change: Callable[[Any], Any]) -> Any:
        with open_runtime().begin() as unit:
            return change(unit)

    def seen(look: Callable[[Any], Any]) -> Any:
        with open_runtime().read() as unit:
            return look(unit)

    @main.group()
    def version() -> None:
        """Say which version of a report type starts cases."""

    _add_decisions(version, in_unit, seen, instant, by)
    _add_approval(version, in_unit)
    _add_diff(main, seen, by)
    _add_replay(main, open_runtime, by)


def _add_decisions(
    version: click.Group, in_unit: InUnit, seen: InUnit, instant: Callable[[str], datetime], by: Account
) -> None:
    @version.command("list")
    @click.argument("report_type", required=False)
    @click.option("--state", type=click.Choice(deployments.STATES))
    def list_(report_type: str | None, state: str | None) -> None:
        """List versions, newest first: deployment, version, state, since when, who brought it."""
        found = seen(lambda unit: deployments.list_versions(unit, report_type, state))
        for one in found:
            since = f"{one['active_from'].astimezone(ZONE):%Y-%m-%d %H:%M}" if one["active_from"] else "-"
            told = f"{one['id']:6} {one['key']} {one['version']:4}  {one['state']:9} {since:16}"
            click.echo(f"{told}  {one['created_by']}")
        if not found:
            raise click.ClickException("There is no such version.")

    @version.command()
    @click.argument("deployment", type=int)
    @REASON
    @click.option("--from", "start", help="From when on: 2026-12-01T08:00+07:00; else now.")
    def activate(deployment: int, reason: str, start: str | None) -> None:
        """Let new cases begin with it, also with an earlier one; running cases stay with theirs."""
        active_from = instant(start) if start else None
        in_unit(lambda unit: deployments.activate(unit, deployment, reason, active_from, by=by))
        click.echo(f"Deployment {deployment} is in force {f'from {start}' if start else 'now'}.")

    @version.command()
    @click.argument("deployment", type=int)
    @REASON
    def suspend(deployment: int, reason: str) -> None:
        """No further case begins with it; its reports go elsewhere, and none is lost."""
        in_unit(lambda unit: deployments.suspend(unit, deployment, reason, by=by))
        click.echo(f"Deployment {deployment} is suspended.")

    @version.command()
    @click.argument("deployment", type=int)
    def release(deployment: int) -> None:
        """New cases may begin with it again."""
        in_unit(lambda unit: deployments.release(unit, deployment, by=by))
        click.echo(f"Deployment {deployment} takes reports.")


def _add_approval(version: click.Group, in_unit: InUnit) -> None:
    """Two people's decisions, so each is somebody's by name."""

    @version.command()
    @click.argument("deployment", type=int)
    @REASON
    @BY
    def approve(deployment: int, reason: str, login: str) -> None:
        """Let a parked version come into force: for anybody who may deploy, but who brought it."""

        def agree(unit: Any) -> Any:
            approvals.approve(unit, deployment, reason, by=accounts.account(unit, login))
            return deployments.show(unit, deployment)

        told = in_unit(agree)
        since = f"{told['active_from'].astimezone(ZONE):%Y-%m-%d %H:%M}"
        click.echo(f"Deployment {deployment} is approved by {login}: {told['state']}, from {since}.")

    @version.command()
    @click.argument("deployment", type=int)
    @REASON
    @BY
    def refuse(deployment: int, reason: str, login: str) -> None:
        """Let a parked version never come into force."""
        in_unit(lambda unit: approvals.refuse(unit, deployment, reason, by=accounts.account(unit, login)))
        click.echo(f"Deployment {deployment} is refused by {login}.")


def _add_diff(main: click.Group, seen: InUnit, by: Account) -> None:
    @main.command()
    @click.argument("what")
    @click.option("--with", "other", type=int, help="Deployment to compare with; else the one in force.")
    def diff(what: str, other: int | None) -> None:
        """Say what a version changes in meaning, and what that is for running cases.

        WHAT is a folder, not deployed yet, or the number of a deployment. Where something was only moved in the
        drawing, nothing differs.
        """
        if what.isdecimal():
            found = seen(lambda unit: diffs.of_versions(unit, int(what), other, by=by))
        else:
            files = folders.read(Path(what))
            found = seen(lambda unit: diffs.of_files(unit, files, other, by=by))
        _tell_difference(found)


def _tell_difference(found: diffs.Difference) -> None:
    new = f"version {found.new.version}" if found.new.id else "the folder"
    click.echo(f"{found.new.code}: {new} beside version {found.old.version}")
    click.echo(f"  {found.vi}\n  {found.en}")
    for change in found.changes:
        click.echo(f"{SIGNS[change.how]} {change.file}: {change.id}\n    {change.vi}\n    {change.en}")
    if found.impact is not None:
        vi, en = diffs.impact_told(found.impact)
        click.echo(f"{vi}\n{en}")
        tell(found.impact.cannot)


def _add_replay(main: click.Group, open_runtime: Callable[[], Runtime], by: Account) -> None:
    @main.command()
    @click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
    @click.option("--type", "report_type", help="Only this one of the report types under PATH.")
    @click.option("--since", type=DAY, help="Cases closed from that local day on; else of the last 30 days.")
    @click.option("--before", type=DAY, help="Cases closed before that local day; else until now.")
    @click.option("--limit", type=click.IntRange(1, replays.CASES_MAX), default=1000, show_default=True,
                  help="The newest so many.")  # fmt: skip
    def replay(path: Path, report_type: str | None, since: Any, before: Any, limit: int) -> None:
        """Say what closed cases would have become, had the edited report type in PATH been in force.

        Nothing is written. Some ten cases a second.
        """
        runtime = open_runtime()
        packages = {files["type.toml"]: files for files in map(folders.read, folders.types_in(path))}
        chosen = [files for said, files in packages.items() if report_type in (None, tomllib.loads(said)["code"])]
        if not chosen:
            raise click.ClickException(f"There is no report type {report_type or ''} under {path}.")
        end = before.replace(tzinfo=ZONE) if before else runtime.clock()
        start = since.replace(tzinfo=ZONE) if since else end - timedelta(days=30)
        for files in chosen:
            code = tomllib.loads(files["type.toml"])["code"]
            _tell_replay(code, replays.replay(runtime, files, start, end, limit, by=by))


def _tell_replay(code: str, found: replays.Replay) -> None:
    changed = ", ".join(f"{count} {aspect}" for aspect, count in found.changed.items() if count)
    click.echo(f"{code}: {found.cases} closed, {found.same} as they went; would change: {changed or 'none'}")
    for aspect, groups in found.differences.items():
        _tell_groups(aspect, groups)
    _tell_groups("answer never given", found.missing)
    _tell_groups("held up", found.held_up)
    _tell_groups("not replayed", found.left_out)


def _tell_groups(title: str, groups: list[replays.Group]) -> None:
    for one in groups:
        numbers = f"({', '.join(one.numbers[:10])}{' …' if one.cases > 10 else ''})"
        click.echo(f"  {title}, {one.cases}: {one.vi}\n    {one.en} {numbers}")
