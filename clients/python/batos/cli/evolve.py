"""`batctl method evolve`. Law: the version alone on stdout, how it came to be on stderr."""

from collections.abc import Sequence
from typing import Any

import click

from batos.cli.connection import Connection, connected, wait
from batos.cli.documents import evidence_of, json_text, method_document
from batos.cli.panel import Panel
from batos.cli.parameters import ExampleFile, Examples, Json, Named, Seconds, TakesNumbers, named, output_option
from batos.cli.terminal import one_line, stderr
from batos.examples import Example
from batos.syntheses import WATCH
from batos.v1 import object_pb2 as pb


@click.command(cls=TakesNumbers)
@click.argument("oid")
@click.argument("selector")
@click.argument("args", nargs=-1, type=Json())
@click.option("--kw", multiple=True, type=Named(), metavar="NAME=JSON", help="A keyword; repeat it for more.")
@click.option("--intent", default="", metavar="TEXT", help="What is to be better, in your words.")
@click.option("--example", multiple=True, type=Examples(), metavar="JSON", help="An example it must pass; repeatable.")
@click.option("--examples", multiple=True, type=ExampleFile(), metavar="FILE", help="A file of examples; repeatable.")
@click.option("--timeout", type=Seconds(), default=WATCH, show_default=True, metavar="SECONDS")
@click.option("-v", "--verbose", is_flag=True, help="Tell what the personas said and wrote.")
@output_option
@connected
def evolve(
    connection: Connection,
    *,
    oid: str,
    selector: str,
    kw: Sequence[tuple[str, object]],
    args: Sequence[object],
    example: Sequence[tuple[Example, ...]],
    examples: Sequence[tuple[Example, ...]],
    verbose: bool,
    output: str,
    **options: Any,
) -> None:
    """Have a better version written of the method that answers SELECTOR for OID; ARGS are how it is sent.

    It must pass every example that is kept for the method, and yours. Where it answers recorded calls otherwise than
    the version before, it waits for your approval, and you are told how they differ.

      batctl method evolve feed/acme normalize_row --intent "keep the currency" --examples rows.json
    """

    async def ask(panel: Panel) -> pb.MethodVersion:
        async with connection.client() as client:
            return await client.syntheses.evolve(
                oid,
                selector,
                *args,
                keywords=named(kw, "--kw"),
                examples=[one for several in (*examples, *example) for one in several],
                on_event=panel.tell,
                **options,
            )

    with Panel(stderr(), texts=verbose) as panel:
        method = wait(ask(panel))
    show_version(method, output)


def show_version(method: pb.MethodVersion, output: str) -> None:
    """The version that came of a synthesis, on stdout."""
    if output == "json":
        click.echo(json_text(method_document(method)))
        return
    name = f"{method.holder}.{method.selector}"
    click.echo(f"{one_line(name)} version {method.number}  {evidence_of(method)}")
