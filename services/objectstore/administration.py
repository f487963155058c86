"""The RPCs for a store as a whole. Law: translate, ask, translate; as in `servicer`."""

# ruff: noqa: ARG002, N802 - gRPC has the context in its signature, and names the methods

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import grpc.aio

from batos.v1 import admin_pb2 as pb
from batos.v1.admin_pb2_grpc import AdministrationServicer as GeneratedServicer
from objectstore.backups import BackupPart, Entries, Footer, Header, Pair
from objectstore.check import Report, check
from objectstore.export import export
from objectstore.ledger_store import LedgerStore
from objectstore.restore import restore

Context = grpc.aio.ServicerContext[Any, Any]


class AdministrationServicer(GeneratedServicer):
    """Saves, restores and checks a store; `version` is that of the suite."""

    def __init__(self, store: LedgerStore, version: str) -> None:
        self._store, self._version = store, version

    async def Export(self, request: pb.ExportRequest, context: Context) -> AsyncGenerator[pb.ExportResponse]:
        """Tell all that a backup needs."""
        async with aclosing(export(self._store.ledger, self._version)) as parts:
            async for part in parts:
                yield part_to_wire(part)

    async def Import(self, request_iterator: AsyncIterator[pb.ImportRequest], context: Context) -> pb.ImportResponse:
        """Fill an empty store."""
        async with aclosing(_parts(request_iterator)) as parts:
            entries, token = await restore(self._store, parts)
        return pb.ImportResponse(entries=entries, token=str(token))

    async def Check(self, request: pb.CheckRequest, context: Context) -> AsyncGenerator[pb.CheckResponse]:
        """Tell what is wrong."""
        async with aclosing(check(self._store.ledger)) as reports:
            async for report in reports:
                yield report_to_wire(report)


def part_to_wire(part: BackupPart) -> pb.ExportResponse:
    """The message for a part of a backup."""
    match part:
        case Header():
            header = pb.ExportHeader(format=part.format, epoch=part.epoch, revision=part.revision, version=part.version)
            return pb.ExportResponse(header=header)
        case Entries():
            entries = [pb.ExportEntry(key=pair.key, value=pair.value) for pair in part.pairs]
            return pb.ExportResponse(entries=pb.ExportEntries(entries=entries))
        case Footer():
            return pb.ExportResponse(footer=pb.ExportFooter(entries=part.entries, digest=part.digest))


def part_from_wire(part: pb.ExportResponse) -> BackupPart:
    """The part that a message is; one that says nothing holds no entry."""
    match part.WhichOneof("part"):
        case "header":
            header = part.header
            return Header(header.format, header.epoch, header.revision, header.version)
        case "footer":
            return Footer(part.footer.entries, part.footer.digest)
        case _:
            return Entries([Pair(entry.key, entry.value) for entry in part.entries.entries])


def report_to_wire(report: Report) -> pb.CheckResponse:
    """The message for a part of a report."""
    problems = [
        pb.Problem(kind=problem.kind, key=problem.key, text=problem.text, error=problem.error)
        for problem in report.problems
    ]
    return pb.CheckResponse(problems=problems, keys=report.keys, revision=report.revision, done=report.done)


async def _parts(requests: AsyncIterator[pb.ImportRequest]) -> AsyncGenerator[BackupPart]:
    async for request in requests:
        yield part_from_wire(request.part)
