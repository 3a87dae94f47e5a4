"""What every test can ask for: a database of each kind, a clock, a runtime.

Whatever takes `database_url` or `runtime` runs twice, on SQLite and on PostgreSQL. The controller starts one
PostgreSQL; every xdist worker has a database in it. ``THONGSUOT_TEST_POSTGRESQL`` names a running server instead.
"""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.runtime import Runtime
from tests import databases
from tests.clock import Clock
from tests.embedded_pg import running

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser import Site
    from tests.hotline import Founded, Hotline
    from tests.imapd import Server
    from tests.province import Province
    from tests.shipped import Shipped

SERVER = "THONGSUOT_TEST_POSTGRESQL"
BINARIES = "THONGSUOT_PG_BIN"
KEYS = "THONGSUOT_DATA_KEYS"  # see the package
DATABASES = ("sqlite", "postgresql")
described = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """The controller starts PostgreSQL before its workers, who inherit the environment."""
    gc.set_threshold(50_000, 20, 20)  # looking for rings among what thousands of tests keep takes a third of the time
    for name in [name for name in os.environ if name.startswith("THONGSUOT_") and name not in (SERVER, BINARIES, KEYS)]:
        del os.environ[name]  # how this machine serves is no affair of the tests
    if os.environ.get(SERVER) or config.option.collectonly:
        return
    started = ExitStack()
    try:
        server = started.enter_context(running())
    except RuntimeError as error:
        raise pytest.UsageError(str(error)) from error
    config.add_cleanup(started.close)
    started.callback(os.environ.pop, SERVER)
    os.environ[SERVER] = server.url
    config.stash[described] = f"{server.version}, binaries from {server.binaries}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Those with a browser take long, and come first: no worker is left alone with one while the other has no more."""
    items.sort(key=lambda item: "chromium" not in getattr(item, "fixturenames", ()))


def pytest_report_header(config: pytest.Config) -> str:
    return f"databases: SQLite; {config.stash.get(described, f'the PostgreSQL named by {SERVER}')}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def runtime(database_url: str, clock: Clock) -> Iterator[Runtime]:
    """The engine on an empty database, with a clock that stands still."""
    with databases.connected(database_url) as database:
        yield Runtime(database, clock)


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest) -> str:
    """A database with all tables and nothing in them."""
    return str(request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgresql_url"))


@pytest.fixture(params=DATABASES)
def bare_database_url(request: pytest.FixtureRequest, tmp_path: Path, worker_id: str) -> Iterator[str]:
    """A database without any table: what a migration starts from."""
    if request.param == "postgresql":
        with databases.created(os.environ[SERVER], f"bare_{worker_id}") as url:
            yield url
    else:
        yield f"sqlite:///{tmp_path / 'bare.db'}"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "thongsuot.db"
    databases.make_tables(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path) -> str:
    """Always the same place: what was compiled for it serves the next test."""
    return databases.replaced(sqlite_template.with_name("test.db"), sqlite_template)


@pytest.fixture
def postgresql_url(worker_database: tuple[str, Callable[[], None]]) -> str:
    url, empty = worker_database
    empty()
    return url


@pytest.fixture(scope="session")
def worker_database(worker_id: str) -> Iterator[tuple[str, Callable[[], None]]]:
    """This xdist worker's own PostgreSQL database, with all tables, and what empties it."""
    with databases.created(os.environ[SERVER], f"test_{worker_id}") as url:
        databases.make_tables(url)
        with databases.emptying(url) as empty:
            yield url, empty


@pytest.fixture(scope="session")
def founded(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Founded:
    """What founding the small hotline writes; founded once."""
    from tests.hotline import Founded

    return Founded(shutil.copyfile(sqlite_template, tmp_path_factory.mktemp("founded") / "founded.db"))


@pytest.fixture
def hotline(database_url: str, clock: Clock, tmp_path: Path, founded: Founded) -> Iterator[Hotline]:
    """A small hotline behind the API, on an empty database."""
    from tests.apps import bound
    from tests.hotline import Hotline

    with bound(database_url, tmp_path, clock) as app:
        yield Hotline(app, clock, founded)


@pytest.fixture(scope="session")
def shipped(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """What loading the shipped report types writes; loaded once."""
    from tests.shipped import Shipped

    return Shipped(shutil.copyfile(sqlite_template, tmp_path_factory.mktemp("shipped") / "shipped.db"))


@pytest.fixture
def province(database_url: str, clock: Clock, tmp_path: Path, shipped: Shipped) -> Iterator[Province]:
    """The shipped report types behind the API, with somebody in every agency."""
    from tests.province import opened

    with opened(database_url, tmp_path, clock, shipped) as province:
        yield province


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all stories of a worker; a skip where there is none."""
    from tests.browser import chromium

    with chromium() as browser:
        yield browser


@pytest.fixture
def site(chromium: Browser, sqlite_url: str, clock: Clock, tmp_path: Path, shipped: Shipped) -> Iterator[Site]:
    """The shipped provinces behind a real server, for stories in a browser; on SQLite, as it is about the pages."""
    from tests.browser import visited
    from tests.province import opened

    with opened(sqlite_url, tmp_path, clock, shipped) as province, visited(province, chromium) as site:
        yield site


@pytest.fixture(scope="session")
def mail_server() -> Iterator[Server]:
    """Where letters arrive."""
    from tests.imapd import serving

    with serving("--no-tls") as server:
        yield server
