"""`batctl object`. Law: what changes an object names the state it was read at, where it rests on that state."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import click

from batos.cli.connection import Connection, connected, wait
from batos.cli.documents import LEVELS, MODES, json_text, object_document, object_lines
from batos.cli.parameters import NO_BOUND, Bound, Json, Named, named, output_option
from batos.cli.terminal import one_line
from batos.objects import PAGE
from batos.v1 import object_pb2 as pb
from batos.v1 import objectstore_pb2 as store_pb
from batos.values import map_from_wire


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What a command line changes of a policy; what it does not name stays."""

    synthesis: str | None
    min_evidence: str | None
    tokens_per_hour: int | None
    syntheses_per_hour: int | None
    never: Sequence[str]
    allow: Sequence[str] = ()

    def of(self, before: pb.Policy) -> pb.Policy | None:
        """The policy with what is named changed; None where nothing is. Raises UsageError."""
        if both := set(self.never) & set(self.allow):
            raise click.UsageError(f"--never and --allow name the same selector: {min(both)}")
        if self == PolicyChange(None, None, None, None, ()):
            return None
        evidence = self.min_evidence
        return pb.Policy(
            synthesis=f"SYNTHESIS_MODE_{self.synthesis.upper()}" if self.synthesis else before.synthesis,
            min_evidence=pb.EvidenceLevel.keys()[LEVELS.index(evidence)] if evidence else before.min_evidence,
            never=[selector for selector in dict.fromkeys((*before.never, *self.never)) if selector not in self.allow],
            tokens_per_hour=_bound(self.tokens_per_hour, before, "tokens_per_hour"),
            syntheses_per_hour=_bound(self.syntheses_per_hour, before, "syntheses_per_hour"),
        )


def _bound(given: int | None, before: pb.Policy, name: Literal["tokens_per_hour", "syntheses_per_hour"]) -> int | None:
    if given is None:
        return getattr(before, name) if before.HasField(name) else None
    return None if given == NO_BOUND else given


oid_argument = click.argument("oid")
parent_option = click.option("--parent", multiple=True, metavar="OID", help="A parent; repeat it, first asked first.")
synthesis_option = click.option(
    "--synthesis", type=click.Choice(MODES[1:]), help="On a miss: write a method, write it for review, or do not."
)
evidence_option = click.option(
    "--min-evidence", type=click.Choice(LEVELS[1:]), help="What a method needs to answer without a person's approval."
)
tokens_option = click.option(
    "--tokens-per-hour",
    type=Bound(),
    help="Tokens to spend in an hour on methods for it and all that inherit from it; `none`: no bound of its own.",
)
syntheses_option = click.option(
    "--syntheses-per-hour", type=Bound(), help="Syntheses that may begin in an hour, likewise; on `root`: of all."
)
never_option = click.option("--never", multiple=True, metavar="SELECTOR", help="Never to be written; repeatable.")
add_never_option = click.option(
    "--never", multiple=True, metavar="SELECTOR", help="Never to be written, beside those there are; repeatable."
)
allow_option = click.option(
    "--allow", multiple=True, metavar="SELECTOR", help="To be written after all: takes a --never back; repeatable."
)


@click.group("object")
def object_group() -> None:
    """Create, read, change, clone and delete objects.

    batctl object create counter/main --slot count=0
    batctl object clone feed feed/acme
    batctl object get counter/main
    """


@object_group.command()
@oid_argument
@parent_option
@click.option("--slot", multiple=True, type=Named(), metavar="NAME=JSON", help="A slot; repeatable.")
@synthesis_option
@evidence_option
@tokens_option
@syntheses_option
@never_option
@output_option
@connected
def create(
    connection: Connection,
    *,
    oid: str,
    parent: Sequence[str],
    slot: Sequence[tuple[str, object]],
    output: str,
    **policy: Any,
) -> None:
    """Create the object OID; its parent is `root` where none is named.

    batctl object create counter/main --slot count=0
    batctl object create feed/acme --parent feed --synthesis review
    """

    async def ask() -> store_pb.CreateObjectResponse:
        async with connection.client() as client:
            made = PolicyChange(**policy).of(pb.Policy())
            return await client.objects.create(oid, parents=parent, slots=named(slot, "--slot"), policy=made)

    _show(wait(ask()).object, output, f"created {oid}")


@object_group.command()
@oid_argument
@output_option
@connected
def get(connection: Connection, *, oid: str, output: str) -> None:
    """Show the object OID: parents, policy, slots and methods of its own.

    batctl object get counter/main
    batctl object get counter/main -o json | jq .slots.count
    """

    async def ask() -> pb.Object:
        async with connection.client() as client:
            return await client.objects.get(oid)

    thing = wait(ask())
    click.echo(json_text(object_document(thing)) if output == "json" else "\n".join(object_lines(thing)))


@object_group.command("list")
@click.argument("prefix", default="")
@click.option("--limit", type=click.IntRange(min=1), default=PAGE, show_default=True, help="At most this many.")
@output_option
@connected
def list_objects(connection: Connection, *, prefix: str, limit: int, output: str) -> None:
    """List the objects whose ids begin with PREFIX.

    batctl object list
    batctl object list feed/ -o json | jq -r '.[].id'
    """

    async def ask() -> list[pb.Object]:
        async with connection.client() as client:
            return await client.objects.list(prefix, limit=limit)

    things = wait(ask())
    if output == "json":
        click.echo(json_text([object_document(thing, slots=False) for thing in things]))
        return
    width = max((len(thing.id) for thing in things), default=0)
    for thing in things:
        active = sorted(selector for selector, row in thing.definition.methods.items() if row.active)
        click.echo(f"{thing.id:{width}}  {', '.join(active)}".rstrip())


@object_group.command()
@oid_argument
@parent_option
@click.option("--slots", type=Json(), metavar="JSON", help="All slots, in the place of those there are.")
@click.option("--slot", multiple=True, type=Named(), metavar="NAME=JSON", help="One slot, the others kept; repeatable.")
@synthesis_option
@evidence_option
@tokens_option
@syntheses_option
@add_never_option
@allow_option
@output_option
@connected
def update(
    connection: Connection,
    *,
    oid: str,
    parent: Sequence[str],
    slots: object,
    slot: Sequence[tuple[str, object]],
    output: str,
    **policy: Any,
) -> None:
    """Change parents, slots or policy of the object OID; what is not named stays.

    It fails with CONFLICT where the object was changed by another meanwhile.

      batctl object update counter/main --slot count=10
      batctl object update policy/eu-vat --synthesis review --min-evidence E4
      batctl object update policy/eu-vat --never drop --allow rate_for
      batctl object update root --tokens-per-hour 200000 --syntheses-per-hour 40
    """
    replaced = _slots(slots)
    if slot and replaced is not None:
        raise click.UsageError("--slot does not go with --slots")

    async def ask() -> store_pb.UpdateObjectResponse:
        async with connection.client() as client:
            before = await client.objects.get(oid)
            changed = PolicyChange(**policy).of(before.definition.policy)
            kept = map_from_wire(before.slots.values) | named(slot, "--slot") if slot else replaced
            return await client.objects.update(
                oid,
                parents=parent or None,
                slots=kept,
                policy=changed,
                expected_definition_revision=before.definition_revision if changed or parent else None,
                expected_slots_revision=before.slots_revision if slot else None,
            )

    _show(wait(ask()).object, output, f"updated {oid}")


@object_group.command()
@oid_argument
@connected
def delete(connection: Connection, oid: str) -> None:
    """Delete the object OID with its slots and methods. One with children is not deleted.

    batctl object delete counter/main
    """

    async def ask() -> None:
        async with connection.client() as client:
            await client.objects.delete(oid)

    wait(ask())
    click.echo(f"deleted {one_line(oid)}", err=True)


@object_group.command()
@click.argument("prototype")
@oid_argument
@output_option
@connected
def clone(connection: Connection, *, prototype: str, oid: str, output: str) -> None:
    """Create the object OID with a copy of PROTOTYPE's slots, and PROTOTYPE as its parent.

    batctl object clone feed feed/acme
    """

    async def ask() -> store_pb.CloneObjectResponse:
        async with connection.client() as client:
            return await client.objects.clone(prototype, oid)

    _show(wait(ask()).object, output, f"cloned {prototype} as {oid}")


def _slots(given: object) -> dict[str, object] | None:
    if given is not None and not isinstance(given, dict):
        raise click.UsageError('--slots takes a JSON object such as {"count": 0}')
    return cast("dict[str, object] | None", given)


def _show(thing: pb.Object, output: str, said: str) -> None:
    if output == "json":
        click.echo(json_text(object_document(thing)))
    else:
        click.echo(one_line(said), err=True)
