"""Commands about who works here: accounts, and the tokens of programs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from engine.people import accounts, second_factors
from engine.people.access import ROLES, SCOPES, Account


def add_to(main: click.Group, in_unit: Callable[..., Any], seen: Callable[..., Any], by: Account) -> None:
    """Args:
    in_unit, seen: what changes something, and what only looks.
    by: who does what these commands do.
    """
    _add_users(main, in_unit, seen)
    _add_tokens(main, in_unit, seen, by)


def _add_users(main: click.Group, in_unit: Callable[..., Any], seen: Callable[..., Any]) -> None:
    @main.group()
    def user() -> None:
        """The people and programs that work here."""

    @user.command("add")
    @click.argument("login")
    @click.option("--name", required=True)
    @click.option("--role", required=True, type=click.Choice(ROLES))
    @click.option("--agency", help="Key of an agency; every role but admin and analyst needs one.")
    @click.option("--no-password", is_flag=True, help="For a program that only uses tokens.")
    def add_user(login: str, name: str, role: str, agency: str | None, no_password: bool) -> None:
        """Add an account. The password is asked for, or read from a pipe."""
        values = {"login": login, "name": name, "role": role, "agency": agency}
        values |= {} if no_password else {"password": _ask_password()}
        in_unit(lambda unit: accounts.create(unit, values, None))
        click.echo(f"{login} is added.")

    @user.command("list")
    def list_users() -> None:
        """List the accounts."""
        for row in seen(accounts.everybody):
            name = row.name if row.active else f"closed {row.name}"
            click.echo(f"{row.login:32} {row.role:9} {row.agency or '-':16} {name}")

    @user.command()
    @click.argument("login")
    def password(login: str) -> None:
        """Set a new password; it ends the account's log-ins."""
        secret = _ask_password()
        in_unit(lambda unit: accounts.change(unit, login, {"password": secret}, None))
        click.echo(f"{login} has a new password.")

    @user.command("forget-device")
    @click.argument("login")
    def forget_device(login: str) -> None:
        """Remove the second factor of LOGIN, whose device is lost. Make sure who asks."""
        in_unit(lambda unit: second_factors.remove(unit, login, None))
        click.echo(f"{login} logs in by password alone, until another device is set up.")


def _ask_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


def _add_tokens(main: click.Group, in_unit: Callable[..., Any], seen: Callable[..., Any], by: Account) -> None:
    @main.group()
    def token() -> None:
        """What programs show to say who they are."""

    @token.command("create")
    @click.argument("login")
    @click.option("--label", required=True, help="What it is for.")
    @click.option("--days", type=click.IntRange(1, 3650), help="How long it works; left out: until revoked.")
    @click.option("--scope", "scopes", multiple=True, type=click.Choice([*SCOPES]),
                  help="Only for this; may be repeated. Left out: what the account may, but for serve.")  # fmt: skip
    def create_token(login: str, label: str, days: int | None, scopes: tuple[str, ...]) -> None:
        """Make a token for LOGIN and print it, this once."""
        click.echo(in_unit(lambda unit: accounts.issue_for(unit, login, label, days, by, scopes or None)).token)

    @token.command("list")
    @click.argument("login")
    def list_tokens(login: str) -> None:
        """List the tokens of LOGIN that still work."""
        for row in seen(lambda unit: accounts.tokens_of(unit, by, login)):
            until = f"{row.expires_at:%Y-%m-%d}" if row.expires_at else "revoked"
            used = f"{row.used_at:%Y-%m-%d}" if row.used_at else "never"
            scopes = "all" if row.scopes is None else " ".join(row.scopes)
            click.echo(f"{row.id:6} {row.prefix}…  made {row.created_at:%Y-%m-%d}  used {used:10}  until {until:10}  "
                       f"{scopes:10}  {row.label}")  # fmt: skip

    @token.command()
    @click.argument("token_id", type=int)
    def revoke(token_id: int) -> None:
        """Make a token useless."""
        in_unit(lambda unit: accounts.revoke(unit, token_id, by))
        click.echo(f"Token {token_id} is revoked.")
