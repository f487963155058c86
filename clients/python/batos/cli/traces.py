"""`batctl trace`. Law: reads what `batctl up` keeps, whether or not it still runs."""

from pathlib import Path

import click

from batos.cli.connection import Environment, data_option
from batos.cli.documents import json_text
from batos.cli.parameters import output_option
from batos.cli.terminal import stdout
from batos.cli.tree import summary_line, tree_document, tree_lines
from batos.errors import BatosError
from batos.local.spans import Trace, TraceFolder

WAIT = 3.0  # seconds; services hand over their spans a little later


@click.command()
@click.argument("trace_id", default="", metavar="[ID]")
@click.option("--last", type=click.IntRange(min=1), default=None, metavar="N", help="List the last N traces instead.")
@click.option("-v", "--verbose", is_flag=True, help="Show every attribute.")
@output_option
@data_option
@click.pass_obj
def trace(
    environment: Environment, *, trace_id: str, last: int | None, verbose: bool, output: str, data: Path | None
) -> None:
    """Show the newest message's trace, or the one whose id begins with ID, as a tree.

    Each line tells when a span began and how long it took, in milliseconds.

    batctl trace
    batctl trace 4bf92f35
    batctl trace --last 20
    batctl send counter/main increment -o json | jq -r .trace | xargs batctl trace
    """
    folder = TraceFolder(data or environment.data)
    if last:
        _list(folder, last, output)
        return
    found = folder.find(trace_id, wait=WAIT) if trace_id else _newest(folder)
    if found is None:
        what = f"no one trace begins with {trace_id}" if trace_id else "no trace of a message is kept"
        raise BatosError(f"{what} in {data or environment.data}", reason="TRACE_NOT_FOUND")
    if output == "json":
        click.echo(json_text(tree_document(found)))
        return
    for line in tree_lines(found, everything=verbose):
        stdout().print(line)


def _newest(folder: TraceFolder) -> Trace | None:
    newest = next((trace for trace in folder.newest() if trace.message), None)
    return folder.find(newest.trace_id, wait=WAIT) if newest else None


def _list(folder: TraceFolder, last: int, output: str) -> None:
    traces = [trace for _, trace in zip(range(last), folder.newest(), strict=False)]
    if output == "json":
        click.echo(json_text([{"trace": trace.trace_id, "milliseconds": trace.milliseconds} for trace in traces]))
        return
    for each in traces:
        stdout().print(summary_line(each))
