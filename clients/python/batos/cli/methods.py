"""`batctl method`. Law: versions are only pointed at; nothing here changes one."""

import click

from batos.cli.connection import Connection, connected, wait
from batos.cli.documents import evidence_of, json_text, local_time, method_document, method_lines, signature, tokens_of
from batos.cli.parameters import output_option
from batos.cli.terminal import one_line
from batos.v1 import object_pb2 as pb
from batos.v1 import objectstore_pb2 as store_pb

PRINCIPAL = "local"  # who approves, where authentication is off


@click.group("method")
def method_group() -> None:
    """See what an object has learned, and choose which version answers.

    batctl method list counter/main
    batctl method show counter/main increment
    batctl method activate counter/main increment 1
    """


@method_group.command("list")
@click.argument("oid")
@output_option
@connected
def list_methods(connection: Connection, *, oid: str, output: str) -> None:
    """List the methods that answer for OID itself; those of its parents are listed there.

    batctl method list counter/main
    batctl method list counter/main -o json | jq -r '.[].selector'
    """
    methods = [method for method in _versions(connection, oid) if method.active]
    if output == "json":
        click.echo(json_text([method_document(method) for method in methods]))
        return
    for method in methods:
        click.echo(f"{method.selector}{signature(method)}  version {method.number}  {evidence_of(method)}")


@method_group.command()
@click.argument("oid")
@click.argument("selector")
@click.option("--number", type=click.IntRange(min=1), default=None, help="This version, not the active one.")
@output_option
@connected
def show(connection: Connection, *, oid: str, selector: str, number: int | None, output: str) -> None:
    """Print the source of OID's method SELECTOR, and where it comes from.

    batctl method show counter/main increment
    batctl method show counter/main increment --number 1 -o json | jq -r .source
    """

    async def ask() -> pb.MethodVersion:
        async with connection.client() as client:
            return await client.methods.get(oid, selector, number or 0)

    method = wait(ask())
    click.echo(json_text(method_document(method)) if output == "json" else "\n".join(method_lines(method)))


@method_group.command()
@click.argument("oid")
@click.argument("selector")
@output_option
@connected
def history(connection: Connection, *, oid: str, selector: str, output: str) -> None:
    """List every version of OID's method SELECTOR, the active one marked.

    batctl method history counter/main increment
    """
    versions = _versions(connection, oid, selector)
    if output == "json":
        click.echo(json_text([method_document(version) for version in versions]))
        return
    for version in versions:
        mark = "*" if version.active else "-" if version.retired else " "
        origin = version.provenance
        click.echo(
            f"{mark} {version.number:3}  {evidence_of(version)}  {local_time(version.created)}  {version.digest[:10]}  "
            f"{tokens_of(version):5} tokens  {one_line(origin.asked_by)}  {one_line(origin.intent)}".rstrip()
        )


@method_group.command()
@click.argument("oid")
@click.argument("selector")
@click.argument("number", type=click.IntRange(min=0))
@click.option("--approve", default="", metavar="WHY", help="Add a person's approval (E4) to its evidence.")
@output_option
@connected
def activate(connection: Connection, *, oid: str, selector: str, number: int, approve: str, output: str) -> None:
    """Let version NUMBER answer SELECTOR from now on; 0 lets none, so that the parents are asked again.

    batctl method activate counter/main increment 1
    batctl method activate policy/eu-vat rate_for 3 --approve "checked by finance"
    """
    if approve and not number:
        raise click.UsageError("--approve needs a version to approve")

    async def ask() -> store_pb.ActivateMethodResponse:
        evidence = pb.Evidence(level=pb.EVIDENCE_LEVEL_APPROVED, by=PRINCIPAL, note=approve)
        async with connection.client() as client:
            return await client.methods.activate(oid, selector, number, evidence=evidence if approve else None)

    answer = wait(ask())
    if output == "json":
        click.echo(json_text({"active": answer.pointer.active, "before": answer.before.active}))
        return
    what = f"version {number} answers" if number else "no version answers"
    click.echo(f"{what} {one_line(oid)}.{one_line(selector)}; before, {answer.before.active or 'none'} did", err=True)


@method_group.command()
@click.argument("oid")
@click.argument("selector")
@click.argument("number", type=click.IntRange(min=1))
@connected
def retire(connection: Connection, *, oid: str, selector: str, number: int) -> None:
    """Retire version NUMBER: it answers no more and can never be activated again.

    batctl method retire counter/main increment 1
    """

    async def ask() -> pb.MethodPointer:
        async with connection.client() as client:
            return await client.methods.retire(oid, selector, number)

    active = wait(ask()).active
    rest = f"version {active} answers" if active else "no version answers now"
    click.echo(f"retired {one_line(oid)}.{one_line(selector)} version {number}; {rest}", err=True)


def _versions(connection: Connection, oid: str, selector: str = "") -> list[pb.MethodVersion]:
    async def ask() -> list[pb.MethodVersion]:
        async with connection.client() as client:
            return await client.methods.list(oid, selector)

    return wait(ask())
