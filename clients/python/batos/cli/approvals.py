"""`batctl method approve` and `reject`. Law: what a person decides is kept with the version, with who and why."""

import click

from batos.cli.connection import Connection, connected, wait
from batos.cli.documents import json_text
from batos.cli.parameters import output_option
from batos.cli.terminal import one_line
from batos.cli.versions import oid_argument, selector_argument, show_moved, version_argument
from batos.v1 import objectstore_pb2 as store_pb


@click.command()
@oid_argument
@selector_argument
@version_argument
@click.option("--note", default="", metavar="TEXT", help="Why, in your words; it is kept with the approval.")
@output_option
@connected
def approve(connection: Connection, *, oid: str, selector: str, number: int, note: str, output: str) -> None:
    """Approve version NUMBER (evidence E4), and let it answer SELECTOR from now on: both, or neither.

    batctl method approve policy/eu-vat rate_for 3 --note "checked by finance"
    """

    async def ask() -> store_pb.ActivateMethodResponse:
        async with connection.client() as client:
            return await client.methods.approve(oid, selector, number, note=note)

    show_moved(wait(ask()), oid, selector, output)


@click.command()
@oid_argument
@selector_argument
@version_argument
@click.option("--reason", default="", metavar="TEXT", help="Why, in your words; it is kept with the version.")
@output_option
@connected
def reject(connection: Connection, *, oid: str, selector: str, number: int, reason: str, output: str) -> None:
    """Reject version NUMBER: it is retired, and never answers. If it answers now, the selector is without a method.

    An example that it gets wrong keeps the next one from it: `batctl example add`.

      batctl method reject policy/eu-vat rate_for 3 --reason "rounds down"
    """

    async def ask() -> int:
        async with connection.client() as client:
            return (await client.methods.retire(oid, selector, number, reason=reason)).active

    active = wait(ask())
    if output == "json":
        click.echo(json_text({"active": active, "rejected": number}))
        return
    rest = f"version {active} answers" if active else "no version answers"
    click.echo(f"rejected {one_line(oid)}.{one_line(selector)} version {number}; {rest}", err=True)
