"""`batctl up`. Law: a client without what runs the suite can still say what is missing."""

from pathlib import Path
from urllib.parse import urlsplit

import click
from rich.text import Text

from batos.cli.connection import Environment, data_option, wait
from batos.cli.terminal import clean, stderr
from batos.errors import BatosError
from batos.local.errors import NoServices
from batos.local.ports import Ports
from batos.local.private import without_credentials

port = click.IntRange(0, 65535)


def _url(context: click.Context, parameter: click.Parameter, value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
        text = f"{without_credentials(value)!r} is no URL such as http://127.0.0.1:8080"
        raise click.BadParameter(text, context, parameter)
    return value


@click.command()
@data_option
@click.option(
    "--model",
    envvar="BATOS_MODEL",
    default="0.5b",
    show_default=True,
    show_envvar=True,
    metavar="0.5b|1.5b|FILE",
    help="The local model, or a .gguf file; it is fetched once.",
)
@click.option(
    "--persona-url",
    envvar="BATOS_PERSONA_URL",
    callback=_url,
    default="",
    show_envvar=True,
    metavar="URL",
    help="An endpoint for the personas, instead of a local model: TGI, or any OpenAI-style server.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    metavar="N",
    help="Processes of the dispatcher; clients reach them all at its one address.",
)
@click.option("--dispatcher-port", type=port, help="0 takes any.  [default: 7001 if it is free]")
@click.option("--synthesizer-port", type=port, help="0 takes any.  [default: 7002 if it is free]")
@click.option("--objectstore-port", type=port, help="0 takes any.  [default: 7003 if it is free]")
@click.option("--etcd-port", type=port, help="[default: any]")
@click.option("--model-port", type=port, help="[default: any]")
@click.pass_obj
def up(
    environment: Environment, *, data: Path | None, model: str, persona_url: str, workers: int, **ports: int | None
) -> None:
    """Start everything on this machine and stay: etcd, a model, the services. Ctrl-C stops it all.

    Objects, methods and the last traces are kept in the data folder, logs in its logs/, all for you alone to read. etcd
    is the one on PATH, else the one that pip installed. `batctl` finds the running services by itself.

    batctl up
    batctl up --data ./trial --dispatcher-port 7101
    batctl up --persona-url http://tgi.example:8080

    The exit code is 0 when it was told to stop, else it says why it could not start or go on.
    """
    given = {name.removesuffix("_port"): number for name, number in ports.items() if number is not None}
    try:
        from batos.cli.foreground import stay  # noqa: PLC0415 - a client needs none of what this one needs
    except ModuleNotFoundError as missing:
        raise NoServices(missing.name or "batos[local]") from None
    try:
        wait(
            stay(
                data=data or environment.data,
                model=model,
                persona_url=persona_url,
                workers=workers,
                ports=Ports.usual(given),
                environment=environment.variables,
            )
        )
    except BatosError as error:
        if said := error.fields.get("log"):
            stderr().print(Text(clean(said), style="dim"))
        raise
