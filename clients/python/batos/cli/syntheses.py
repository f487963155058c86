"""`batctl synthesis`: methods that are being written, and those that were. Law: watching changes nothing."""

from collections.abc import Sequence

import click

from batos.cli.connection import Connection, connected, wait
from batos.cli.documents import Document, json_text, local_time, reference_document, time_text
from batos.cli.evolve import show_version
from batos.cli.panel import Panel
from batos.cli.parameters import Seconds, Whole, output_option
from batos.cli.terminal import one_line, stderr
from batos.failures import from_failure
from batos.syntheses import PAGE, WATCH, State
from batos.v1 import object_pb2 as pb
from batos.v1 import synthesizer_pb2 as synthesizer_pb

STATES: tuple[State, ...] = ("running", "succeeded", "waiting", "failed", "cancelled")
ID = click.argument("synthesis_id", metavar="ID")


@click.group("synthesis")
def synthesis_group() -> None:
    """See methods that are being written, and those that were; wait for one, or end it.

    batctl send counter/main increment --async
    batctl synthesis list --state running
    batctl synthesis watch 0193f0c2
    batctl synthesis cancel 0193f0c2
    """


@synthesis_group.command()
@ID
@output_option
@connected
def get(connection: Connection, *, synthesis_id: str, output: str) -> None:
    """Tell where synthesis ID stands, who asked for what, and what came of it.

    batctl synthesis get 0193f0c2
    batctl synthesis get 0193f0c2 -o json | jq -r .state
    """

    async def ask() -> synthesizer_pb.Synthesis:
        async with connection.client() as client:
            return await client.syntheses.get(synthesis_id)

    _show(wait(ask()), output)


@synthesis_group.command()
@ID
@click.option("--timeout", type=Seconds(), default=WATCH, show_default=True, metavar="SECONDS")
@click.option("-v", "--verbose", is_flag=True, help="Tell what the personas said and wrote.")
@output_option
@connected
def watch(connection: Connection, *, synthesis_id: str, timeout: float, verbose: bool, output: str) -> None:
    """Follow synthesis ID from its first event, and wait for its end; one that has ended is told from the start too.

    The version that came of it is on stdout. One that failed fails here with the same reason and exit code.

      batctl synthesis watch 0193f0c2
    """

    async def ask(panel: Panel) -> pb.MethodVersion:
        async with connection.client() as client:
            return await client.syntheses.watch(synthesis_id, panel.tell, timeout=timeout)

    with Panel(stderr(), texts=verbose) as panel:
        method = wait(ask(panel))
    show_version(method, output)


@synthesis_group.command()
@ID
@output_option
@connected
def cancel(connection: Connection, *, synthesis_id: str, output: str) -> None:
    """End synthesis ID for all who wait for it. What is registered by then stays.

    batctl synthesis cancel 0193f0c2
    """

    async def ask() -> synthesizer_pb.Synthesis:
        async with connection.client() as client:
            return await client.syntheses.cancel(synthesis_id)

    _show(wait(ask()), output)


@synthesis_group.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(STATES), help="Only these; repeatable.")
@click.option("--limit", type=Whole(), default=PAGE, show_default=True, metavar="NUMBER", help="At most so many.")
@output_option
@connected
def list_syntheses(connection: Connection, *, states: Sequence[State], limit: int, output: str) -> None:
    """List the syntheses of the namespace, the newest first.

    batctl synthesis list
    batctl synthesis list --state failed -o json | jq -r '.[].failure.reason'
    """

    async def ask() -> list[synthesizer_pb.Synthesis]:
        async with connection.client() as client:
            return await client.syntheses.list(states, limit=limit)

    found = wait(ask())
    if output == "json":
        click.echo(json_text([synthesis_document(each) for each in found]))
        return
    for each in found:
        click.echo(_line(each))


def synthesis_document(synthesis: synthesizer_pb.Synthesis) -> Document:
    """A synthesis."""
    message = synthesis.message
    return {
        "id": synthesis.id,
        "namespace": message.namespace,
        "receiver": message.receiver,
        "selector": message.selector,
        "target": message.install_at or message.receiver,
        "intent": message.intent,
        "examples": len(message.examples),
        "asked_by": synthesis.asked_by,
        "state": state_of(synthesis),
        "evolves": synthesis.evolves,
        "created": time_text(synthesis.created),
        "ended": time_text(synthesis.ended),
        "method": reference_document(synthesis.method) if synthesis.HasField("method") else None,
        "failure": _failure(synthesis.failure) if synthesis.HasField("failure") else None,
    }


def state_of(synthesis: synthesizer_pb.Synthesis) -> str:
    """In one word; `unknown` where a later version has more."""
    known = 0 < synthesis.state <= len(STATES)
    return STATES[synthesis.state - 1] if known else "unknown"


def _failure(failure: pb.Failure) -> Document:
    error = from_failure(failure, service="synthesizer", address="")
    return {"reason": error.reason, "message": error.message, "fields": dict(error.fields)}


def _show(synthesis: synthesizer_pb.Synthesis, output: str) -> None:
    if output == "json":
        click.echo(json_text(synthesis_document(synthesis)))
        return
    click.echo(_line(synthesis))
    if synthesis.message.intent:
        click.echo(f"  intent: {one_line(synthesis.message.intent)}")
    if synthesis.HasField("failure"):
        failure = _failure(synthesis.failure)
        click.echo(f"  {failure['reason']}: {one_line(str(failure['message']))}")


def _line(synthesis: synthesizer_pb.Synthesis) -> str:
    message, method = synthesis.message, synthesis.method
    name = f"{message.install_at or message.receiver}.{message.selector}"
    better = f" better than version {synthesis.evolves}" if synthesis.evolves else ""
    came = f"  version {method.number}" if synthesis.HasField("method") else ""
    when, who = local_time(synthesis.created), one_line(synthesis.asked_by)
    return f"{synthesis.id}  {state_of(synthesis):9}  {when}  {one_line(name)}{better}{came}  {who}"
