"""`batctl method`: what there is. Law: versions are read here; what moves pointers and pins is in `versions`."""

import difflib
from collections.abc import Mapping, Sequence

import click

from batos.cli.approvals import approve, reject
from batos.cli.connection import Connection, connected, wait
from batos.cli.documents import (
    evidence_of,
    json_text,
    levels_of,
    local_time,
    method_document,
    method_lines,
    proof_line,
    retirement_line,
    signature,
    tokens_of,
)
from batos.cli.evolve import evolve
from batos.cli.parameters import Whole, output_option
from batos.cli.register import register
from batos.cli.terminal import clean, one_line
from batos.cli.versions import activate, pin, preview, retire, rollback, unpin
from batos.v1 import object_pb2 as pb


@click.group("method")
def method_group() -> None:
    """See what an object has learned, register what you wrote, and choose which version answers.

    batctl method list counter/main
    batctl method register counter/main increment increment.py
    batctl method evolve counter/main increment --intent "refuse negative amounts"
    batctl method diff counter/main increment 1
    batctl method preview counter increment 2
    batctl method activate counter increment 2
    batctl method approve counter increment 2 --note "checked"
    batctl method rollback counter increment
    batctl method pin counter/main increment 1
    """


@method_group.command("list")
@click.argument("oid")
@output_option
@connected
def list_methods(connection: Connection, *, oid: str, output: str) -> None:
    """List the methods that OID itself decides on: its own, and those it is pinned to. Others are its parents'.

    batctl method list counter/main
    batctl method list counter/main -o json | jq -r '.[].selector'
    """
    found = wait(_decided(connection, oid))
    if output == "json":
        documents = [{**method_document(method), "pinned_at": oid if pinned else ""} for method, pinned, _ in found]
        click.echo(json_text(documents))
        return
    for method, pinned, active in found:
        holder = f" of {method.holder}" if method.holder != oid else ""
        line = f"{method.selector}{signature(method)}  version {method.number}{holder}  {evidence_of(method)}"
        hidden = f", in place of its active version {active}" if active and (holder or active != method.number) else ""
        click.echo(line + (f"  pinned{hidden}" if pinned else ""))


@method_group.command()
@click.argument("oid")
@click.argument("selector")
@click.option("--number", type=Whole(), default=None, help="This version, not the active one.")
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
    """List every version of OID's method SELECTOR: * is active, - is retired; its evidence, who approved or retired it.

    Evidence: E0 audited, E1 drafts agree, E2 passes examples, E3 replayed on recorded calls, E4 approved by a person.
    Below a version stand the objects that are pinned to it; to find them it looks at every object of the namespace.

      batctl method history counter/main increment
      batctl method history counter increment -o json | jq '.[] | select(.pinned != [])'
    """
    versions, pins, kept = wait(_history(connection, oid, selector))
    pinned = {each.number: [item for item, number in pins.items() if number == each.number] for each in versions}
    if output == "json":
        click.echo(json_text([{**method_document(version), "pinned": pinned[version.number]} for version in versions]))
        return
    for version in versions:
        mark = "*" if version.active else "-" if version.retired else " "
        origin = version.provenance
        click.echo(
            f"{mark} {version.number:3}  {levels_of(version)}  {local_time(version.created)}  {version.digest[:10]}  "
            f"{tokens_of(version):5} tokens  {origin.examples:2} examples  "
            f"{one_line(origin.asked_by)}  {one_line(origin.intent)}".rstrip()
        )
        for proof in version.evidence:
            if proof.level == pb.EVIDENCE_LEVEL_APPROVED:
                click.echo(f"       {proof_line(proof)}")
        if version.retired:
            click.echo(f"       {retirement_line(version)}")
        for item in pinned[version.number]:
            click.echo(f"       pinned at {item}")
    if not versions:
        click.echo(f"{one_line(oid)} holds no version of {one_line(selector)} itself; its parents may", err=True)
    if kept:
        click.echo(f"examples that the next must pass: {kept} (`batctl example list`)", err=True)


@method_group.command()
@click.argument("oid")
@click.argument("selector")
@click.argument("old", type=Whole())
@click.argument("new", type=Whole(), required=False)
@output_option
@connected
def diff(connection: Connection, *, oid: str, selector: str, old: int, new: int | None, output: str) -> None:
    """Show how version NEW of OID's method SELECTOR differs from version OLD; NEW is the active one where left out.

    batctl method diff counter/main increment 1
    batctl method diff counter/main increment 1 3
    """

    async def ask() -> tuple[pb.MethodVersion, pb.MethodVersion]:
        async with connection.client() as client:
            return await client.methods.get(oid, selector, old), await client.methods.get(oid, selector, new or 0)

    before, after = wait(ask())
    lines = difference(before, after)
    if output == "json":
        click.echo(json_text({"old": before.number, "new": after.number, "diff": lines}))
        return
    for line in lines:
        click.echo(clean(line))
    if not lines:
        same = "the same version" if before.number == after.number else "versions with the same source"
        click.echo(f"no difference: {before.number} and {after.number} are {same}", err=True)


for _command in (register, evolve, activate, approve, reject, rollback, retire, pin, unpin, preview):
    method_group.add_command(_command)


def difference(before: pb.MethodVersion, after: pb.MethodVersion) -> list[str]:
    """A unified diff of two sources, line by line; empty where they are the same."""
    old, new = (f"{each.holder}.{each.selector} version {each.number}" for each in (before, after))
    return list(difflib.unified_diff(before.source.splitlines(), after.source.splitlines(), old, new, lineterm=""))


async def _decided(connection: Connection, oid: str) -> Sequence[tuple[pb.MethodVersion, bool, int]]:
    """For each selector that it decides on: the version, whether a pin does, what is active in its own table."""
    async with connection.client() as client:
        definition = (await client.objects.get(oid)).definition
        own = {method.selector: method for method in await client.methods.list(oid) if method.active}
        found: list[tuple[pb.MethodVersion, bool, int]] = []
        for selector in sorted({*own, *definition.pins}):
            active = own[selector].number if selector in own else 0
            if selector in definition.pins:
                to = definition.pins[selector]
                found.append((await client.methods.get(to.holder, selector, to.number), True, active))
            else:
                found.append((own[selector], False, active))
        return found


async def _history(
    connection: Connection, oid: str, selector: str
) -> tuple[Sequence[pb.MethodVersion], Mapping[str, int], int]:
    """All versions, the pins to them by object, and how many examples the next one must pass."""
    async with connection.client() as client:
        versions = await client.methods.list(oid, selector)
        kept = await client.examples.list(oid, selector)
        return versions, await client.methods.pinned(oid, selector), sum(1 for each in kept if not each.withdrawn_by)
