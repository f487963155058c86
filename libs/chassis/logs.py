"""Log lines that carry the ids of the span they were written in.

Law: one record is one line, on stderr, as text for people or as JSON for machines; both have the same fields.
"""

import logging
from datetime import UTC, datetime
from json import dumps
from typing import TextIO

from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

_RECORD_FIELDS = frozenset((*vars(logging.makeLogRecord({})), "message", "asctime"))


def setup_logging(service: str, *, json: bool, worker: int = 0, level: str | int = "INFO") -> None:
    """Sends the process's log records to stderr, each with the ids of the span it was written in.

    As JSON, one object a line; else as text for people. Fields given with `extra=` are kept in both. Where the service
    has several processes, `worker` is the number of this one.
    """
    logging.basicConfig(handlers=[log_handler(service, json=json, worker=worker)], level=level, force=True)


def log_handler(service: str, *, json: bool, worker: int = 0, stream: TextIO | None = None) -> logging.Handler:
    """What `setup_logging` installs: writes to `stream`, by default stderr."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_JsonLines(service, worker) if json else _Lines(service, worker))
    return handler


class _Lines(logging.Formatter):
    """One line a record: time, level, service, logger, message, fields."""

    def __init__(self, service: str, worker: int) -> None:
        who = service.replace("%", "%%") + (f"[{worker}]" if worker else "")
        super().__init__(f"%(asctime)s %(levelname)s {who} %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        fields = "".join(f" {name}={value}" for name, value in _fields(record).items())
        return super().formatMessage(record) + fields


class _JsonLines(logging.Formatter):
    """One JSON object a record."""

    def __init__(self, service: str, worker: int) -> None:
        super().__init__()
        self._who = {"service": service, "worker": worker} if worker else {"service": service}

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            **self._who,
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return dumps(line, ensure_ascii=False, default=str)


def _fields(record: logging.LogRecord) -> dict[str, object]:
    """The ids of the span the record was written in (handlers run where the record is made), and its extra fields."""
    of = get_current_span().get_span_context()
    fields: dict[str, object] = {}
    if of.is_valid:
        fields |= {"trace_id": format_trace_id(of.trace_id), "span_id": format_span_id(of.span_id)}
    return fields | {name: value for name, value in vars(record).items() if name not in _RECORD_FIELDS}
