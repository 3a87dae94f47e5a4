"""What a command says when it cannot: one sentence with what to do, never a traceback."""

from __future__ import annotations

import errno
from typing import Any

import click
from sqlalchemy.exc import ArgumentError, DatabaseError, DataError, DBAPIError, IntegrityError

from engine.errors import EngineError, InvalidPackage
from webapi import config

BAD_URL = "THONGSUOT_DATABASE must be sqlite:////folder/file.db or postgresql+psycopg://user:password@host/name."

_TO_DO = {
    "unable to open": "Its folder must be there, and yours to write into.",
    "readonly": "The file and its folder must be yours to write.",
    "not a database": "Name another file in THONGSUOT_DATABASE, or put a copy back: thongsuot backup --help.",
    "malformed": "Put a copy back: thongsuot backup --help.",
    "is full": "Make room on its disk.",
    "refused": "Start PostgreSQL, or name another host or port in THONGSUOT_DATABASE.",
    "authentication failed": "Correct user and password in THONGSUOT_DATABASE.",
}


class Commands(click.Group):
    """Refusals are sentences, not tracebacks."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InvalidPackage as error:
            tell_faults(error.facts["faults"])
            raise click.ClickException(error.detail) from error
        except EngineError as error:
            raise click.ClickException(error.detail) from error
        except config.BadSetting as error:
            raise click.ClickException(str(error)) from error
        except ArgumentError as error:
            raise click.ClickException(BAD_URL) from error
        except (DataError, IntegrityError):  # a fault of ours, to be seen
            raise
        except DatabaseError as error:
            raise click.ClickException(_about_database(error)) from error
        except OSError as error:
            if error.errno == errno.EPIPE or not error.filename:  # the former is for click
                raise
            raise click.ClickException(f"{error.filename} cannot be read or written: {error.strerror}.") from error


def _about_database(error: DBAPIError) -> str:
    said = str(error.orig).strip().splitlines()[0].rstrip(".")
    if "no such table" in said or getattr(error.orig, "sqlstate", None) == "42P01":
        return "The database has no tables yet, or not all: run `thongsuot db upgrade`."
    return " ".join([f"The database cannot be used: {said}."] + [do for sign, do in _TO_DO.items() if sign in said])


def tell_faults(faults: list[dict[str, Any]], *, to_stderr: bool = True, lang: str = "en") -> None:
    """Each with its place; in Vietnamese, what kind of fault it is, and the sentence below that."""
    for fault in faults:
        place = ":".join(str(fault[key]) for key in ("file", "line", "element") if fault.get(key))
        severity, said = fault.get("severity", "error"), fault.get("message")
        if lang == "vi":
            severity = {"error": "lỗi", "warning": "cảnh báo"}[severity]
            said = f"{fault.get('vi', '')}\n      {said}"
        click.echo(f"  {severity}: {place}: {said}", err=to_stderr)
