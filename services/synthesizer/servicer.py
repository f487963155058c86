"""The Synthesizer service. Law: translate, ask the heart, translate; nothing else."""

# ruff: noqa: ARG002 - the context is in gRPC's signature, whether it is needed or not

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import grpc.aio

from batos.v1 import synthesizer_pb2 as pb
from batos.v1.synthesizer_pb2_grpc import SynthesizerServicer as Servicer
from kernel.errors import BadArguments
from kernel.messages import LOCAL
from kernel.objects import MAX_SOURCE_BYTES, parse_namespace, parse_selector
from kernel.synthesis import State
from synthesizer.audit import audit, passed, rules
from synthesizer.flight import Flights
from wire.enums import enum_to_wire, member_of
from wire.messages import message_from_wire
from wire.objects import finding_to_wire
from wire.synthesis import event_to_wire, synthesis_to_wire

Context = grpc.aio.ServicerContext[Any, Any]


class SynthesizerServicer(Servicer):
    """Serves syntheses and the audit."""

    def __init__(self, flights: Flights) -> None:
        self._flights = flights

    async def Synthesize(
        self, request: pb.SynthesizeRequest, context: Context
    ) -> AsyncGenerator[pb.SynthesizeResponse]:
        """Write a method, and tell what happens."""
        asked_by = request.asked_by or LOCAL
        message = message_from_wire(request.message, asked_by)
        async with aclosing(self._flights.join(message, asked_by)) as events:
            async for event in events:
                yield event_to_wire(event)

    async def Evolve(self, request: pb.EvolveRequest, context: Context) -> AsyncGenerator[pb.EvolveResponse]:
        """Write a better version, and tell what happens."""
        asked_by = request.asked_by or LOCAL
        message = message_from_wire(request.message, asked_by)
        async with aclosing(self._flights.evolve(message, asked_by)) as events:
            async for event in events:
                yield pb.EvolveResponse(event=event_to_wire(event))

    async def GetSynthesis(self, request: pb.GetSynthesisRequest, context: Context) -> pb.GetSynthesisResponse:
        """Tell where a synthesis stands."""
        record = await self._flights.get(parse_namespace(request.namespace), request.id)
        return pb.GetSynthesisResponse(synthesis=synthesis_to_wire(record))

    async def WatchSynthesis(
        self, request: pb.WatchSynthesisRequest, context: Context
    ) -> AsyncGenerator[pb.WatchSynthesisResponse]:
        """Tell what happens in a synthesis, from the start."""
        if request.after < 0:
            raise BadArguments("after counts events, from 0", field="after")
        namespace = parse_namespace(request.namespace)
        async with aclosing(self._flights.watch(namespace, request.id, request.after)) as events:
            async for event in events:
                yield pb.WatchSynthesisResponse(event=event_to_wire(event))

    async def CancelSynthesis(self, request: pb.CancelSynthesisRequest, context: Context) -> pb.CancelSynthesisResponse:
        """End a synthesis."""
        namespace = parse_namespace(request.namespace)
        record = await self._flights.cancel(namespace, request.id, request.by or LOCAL)
        return pb.CancelSynthesisResponse(synthesis=synthesis_to_wire(record))

    async def ListSyntheses(self, request: pb.ListSynthesesRequest, context: Context) -> pb.ListSynthesesResponse:
        """Tell a page of syntheses."""
        states = [member_of(State, state, "states") for state in request.states]
        namespace = parse_namespace(request.namespace)
        page = await self._flights.list(namespace, states, request.page_size, request.page_token)
        return pb.ListSynthesesResponse(
            syntheses=[synthesis_to_wire(each) for each in page.items], next_page_token=page.next_page
        )

    async def Audit(self, request: pb.AuditRequest, context: Context) -> pb.AuditResponse:
        """Say what the rules have against a source."""
        selector = parse_selector(request.selector) if request.selector else ""
        if len(request.source.encode()) > MAX_SOURCE_BYTES:
            raise BadArguments(f"a source has at most {MAX_SOURCE_BYTES} bytes", field="source")
        findings = audit(request.source, selector)
        return pb.AuditResponse(findings=[finding_to_wire(each) for each in findings], passed=passed(findings))

    async def ListRules(self, request: pb.ListRulesRequest, context: Context) -> pb.ListRulesResponse:
        """Tell every rule."""
        return pb.ListRulesResponse(
            rules=[
                pb.Rule(
                    id=rule.id,
                    severity=enum_to_wire("SEVERITY", rule.severity),
                    reason=rule.reason,
                    refused_example=rule.refused,
                )
                for rule in rules()
            ]
        )
