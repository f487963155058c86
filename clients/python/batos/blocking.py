"""The same client for code that does not use asyncio. Law: no promise of its own; it waits for the asynchronous one.

    with blocking.connect("127.0.0.1:7001") as client:
        print(client.send("counter/main", "increment", keywords={"by": 2}).result)

The event loop runs in a thread of the client's own, so a client may be shared by threads; `on_event` is called there.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar

from batos import client as asynchronous
from batos.kept_examples import KeptExamples
from batos.methods import Methods
from batos.objects import Objects
from batos.switch import Switch
from batos.syntheses import Syntheses

A = TypeVar("A")
P = ParamSpec("P")
R = TypeVar("R")


class _Loop:
    """An event loop in a daemon thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="batos", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, R]) -> R:
        """Its result; cancels it where the waiting thread is interrupted."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[A]):
    of: A
    loop: _Loop


def _waits(
    method: Callable[Concatenate[A, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[_Waiting[A], P], R]:
    def wait(self: _Waiting[A], *arguments: P.args, **keywords: P.kwargs) -> R:
        return self.loop.run(method(self.of, *arguments, **keywords))

    wait.__doc__ = method.__doc__
    return wait


class BlockingObjects(_Waiting[Objects]):
    """The objects of one namespace; see `Objects`."""

    create = _waits(Objects.create)
    get = _waits(Objects.get)
    list = _waits(Objects.list)
    update = _waits(Objects.update)
    delete = _waits(Objects.delete)
    clone = _waits(Objects.clone)
    freeze = _waits(Objects.freeze)
    thaw = _waits(Objects.thaw)


class BlockingMethods(_Waiting[Methods]):
    """The method versions that objects of one namespace hold; see `Methods`."""

    list = _waits(Methods.list)
    get = _waits(Methods.get)
    register = _waits(Methods.register)
    activate = _waits(Methods.activate)
    rollback = _waits(Methods.rollback)
    preview = _waits(Methods.preview)
    pin = _waits(Methods.pin)
    unpin = _waits(Methods.unpin)
    pinned = _waits(Methods.pinned)
    approve = _waits(Methods.approve)
    retire = _waits(Methods.retire)


class BlockingExamples(_Waiting[KeptExamples]):
    """The examples that are kept for methods; see `KeptExamples`."""

    add = _waits(KeptExamples.add)
    list = _waits(KeptExamples.list)
    withdraw = _waits(KeptExamples.withdraw)


class BlockingSwitch(_Waiting[Switch]):
    """The kill switch; see `Switch`."""

    freeze = _waits(Switch.freeze)
    thaw = _waits(Switch.thaw)
    frozen = _waits(Switch.frozen)


class BlockingSyntheses(_Waiting[Syntheses]):
    """The syntheses of one namespace; see `Syntheses`."""

    get = _waits(Syntheses.get)
    watch = _waits(Syntheses.watch)
    cancel = _waits(Syntheses.cancel)
    list = _waits(Syntheses.list)
    evolve = _waits(Syntheses.evolve)


class BlockingClient(_Waiting[asynchronous.Client]):
    """Objects of one namespace; see `Client`."""

    send = _waits(asynchronous.Client.send)
    deliver = _waits(asynchronous.Client.deliver)
    version = _waits(asynchronous.Client.version)
    audit = _waits(asynchronous.Client.audit)
    rules = _waits(asynchronous.Client.rules)

    @property
    def objects(self) -> BlockingObjects:
        """The objects."""
        return BlockingObjects(self.of.objects, self.loop)

    @property
    def methods(self) -> BlockingMethods:
        """The method versions."""
        return BlockingMethods(self.of.methods, self.loop)

    @property
    def examples(self) -> BlockingExamples:
        """The examples that are kept."""
        return BlockingExamples(self.of.examples, self.loop)

    @property
    def switch(self) -> BlockingSwitch:
        """The kill switch."""
        return BlockingSwitch(self.of.switch, self.loop)

    @property
    def syntheses(self) -> BlockingSyntheses:
        """Methods that are being written, and those that were."""
        return BlockingSyntheses(self.of.syntheses, self.loop)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the channels and end the thread."""
        self.loop.run(self.of.close())
        self.loop.close()


def connect(
    dispatcher: str = "",
    *,
    synthesizer: str = "",
    objectstore: str = "",
    namespace: str = "default",
    patience: float = asynchronous.PATIENCE,
    pipeline: bool = True,
) -> BlockingClient:
    """A blocking client; takes what `batos.connect` takes."""

    async def make() -> asynchronous.Client:  # inside the loop that its channels belong to
        return asynchronous.connect(
            dispatcher,
            synthesizer=synthesizer,
            objectstore=objectstore,
            namespace=namespace,
            patience=patience,
            pipeline=pipeline,
        )

    loop = _Loop()
    return BlockingClient(loop.run(make()), loop)
