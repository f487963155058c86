"""Send messages to objects. Law: a message takes effect at most once, however often the client has to try.

Every message carries a request id of the client's making, so that it may be sent again when a service cannot be
reached: the dispatcher answers with the kept reply if the first one did arrive. What was refused as OVERLOADED had no
effect: it is sent again, request id or not, at growing distances for as long as its own timeout lasts. Everything else
that fails is told at once, as a BatosError; where the effect is not known, its `request_id` is what to send again with.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Literal, Self

import grpc

from batos.addresses import Addresses
from batos.administration import Administration
from batos.channel import SHORT, Service
from batos.errors import (
    BatosError,
    Conflict,
    DeadlineExceeded,
    Overloaded,
    StoreUnavailable,
    SynthesisPending,
    Unreachable,
)
from batos.examples import Example
from batos.identifiers import TraceParent, new_request_id
from batos.kept_examples import KeptExamples
from batos.methods import Methods
from batos.objects import Objects
from batos.pipeline import Pipeline, Unpipelined
from batos.replies import Reply, reply_from_wire
from batos.switch import Switch
from batos.syntheses import OnEvent, Syntheses
from batos.v1 import dispatcher_pb2 as dispatcher_pb
from batos.v1 import object_pb2 as pb
from batos.v1 import synthesizer_pb2 as synthesizer_pb
from batos.v1.dispatcher_pb2_grpc import DispatcherStub
from batos.v1.synthesizer_pb2_grpc import SynthesizerStub
from batos.values import map_to_wire, to_wire

Consistency = Literal["minimize_latency", "at_least", "full"]
OnMiss = Literal["wait", "async", "never"]

DEADLINE = 300.0  # seconds; a miss takes as long as a synthesis
PATIENCE = 10.0  # seconds for which a service that cannot be reached is tried again
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_LONGEST_OVERLOAD = 15.0  # seconds
_SYNTHESIS_KEY = "batos-synthesis"


class Client:
    """Objects of one namespace, over one channel to each service. Close it, or use it in `async with`.

    Make it inside a running event loop; it connects at the first request. All its senders share one stream, which costs
    a small part of a call for each message; `pipeline=False`, or a dispatcher that serves none, makes each message a
    call of its own.
    """

    def __init__(
        self,
        addresses: Addresses | None = None,
        *,
        namespace: str = "default",
        patience: float = PATIENCE,
        pipeline: bool = True,
    ) -> None:
        addresses = addresses or Addresses()
        self._dispatcher = Service.at("dispatcher", addresses.dispatcher)
        self._synthesizer = Service.at("synthesizer", addresses.synthesizer)
        self._objectstore = Service.at("objectstore", addresses.objectstore)
        self._namespace = namespace
        self._patience = patience
        self._pipeline = Pipeline(self._dispatcher) if pipeline else None
        self.objects = Objects(self._objectstore, namespace)
        self.methods = Methods(self._objectstore, namespace)
        self.examples = KeptExamples(self._objectstore, namespace)
        self.syntheses = Syntheses(self._synthesizer, namespace)
        self.switch = Switch(self._objectstore)
        self.administration = Administration(self._objectstore)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the channels; requests in flight are cancelled."""
        if self._pipeline is not None:
            await self._pipeline.close()
        for service in (self._dispatcher, self._synthesizer, self._objectstore):
            await service.channel.close()

    async def send(
        self,
        receiver: str,
        selector: str,
        *arguments: object,
        keywords: Mapping[str, object] | None = None,
        intent: str = "",
        examples: Iterable[Example] = (),
        on_event: OnEvent | None = None,
        request_id: str | None = None,
        on_miss: OnMiss = "wait",
        consistency: Consistency = "minimize_latency",
        token: str = "",
        install_at: str = "",
        dry_run: bool = False,
        timeout: float = DEADLINE,  # noqa: ASYNC109 - it is the RPC's own deadline
        trace: TraceParent | None = None,
    ) -> Reply:
        """Send one message to one object and wait for the answer.

        `on_event` gets the events of a synthesis as they happen; with `on_miss="async"` a miss fails at once with
        SynthesisPending, which names the synthesis (see `syntheses`). `request_id` is made where it is None; an empty
        one gives up the promise that the message takes effect at most once, and the tries that rest on it. A `token`
        from an earlier reply goes with `consistency="at_least"`. A `dry_run` tells the result and what it would write,
        and changes nothing; it takes no request id. Raises BatosError, and BadValueError for what is no value.
        """
        if request_id is None:
            request_id = "" if dry_run else new_request_id()
        message = pb.Message(
            namespace=self._namespace,
            receiver=receiver,
            selector=selector,
            arguments=[to_wire(item) for item in arguments],
            keywords=map_to_wire(keywords or {}),
            intent=intent,
            examples=[example.to_wire() for example in examples],
            request_id=request_id,
            consistency=f"CONSISTENCY_{consistency.upper()}",
            token=token,
            on_miss=f"ON_MISS_{on_miss.upper()}",
            install_at=install_at,
            dry_run=dry_run,
        )
        return await self.deliver(message, on_event=on_event, timeout=timeout, trace=trace)

    async def deliver(
        self,
        message: pb.Message,
        *,
        on_event: OnEvent | None = None,
        timeout: float = DEADLINE,  # noqa: ASYNC109 - it is the RPC's own deadline
        trace: TraceParent | None = None,
    ) -> Reply:
        """Send a message as the contract has it. Raises BatosError, whose `trace_id` and `request_id` are set."""
        trace = trace or TraceParent.new()
        began = time.monotonic()
        try:
            reply = await self._try(message, on_event, began + timeout, trace)
        except BatosError as error:
            error.trace_id, error.request_id = trace.trace_id, message.request_id
            raise
        return replace(reply, seconds=time.monotonic() - began)

    async def version(self) -> dispatcher_pb.GetVersionResponse:
        """What serves: version, jail, format. Raises BatosError."""
        stub = DispatcherStub(self._dispatcher.channel)
        return await self._dispatcher.ask(stub.GetVersion(dispatcher_pb.GetVersionRequest(), timeout=SHORT))

    async def audit(self, source: str, selector: str = "") -> synthesizer_pb.AuditResponse:
        """What the rules have against a source; it is neither run nor kept. Raises BadArguments."""
        stub = SynthesizerStub(self._synthesizer.channel)
        request = synthesizer_pb.AuditRequest(selector=selector, source=source)
        return await self._synthesizer.ask(stub.Audit(request, timeout=SHORT))

    async def rules(self) -> list[synthesizer_pb.Rule]:
        """Every rule of the audit, by id. Raises BatosError."""
        stub = SynthesizerStub(self._synthesizer.channel)
        request = synthesizer_pb.ListRulesRequest()
        return list((await self._synthesizer.ask(stub.ListRules(request, timeout=SHORT))).rules)

    async def _try(self, message: pb.Message, on_event: OnEvent | None, deadline: float, trace: TraceParent) -> Reply:
        """Send until answered, while it only fails for a service that is away or has no room, or for a conflict.

        Those who find no room come back at times of their own, not all at once. Patience begins anew where an answer
        had begun to come, and there alone: a store that times out is asked for no longer than one that is not there.
        """
        pause = crowded = _FIRST_PAUSE
        last_heard = time.monotonic()
        while True:
            began = time.monotonic()
            try:
                return await self._send_once(message, on_event, deadline - began, trace)
            except (Unreachable, StoreUnavailable) as error:
                now = time.monotonic()
                if isinstance(error, Unreachable) and error.answering:
                    last_heard = now
                wait = error.retry_seconds or pause
                if not message.request_id or now + wait > min(deadline, last_heard + self._patience):
                    raise
                pause = min(2 * pause, _LONGEST_PAUSE)
            except (Overloaded, Conflict) as error:  # neither had an effect
                last_heard = time.monotonic()
                wait = max(error.retry_seconds or 0.0, crowded) * random.uniform(1.0, 2.0)  # noqa: S311 - no secret
                if last_heard + wait > deadline:
                    raise
                crowded = min(2 * wait, _LONGEST_OVERLOAD)
            await asyncio.sleep(wait)

    async def _send_once(
        self, message: pb.Message, on_event: OnEvent | None, seconds: float, trace: TraceParent
    ) -> Reply:
        if on_event is None and self._pipeline is not None and self._pipeline.carries(message):
            try:
                return reply_from_wire(await self._pipeline.send(message, seconds, trace), message, trace)
            except Unpipelined:
                self._pipeline = None
        stub = DispatcherStub(self._dispatcher.channel)
        metadata = (("traceparent", trace.header()),)
        if on_event is None:
            unary = stub.Send(dispatcher_pb.SendRequest(message=message), timeout=seconds, metadata=metadata)
            async with self._sending(unary):
                return reply_from_wire((await unary).reply, message, trace)
        stream = stub.SendStream(dispatcher_pb.SendStreamRequest(message=message), timeout=seconds, metadata=metadata)
        came = False
        try:
            async with self._sending(stream):
                async for event in stream:
                    came = True
                    if event.HasField("reply"):
                        return reply_from_wire(event.reply, message, trace)
                    on_event(event.synthesis)
        except Unreachable as error:
            error.answering |= came
            raise
        raise BatosError("the dispatcher ended the stream without a reply; this is a bug of its")

    @asynccontextmanager
    async def _sending(self, rpc: grpc.aio.Call) -> AsyncGenerator[None, None]:
        """Turns what fails in the block into BatosError, and leaves no RPC behind it.

        gRPC answers a deadline locally; that a synthesis goes on is then known from the initial metadata alone. So is
        it that the answer to a unary request had begun to come.
        """
        try:
            async with self._dispatcher.failures():
                yield
        except (DeadlineExceeded, Unreachable) as error:
            synthesis = dict(await rpc.initial_metadata() or ()).get(_SYNTHESIS_KEY)
            if synthesis and isinstance(error, Unreachable):
                error.answering = True
            elif synthesis:
                raise SynthesisPending(
                    f"the method is still being written (synthesis {synthesis}); send again",
                    code=error.code,
                    fields={"synthesis": str(synthesis)},
                ) from None
            raise
        finally:
            rpc.cancel()


def connect(
    dispatcher: str = "",
    *,
    synthesizer: str = "",
    objectstore: str = "",
    namespace: str = "default",
    patience: float = PATIENCE,
    pipeline: bool = True,
) -> Client:
    """A client of the services at these addresses (`host:port`; the default ports of this machine where empty).

    `patience` is for how many seconds a service that cannot be reached is tried again; `pipeline` lets all messages
    share one stream.
    """
    given = {"dispatcher": dispatcher, "synthesizer": synthesizer, "objectstore": objectstore}
    return Client(Addresses().changed(given), namespace=namespace, patience=patience, pipeline=pipeline)
