"""A bare server: `python -m bench.echo SIZE` answers every unary call with SIZE bytes, and says `ready HOST:PORT`.

Law: the chassis' options and event loop, and nothing else of it: no interceptor, no telemetry, nothing read, nothing
written. It is the ceiling that one Python process has for unary calls; with 0 bytes it is also where spans go.
"""

import asyncio
import signal
import sys
from typing import Any

import grpc
import grpc.aio
import uvloop

from chassis.address import Address
from chassis.server import ServerSpec, announce, options_of


class Everything(grpc.GenericRpcHandler):
    """Answers any method."""

    def __init__(self, answer: bytes) -> None:
        async def echo(request: bytes, context: Any) -> bytes:
            return answer

        self._echo: Any = grpc.unary_unary_rpc_method_handler(echo)

    def service(self, handler_call_details: Any) -> Any:
        """The one method, whatever its name."""
        return self._echo


async def serve(size: int) -> None:
    """Serve until SIGTERM."""
    spec = ServerSpec(services={}, listen=Address("127.0.0.1", 0), status_of=lambda _: None)
    server = grpc.aio.server(options=options_of(spec))
    server.add_generic_rpc_handlers((Everything(bytes(size)),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    announce(f"127.0.0.1:{port}")
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await server.stop(None)


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
