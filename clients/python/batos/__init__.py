"""BatOS: send any object a message.

    import batos

    async with batos.connect("127.0.0.1:7001") as client:
        example = batos.Example(2, arguments=[2])
        reply = await client.send("counter/main", "increment", 2, intent="add to the count", examples=[example])
        print(reply.result)

`batos.blocking.connect` is the same without asyncio. Failures are `batos.errors`, one class a stable reason.
"""

from batos.client import Client, connect
from batos.errors import BatosError
from batos.examples import Example, Raises
from batos.replies import Reply
from batos.values import BadValueError, Reference

__all__ = ["BadValueError", "BatosError", "Client", "Example", "Raises", "Reference", "Reply", "connect"]
