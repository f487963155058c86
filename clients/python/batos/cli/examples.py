"""`batctl example`. Law: an example is added or withdrawn, never changed; each names who did it."""

from collections.abc import Sequence

import click

from batos.cli.connection import Connection, connected, wait
from batos.cli.documents import Document, json_text, local_time, time_text
from batos.cli.parameters import ExampleFile, Examples, output_option
from batos.cli.terminal import clean, one_line
from batos.cli.versions import oid_argument, selector_argument
from batos.client import Client
from batos.errors import BadArguments
from batos.examples import Example, example_to_json
from batos.json_values import dumps
from batos.v1 import objectstore_pb2 as store_pb

SHOWN = 12  # characters of a digest


@click.group("example")
def example_group() -> None:
    """Keep examples that every later version of a method must pass, list them, and take them back.

    batctl example add feed/acme normalize_row '{"args": [{"Prc": "1,50"}], "result": {"price": 1.5}}'
    batctl example list feed/acme normalize_row
    batctl example withdraw feed/acme normalize_row 3f9a12c07b1e
    """


@example_group.command()
@oid_argument
@selector_argument
@click.argument("example", nargs=-1, type=Examples())
@click.option("--examples", multiple=True, type=ExampleFile(), metavar="FILE", help="A file of examples; repeatable.")
@output_option
@connected
def add(
    connection: Connection,
    *,
    oid: str,
    selector: str,
    example: Sequence[tuple[Example, ...]],
    examples: Sequence[tuple[Example, ...]],
    output: str,
) -> None:
    """Keep each EXAMPLE for OID's method SELECTOR: every later version must pass it.

    An EXAMPLE is JSON, as `batctl send --example` takes it. The version that answers now is not tried: send the message
    with the example to have it tried. The method need not be there yet.

      batctl example add counter/main increment '{"before": {"count": 1}, "args": [2], "result": 3}'
      batctl example add feed/acme normalize_row --examples rows.json
    """
    given = [one for several in (*examples, *example) for one in several]
    if not given:
        raise click.UsageError("name an EXAMPLE, or a file of them with --examples FILE")

    async def ask() -> list[store_pb.KeptExample]:
        async with connection.client() as client:
            await client.examples.add(oid, selector, given)
            return await client.examples.list(oid, selector)

    kept = wait(ask())
    if output == "json":
        click.echo(json_text([_document(each) for each in kept]))
        return
    standing = sum(1 for each in kept if not each.withdrawn_by)
    many = "1 example is" if standing == 1 else f"{standing} examples are"
    click.echo(f"{many} kept for {one_line(oid)}.{one_line(selector)}", err=True)


@example_group.command("list")
@oid_argument
@selector_argument
@output_option
@connected
def list_examples(connection: Connection, *, oid: str, selector: str, output: str) -> None:
    """List the examples that are kept for OID's method SELECTOR, the oldest first; - marks those withdrawn.

    batctl example list counter/main increment
    batctl example list counter/main increment -o json | jq '[.[] | select(.withdrawn_by == "") | .example]'
    """

    async def ask() -> list[store_pb.KeptExample]:
        async with connection.client() as client:
            return await client.examples.list(oid, selector)

    kept = wait(ask())
    if output == "json":
        click.echo(json_text([_document(each) for each in kept]))
        return
    for each in kept:
        mark = "-" if each.withdrawn_by else " "
        text = clean(dumps(example_to_json(Example.from_wire(each.example))))
        withdrawn = f"  withdrawn by {one_line(each.withdrawn_by)}" if each.withdrawn_by else ""
        click.echo(f"{mark} {each.digest[:SHOWN]}  {local_time(each.at)}  {one_line(each.by)}  {text}{withdrawn}")
    if not kept:
        click.echo(f"no example is kept for {one_line(oid)}.{one_line(selector)}", err=True)


@example_group.command()
@oid_argument
@selector_argument
@click.argument("digest")
@output_option
@connected
def withdraw(connection: Connection, *, oid: str, selector: str, digest: str, output: str) -> None:
    """Take the example named DIGEST back: it gates no version any more. The first digits are enough.

    batctl example withdraw counter/main increment 3f9a12c07b1e
    """

    async def ask() -> store_pb.KeptExample:
        async with connection.client() as client:
            return await client.examples.withdraw(oid, selector, await _whole(client, oid, selector, digest))

    kept = wait(ask())
    if output == "json":
        click.echo(json_text(_document(kept)))
        return
    by = one_line(kept.withdrawn_by)
    click.echo(f"example {kept.digest[:SHOWN]} of {one_line(oid)}.{one_line(selector)} is withdrawn by {by}", err=True)


async def _whole(client: Client, oid: str, selector: str, digest: str) -> str:
    """The whole digest that begins so. Raises BadArguments where it is none, or there are more, or nothing is named."""
    found = [each.digest for each in await client.examples.list(oid, selector) if each.digest.startswith(digest)]
    if len(found) == 1 and digest:  # an empty one is a script's mistake, and would take back the only one there is
        return found[0]
    hint = f"see them with `batctl example list {oid} {selector}`, and give more digits of one"
    how_many = f"{len(found)} example{'s' if len(found) > 1 else ''}" if found else "no example"
    text = f"{oid}.{selector} has {how_many} whose digest begins with {digest[:80]!r}"
    raise BadArguments(text, fields={"hint": hint})


def _document(kept: store_pb.KeptExample) -> Document:
    return {
        "digest": kept.digest,
        "by": kept.by,
        "at": time_text(kept.at),
        "withdrawn_by": kept.withdrawn_by,
        "example": example_to_json(Example.from_wire(kept.example)),
    }
