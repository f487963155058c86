"""`batctl freeze` and `thaw`. Law: what answers goes on; only what would be written anew is stopped."""

from typing import Literal

import click

from batos.cli.connection import Connection, connected, wait
from batos.cli.terminal import one_line

all_option = click.option("--all", "everywhere", is_flag=True, help="In every namespace: the kill switch.")


@click.command()
@click.argument("oid", default="")
@all_option
@connected
def freeze(connection: Connection, *, oid: str, everywhere: bool) -> None:
    """Have no method written for OID, nor for any object that inherits from it: its policy becomes OFF.

    With --all no synthesis begins anywhere until `batctl thaw --all`, whatever policies say; one that runs ends, and
    what it wrote waits for `batctl method approve`. What persons register and activate goes on.

      batctl freeze feed/acme
      batctl freeze --all
    """
    _check(oid, everywhere=everywhere)

    async def ask() -> None:
        async with connection.client() as client:
            await (client.switch.freeze() if everywhere else client.objects.freeze(oid))

    wait(ask())
    what, words = ("everything", "--all") if everywhere else (one_line(oid), one_line(oid))
    click.echo(f"froze {what}: nothing is written until `batctl thaw {words}`", err=True)


@click.command()
@click.argument("oid", default="")
@all_option
@click.option(
    "--synthesis", type=click.Choice(["auto", "review"]), help="On a miss from now on; as the parents say, else."
)
@connected
def thaw(connection: Connection, *, oid: str, everywhere: bool, synthesis: Literal["auto", "review"] | None) -> None:
    """Let methods be written for OID again: as its parents say, or as --synthesis does.

    batctl thaw feed/acme
    batctl thaw feed/acme --synthesis review
    batctl thaw --all
    """
    _check(oid, everywhere=everywhere)
    if everywhere and synthesis:
        raise click.UsageError("--synthesis goes with an OID, not with --all: policies stay as they were")

    async def ask() -> None:
        async with connection.client() as client:
            await (client.switch.thaw() if everywhere else client.objects.thaw(oid, synthesis or "unspecified"))

    wait(ask())
    if everywhere:
        click.echo("thawed: syntheses begin again where policies allow them", err=True)
    else:
        click.echo(f"thawed {one_line(oid)}: synthesis {synthesis or 'as its parents say'}", err=True)


def _check(oid: str, *, everywhere: bool) -> None:
    if bool(oid) == everywhere:
        raise click.UsageError("name either an OID or --all")
