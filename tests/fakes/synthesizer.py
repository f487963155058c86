"""A synthesizer for tests of dispatch alone: registers, in the real store, sources that the test wrote down.

It writes nothing by itself. A selector without a source fails as a synthesis does of which no draft passed, or with
what `failures` has for it.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping

from kernel.errors import KernelError, SynthesisFailed
from kernel.messages import Message
from kernel.synthesis import Event, Registered, Started
from objectstore.store import Draft, Store


class ScriptedSynthesizer:
    """Registers what `sources` holds, after `gate` is open; `asked` tells every message it was asked for.

    While it is `silent` it tells nothing, not even that it began.
    """

    def __init__(self, store: Store, sources: Mapping[str, str] | None = None) -> None:
        self._store = store
        self.sources = dict(sources or {})
        self.failures: dict[str, KernelError] = {}
        self.asked: list[Message] = []
        self.began = asyncio.Event()
        self.silent = False
        self.gate = asyncio.Event()
        self.gate.set()

    async def synthesize(self, message: Message) -> AsyncGenerator[Event]:
        self.asked.append(message)
        self.began.set()
        if self.silent:
            await asyncio.Event().wait()
        yield Started(f"synthesis-{len(self.asked)}", message.target)
        await self.gate.wait()
        source = self.sources.get(message.selector)
        if source is None:
            failed = SynthesisFailed(f"no draft of {message.selector} passed its trial")
            raise self.failures.get(message.selector, failed)
        draft = Draft(message.target, message.selector, source)
        record, token = await self._store.register(message.namespace, draft, activate=True)
        yield Registered(record, token)
