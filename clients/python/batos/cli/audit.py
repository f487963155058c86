"""`batctl audit` and `batctl version`. Law: both only ask; nothing is kept."""

import sys
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

import click

from batos.cli.connection import Connection, connected, wait
from batos.cli.documents import finding_document, json_text, severity
from batos.cli.exits import Exit
from batos.cli.parameters import output_option
from batos.cli.terminal import clean, one_line
from batos.errors import BatosError
from batos.v1 import dispatcher_pb2 as dispatcher_pb
from batos.v1 import object_pb2 as pb
from batos.v1 import synthesizer_pb2 as synthesizer_pb

EXAMPLE_LINES = 8  # of what a rule refuses, for people


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, allow_dash=True, dir_okay=False))
@click.option("--selector", default="", help="What it is to answer; that of its only function by default.")
@click.option("--rules", is_flag=True, help="List every rule, with an example of what it refuses.")
@output_option
@connected
def audit(connection: Connection, *, file: Path | None, selector: str, rules: bool, output: str) -> None:
    """Say what the audit has against the Python source in FILE (`-` for stdin), like a linter.

    The exit code is 5 where the source would be refused.

      batctl audit increment.py
      batctl method show counter/main increment | batctl audit -
      batctl audit --rules
    """
    if rules == (file is not None):
        raise click.UsageError("audit takes a FILE, or --rules")
    if file is None:
        _list_rules(connection, output)
        return
    answer = _ask(connection, source_of(file), selector)
    if output == "json":
        findings = [finding_document(finding) for finding in answer.findings]
        click.echo(json_text({"passed": answer.passed, "findings": findings}))
    else:
        for line in finding_lines(str(file), answer.findings):
            click.echo(line)
    if not answer.passed:
        click.get_current_context().exit(Exit.NOT_LEARNED)


@click.command()
@output_option
@connected
def version(connection: Connection, *, output: str) -> None:
    """Tell the versions of batctl and of what serves, and the walls around the methods that run.

    batctl version
    batctl version -o json | jq -r .jail_level
    """
    own = metadata.version("batos")

    async def ask() -> dispatcher_pb.GetVersionResponse:
        async with connection.client() as client:
            return await client.version()

    if output == "text":
        click.echo(f"batctl    {own}")
    try:
        served = wait(ask())
    except BatosError:
        if output == "json":
            click.echo(json_text({"batctl": own}))
        raise
    if output == "json":
        walls = [{"name": wall.name, "applied": wall.applied, "reason": wall.reason} for wall in served.jail]
        suite = {"suite": served.version, "format": served.format, "jail_level": served.jail_level, "jail": walls}
        click.echo(json_text({"batctl": own, **suite}))
        return
    click.echo(f"services  {served.version} at {connection.addresses.dispatcher}, stored format {served.format}")
    click.echo(f"jail      {served.jail_level}")
    for wall in served.jail:
        click.echo(f"  {'+' if wall.applied else '-'} {wall.name}  {one_line(wall.reason)}".rstrip())


def finding_lines(file: str, findings: Iterable[pb.Finding]) -> Iterable[str]:
    """Findings for people, as a linter tells them."""
    for finding in findings:
        yield f"{file}:{finding.line}: {finding.rule} {severity(finding)}: {one_line(finding.reason)}"


def source_of(file: Path) -> str:
    """What is in a file, or comes on stdin for `-`. Raises UsageError."""
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"cannot read {file}: {getattr(error, 'strerror', None) or error}") from None


def _ask(connection: Connection, source: str, selector: str) -> synthesizer_pb.AuditResponse:
    async def ask() -> synthesizer_pb.AuditResponse:
        async with connection.client() as client:
            return await client.audit(source, selector)

    return wait(ask())


def _list_rules(connection: Connection, output: str) -> None:
    async def ask() -> list[synthesizer_pb.Rule]:
        async with connection.client() as client:
            return await client.rules()

    rules = wait(ask())
    if output == "json":
        words = {pb.SEVERITY_ERROR: "error", pb.SEVERITY_WARNING: "warning"}
        click.echo(
            json_text(
                [
                    {
                        "id": rule.id,
                        "severity": words.get(rule.severity, ""),
                        "reason": rule.reason,
                        "refused_example": rule.refused_example,
                    }
                    for rule in rules
                ]
            )
        )
        return
    for rule in rules:
        click.echo(f"{rule.id}  {one_line(rule.reason)}")
        example = clean(rule.refused_example).rstrip().splitlines()
        for line in [*example[:EXAMPLE_LINES], *(["..."] if len(example) > EXAMPLE_LINES else [])]:
            click.echo(f"    {line}")
