"""`batctl send`. Law: the result alone on stdout, so that it pipes; how it came to be on stderr."""

from collections.abc import Sequence
from typing import Any

import click

from batos.cli.connection import Connection, connected, wait
from batos.cli.documents import Document, json_text, reference_document
from batos.cli.panel import Panel
from batos.cli.parameters import ExampleFile, Examples, Json, Named, Seconds, TakesNumbers, named, output_option
from batos.cli.terminal import stderr
from batos.client import DEADLINE
from batos.examples import Example
from batos.identifiers import TraceParent
from batos.json_values import dumps, to_json
from batos.replies import Reply

HELP = """Send OID the message SELECTOR, and print the result as JSON.

If neither the object nor its parents have a method for it, one is written, proved on your examples, kept, and run; that
is shown on stderr while it happens. From then on the same version answers. Without examples it waits for a person's
approval, where the object's policy does not say otherwise.

  batctl send counter/main increment
  batctl send counter/main increment 2 --example '{"before": {"count": 1}, "args": [2], "result": 3}'
  batctl send text/helper shout '"hello"' --example '{"args": ["a b"], "result": "A B!"}'
  batctl send feed/acme normalize_row '{"Prc": "1.299,00"}' --examples rows.json | jq .price
  batctl send counter/main increment --dry-run
  batctl send counter/main increment --async

With --async a miss fails at once with SYNTHESIS_PENDING and the synthesis' id, for `batctl synthesis watch`.

ARGS are JSON: 3, 2.5, true, null, '"text"', '[1, 2]', '{"a": 1}'. Integers stay integers. What JSON has no word for:

  {"$bytes": "aGk="}      bytes, in base64
  {"$ref": "feed/acme"}   a reference to an object
  {"$float": "nan"}       also "inf", "-inf"

An example is a JSON object; every key but the outcome may be left out. The outcome is "result" or "error":

  {"before": {"count": 1},         slots before
   "args": [], "kw": {"by": 2},    the message
   "now": "2026-01-31T12:00:00Z", "seed": 1,
   "others": {"unit/eur": {}},     slots of other objects
   "result": 3,                    or "error": "METHOD_RAISED", "exception": "ValueError"
   "after": {"count": 3},          all slots after; "after_contains" compares some
   "tolerance": 0.0}               absolute, for floats

`--examples FILE` holds one such object, or a list of them. With a method there already, it must pass them, or nothing
is run.
"""


@click.command(cls=TakesNumbers, help=HELP)
@click.argument("oid")
@click.argument("selector")
@click.argument("args", nargs=-1, type=Json())
@click.option("--kw", multiple=True, type=Named(), metavar="NAME=JSON", help="A keyword; repeat it for more.")
@click.option("--intent", default="", metavar="TEXT", help="What the method is for, in your words.")
@click.option("--example", multiple=True, type=Examples(), metavar="JSON", help="An example it must pass; repeatable.")
@click.option("--examples", multiple=True, type=ExampleFile(), metavar="FILE", help="A file of examples; repeatable.")
@click.option(
    "--on-miss",
    type=click.Choice(["wait", "async", "never"]),
    default="wait",
    show_default=True,
    help="When not understood; async has it written and does not wait.",
)
@click.option("--async", "on_miss", flag_value="async", help="The same as --on-miss async.")
@click.option(
    "--install-at", default="", metavar="OID", help="The object on the lookup path that a new method goes to."
)
@click.option(
    "--consistency",
    type=click.Choice(["minimize_latency", "at_least", "full"]),
    default="minimize_latency",
    show_default=True,
    help="How new the state must be; at_least goes with --token.",
)
@click.option("--token", default="", help="From the reply that must be seen.")
@click.option("--request-id", default=None, metavar="UUID7", help="Take effect once for this id; made by default.")
@click.option("--dry-run", is_flag=True, help="Change nothing: print the result and what would be written.")
@click.option("--timeout", type=Seconds(), default=DEADLINE, show_default=True, metavar="SECONDS")
@click.option("-q", "--quiet", is_flag=True, help="Tell nothing of a synthesis.")
@click.option("-v", "--verbose", is_flag=True, help="Tell the trace, and what the personas said and wrote.")
@output_option
@connected
def send(
    connection: Connection,
    *,
    oid: str,
    selector: str,
    args: Sequence[object],
    kw: Sequence[tuple[str, object]],
    example: Sequence[tuple[Example, ...]],
    examples: Sequence[tuple[Example, ...]],
    quiet: bool,
    verbose: bool,
    output: str,
    **options: Any,
) -> None:
    """Send one message."""
    trace, console = TraceParent.new(), stderr()
    if verbose:
        console.print(f"trace {trace.trace_id}")

    async def deliver(panel: Panel) -> Reply:
        async with connection.client() as client:
            return await client.send(
                oid,
                selector,
                *args,
                keywords=named(kw, "--kw"),
                examples=[one for several in (*examples, *example) for one in several],
                on_event=None if quiet else panel.tell,
                trace=trace,
                **options,
            )

    with Panel(console, texts=verbose) as panel:
        reply = wait(deliver(panel))
    click.echo(dumps(reply.result) if output == "text" else dumps_reply(reply))
    if output == "text":
        for object_id, slots in reply.writes.items():
            console.print(f"would write {object_id}: {dumps(slots)}", markup=False, highlight=False, soft_wrap=True)


def dumps_reply(reply: Reply) -> str:
    """The whole reply as JSON."""
    document: Document = {
        "result": to_json(reply.result),
        "method": reference_document(reply.method),
        "synthesized": reply.synthesized,
        "replayed": reply.replayed,
        "token": reply.token,
        "request_id": reply.request_id,
        "trace": reply.trace_id,
        "milliseconds": round(reply.seconds * 1000, 3),
    }
    if reply.writes:
        document["writes"] = {object_id: to_json(slots) for object_id, slots in reply.writes.items()}
    return json_text(document)
