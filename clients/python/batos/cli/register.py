"""`batctl method register`. Law: what the audit refuses is not kept; no proof is claimed for what nobody tried."""

from pathlib import Path

import click

from batos.cli.audit import finding_lines, source_of
from batos.cli.connection import Connection, connected, wait
from batos.cli.documents import json_text, method_document
from batos.cli.parameters import output_option
from batos.cli.terminal import one_line
from batos.cli.versions import oid_argument, selector_argument
from batos.errors import AuditRejected
from batos.methods import PRINCIPAL
from batos.v1 import object_pb2 as pb
from batos.v1 import synthesizer_pb2 as synthesizer_pb


@click.command()
@oid_argument
@selector_argument
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False))
@click.option("--activate", is_flag=True, help="Let it answer from now on.")
@click.option("--intent", default="", metavar="TEXT", help="What the method is for, in your words.")
@output_option
@connected
def register(
    connection: Connection, *, oid: str, selector: str, file: Path, activate: bool, intent: str, output: str
) -> None:
    """Register the Python source in FILE (`-` for stdin) as the next version of OID's method SELECTOR.

    It is audited first, and refused where the audit finds an error. It carries no evidence: nothing was tried.

    batctl method register counter/main increment increment.py
    batctl method register counter/main increment - --activate < increment.py
    """
    source = source_of(file)

    async def ask() -> pb.MethodVersion:
        async with connection.client() as client:
            audit = await client.audit(source, selector)
            for line in finding_lines(str(file), audit.findings):
                click.echo(line, err=True)
            if not audit.passed:
                raise _refused(audit)
            registered = await client.methods.register(
                oid,
                selector,
                source,
                provenance=pb.Provenance(asked_by=PRINCIPAL, intent=intent),
                findings=audit.findings,
                activate=activate,
            )
            return registered.method

    method = wait(ask())
    if output == "json":
        click.echo(json_text(method_document(method)))
        return
    words = f"{one_line(oid)} {one_line(selector)} {method.number}"
    rest = "active" if method.active else f"not active: batctl method activate {words}"
    click.echo(f"registered {one_line(oid)}.{one_line(selector)} version {method.number}, {rest}", err=True)


def _refused(audit: synthesizer_pb.AuditResponse) -> AuditRejected:
    errors = sum(1 for finding in audit.findings if finding.severity == pb.SEVERITY_ERROR)
    hint = "correct it, and register it again; `batctl audit --rules` tells what is allowed"
    return AuditRejected(f"the audit found {errors} errors; nothing was registered", fields={"hint": hint})
