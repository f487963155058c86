"""A client that has nothing of ours but the address: services, types and calls are found by reflection alone."""

import asyncio
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from batos.client import Client
from batos.local.suite import Suite

pytestmark = pytest.mark.asyncio(loop_scope="session")


def call(address: str, service: str, method: str, request: dict[str, Any]) -> dict[str, Any]:
    """What a tool such as grpcurl does: describe, encode, send, decode."""
    with grpc.insecure_channel(address) as channel:
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        described = pool.FindServiceByName(service).FindMethodByName(method)
        asked, answer = GetMessageClass(described.input_type), GetMessageClass(described.output_type)
        rpc: Any = channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=asked.SerializeToString,
            response_deserializer=answer.FromString,
        )
        return MessageToDict(rpc(ParseDict(request, asked()), timeout=20))


async def test_a_foreign_client_lists_the_services_and_sends_a_message(suite: Suite, client: Client) -> None:
    for address, service in (
        (suite.addresses.dispatcher, "batos.v1.Dispatcher"),
        (suite.addresses.synthesizer, "batos.v1.Synthesizer"),
        (suite.addresses.objectstore, "batos.v1.ObjectStore"),
    ):
        with grpc.insecure_channel(address) as channel:
            names = ProtoReflectionDescriptorDatabase(channel).get_services()
        assert set(names) >= {service, "grpc.health.v1.Health"}

    created: dict[str, Any] = {"id": "foreign/a", "slots": {"values": {"n": {"int64Value": "41"}}}}
    await asyncio.to_thread(call, suite.addresses.objectstore, "batos.v1.ObjectStore", "CreateObject", created)
    source = "def next(self):\n    self.n += 1\n    self._p_changed = True\n    return self.n\n"
    registered = {"holder": "foreign/a", "selector": "next", "source": source, "activate": True}
    await asyncio.to_thread(call, suite.addresses.objectstore, "batos.v1.ObjectStore", "RegisterMethod", registered)
    sent = {"message": {"receiver": "foreign/a", "selector": "next"}}
    answer = await asyncio.to_thread(call, suite.addresses.dispatcher, "batos.v1.Dispatcher", "Send", sent)
    assert answer["reply"]["result"] == {"int64Value": "42"}
    assert (await client.send("foreign/a", "next")).result == 43
