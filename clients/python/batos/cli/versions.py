"""`batctl method`: which version answers. Law: pointers and pins move; no version changes."""

import click

from batos.cli.connection import Connection, connected, wait
from batos.cli.documents import json_text
from batos.cli.parameters import Whole, output_option
from batos.cli.terminal import one_line
from batos.client import Client
from batos.errors import MethodNotFound
from batos.methods import Pinned, Preview, Resolution
from batos.v1 import objectstore_pb2 as store_pb

TOLD = 1000  # changes that a preview names
NAMED = 10  # pins that one line names

oid_argument = click.argument("oid")
selector_argument = click.argument("selector")
version_argument = click.argument("number", type=Whole())


@click.command()
@oid_argument
@selector_argument
@click.argument("number", type=Whole(0))
@output_option
@connected
def activate(connection: Connection, *, oid: str, selector: str, number: int, output: str) -> None:
    """Let version NUMBER answer SELECTOR from now on; 0 lets none, so that the parents are asked again.

    It adds no evidence: `batctl method approve` does both.

      batctl method activate counter/main increment 1
      batctl method activate counter/main increment 0
    """

    async def ask() -> store_pb.ActivateMethodResponse:
        async with connection.client() as client:
            return await client.methods.activate(oid, selector, number)

    show_moved(wait(ask()), oid, selector, output)


@click.command()
@oid_argument
@selector_argument
@output_option
@connected
def rollback(connection: Connection, *, oid: str, selector: str, output: str) -> None:
    """Let the version answer SELECTOR that did before the active one; once more, and it is as it was.

    batctl method rollback counter/main increment
    """

    async def ask() -> store_pb.ActivateMethodResponse:
        async with connection.client() as client:
            return await client.methods.rollback(oid, selector)

    show_moved(wait(ask()), oid, selector, output)


@click.command()
@oid_argument
@selector_argument
@version_argument
@output_option
@connected
def retire(connection: Connection, *, oid: str, selector: str, number: int, output: str) -> None:
    """Retire version NUMBER: it can never be activated or pinned again. Where it is pinned already, it answers on.

    batctl method retire counter/main increment 1
    """

    async def ask() -> tuple[int, list[str]]:
        async with connection.client() as client:
            active = (await client.methods.retire(oid, selector, number)).active
            pins = await client.methods.pinned(oid, selector)
            return active, [item for item, pinned in pins.items() if pinned == number]

    active, pinned = wait(ask())
    if output == "json":
        click.echo(json_text({"active": active, "retired": number, "pinned": pinned}))
        return
    rest = f"version {active} is active" if active else "none is active"
    still = f"; it answers on where it is pinned: {', '.join(pinned[:NAMED])}" if pinned else ""
    more = f" and {len(pinned) - NAMED} more" if len(pinned) > NAMED else ""
    click.echo(f"retired {one_line(oid)}.{one_line(selector)} version {number}; {rest}{still}{more}", err=True)


@click.command()
@oid_argument
@selector_argument
@version_argument
@click.option("--holder", default="", metavar="OID", help="Who holds the version; who answers now, where left out.")
@output_option
@connected
def pin(connection: Connection, *, oid: str, selector: str, number: int, holder: str, output: str) -> None:
    """Keep OID, and all that inherit from it, on version NUMBER of SELECTOR, whatever its holder activates.

    batctl method pin counter/main increment 1
    batctl method pin feed/acme normalize_row 2 --holder feed
    """

    async def ask() -> Pinned:
        async with connection.client() as client:
            try:
                return await client.methods.pin(oid, selector, number, holder=holder)
            except MethodNotFound:
                if not holder:
                    await _see_who_answers(client, oid, selector)
                raise

    _show_pinned(wait(ask()), oid, selector, output)


@click.command()
@oid_argument
@selector_argument
@output_option
@connected
def unpin(connection: Connection, *, oid: str, selector: str, output: str) -> None:
    """Take OID's pin of SELECTOR away, if it has one.

    batctl method unpin counter/main increment
    """

    async def ask() -> Pinned:
        async with connection.client() as client:
            return await client.methods.unpin(oid, selector)

    _show_pinned(wait(ask()), oid, selector, output)


@click.command()
@oid_argument
@selector_argument
@click.argument("number", type=Whole(0))
@output_option
@connected
def preview(connection: Connection, *, oid: str, selector: str, number: int, output: str) -> None:
    """List the objects that would get another version if version NUMBER of OID's SELECTOR were activated.

    Nothing is changed. At most 1,000 objects are named; all are counted.

      batctl method preview counter increment 2
      batctl method preview counter increment 0 -o json | jq .changed
    """

    async def ask() -> Preview:
        async with connection.client() as client:
            return await client.methods.preview(oid, selector, number, limit=TOLD)

    seen = wait(ask())
    if output == "json":
        changes = [
            {"id": each.object_id, "before": _document(each.before), "after": _document(each.after)}
            for each in seen.changes
        ]
        document = {"changes": changes, "changed": seen.changed, "objects": seen.objects, "token": seen.token}
        click.echo(json_text(document))
        return
    for each in seen.changes:
        click.echo(f"{each.object_id}  {_words(each.before)} -> {_words(each.after)}")
    more = f", the first {TOLD} named" if seen.changed > len(seen.changes) else ""
    click.echo(f"{seen.changed} of {seen.objects} objects would change{more}", err=True)


async def _see_who_answers(client: Client, oid: str, selector: str) -> None:
    """Raises MethodNotFound where nobody answers, so that no holder is known; the store tells that by no field."""
    path = [oid]
    for item in path:
        definition = (await client.objects.get(item)).definition
        if selector in definition.pins or definition.methods[selector].active:
            return
        path += [parent for parent in definition.parents if parent not in path]
    hint = f"name who holds the version: batctl method pin {oid} {selector} NUMBER --holder OID"
    text = f"nobody answers {selector} for {oid} now, so there is no holder to go by"
    raise MethodNotFound(text, fields={"hint": hint})


def show_moved(answer: store_pb.ActivateMethodResponse, oid: str, selector: str, output: str) -> None:
    """Tell which version answers now, and which did."""
    active, before = answer.pointer.active, answer.before.active
    if output == "json":
        click.echo(json_text({"active": active, "before": before}))
        return
    what = f"version {active} answers" if active else "no version answers"
    click.echo(f"{what} {one_line(oid)}.{one_line(selector)}; before, {before or 'none'} did", err=True)


def _show_pinned(pinned: Pinned, oid: str, selector: str, output: str) -> None:
    if output == "json":
        click.echo(json_text({"after": _document(pinned.after), "before": _document(pinned.before)}))
        return
    now, before = _words(pinned.after), _words(pinned.before)
    click.echo(f"{now} answers {selector} for {one_line(oid)}; before, {before} did", err=True)


def _document(resolution: Resolution) -> dict[str, object]:
    return {"holder": resolution.holder, "number": resolution.number, "pinned_at": resolution.pinned_at}


def _words(resolution: Resolution) -> str:
    if not resolution.number:
        return "nothing"
    pinned = f", pinned at {resolution.pinned_at}" if resolution.pinned_at else ""
    return f"version {resolution.number} of {resolution.holder}{pinned}"
