"""Conversation and workflow services for tests: real gRPC, scripted answers."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import grpc
import grpc.aio
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import code_pb2, status_pb2  # pyright: ignore[reportMissingTypeStubs]

from everturn.v1 import (
    conversation_service_pb2,
    conversation_service_pb2_grpc,
    workflow_service_pb2,
    workflow_service_pb2_grpc,
)


class Refusal:
    """An error status with google.rpc details."""

    def __init__(
        self, code: grpc.StatusCode, message: str, details: Sequence[Message] = ()
    ) -> None:
        self.code = code
        self.message = message
        self.details = details

    def trailer(self) -> tuple[tuple[str, bytes], ...]:
        """The trailing metadata that carries the details."""
        packed: list[AnyMessage] = []
        for detail in self.details:
            one = AnyMessage()
            one.Pack(detail)
            packed.append(one)
        code = code_pb2.Code.Value(self.code.name)
        status = status_pb2.Status(code=code, message=self.message, details=packed)
        return (("grpc-status-details-bin", status.SerializeToString()),)


Answer = Message | Refusal | list[Message | Refusal]


class Script:
    """Answers by method, first in first out, and what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, deque[Answer]] = {}
        self.requests: list[tuple[str, Any]] = []
        self.metadata: list[dict[str, Any]] = []

    def on(self, method: str, *answers: Answer) -> None:
        """Adds answers of a method."""
        self.answers.setdefault(method, deque()).extend(answers)

    def asked(self, method: str) -> list[Any]:
        """The requests of a method."""
        return [request for name, request in self.requests if name == method]

    def note(self, method: str, request: Any, context: Any) -> Answer:
        """Records a request and takes the next answer."""
        self.requests.append((method, request))
        self.metadata.append(dict(context.invocation_metadata()))
        return self.answers[method].popleft()

    async def unary(self, method: str, request: Any, context: Any) -> Any:
        """Answers a unary call."""
        answer = self.note(method, request, context)
        if isinstance(answer, Refusal):
            await context.abort(answer.code, answer.message, answer.trailer())
        return answer

    async def stream(self, method: str, request: Any, context: Any) -> AsyncIterator[Any]:
        """Answers a streaming call; a refusal in the list breaks it off."""
        answer = self.note(method, request, context)
        for item in answer if isinstance(answer, list) else [answer]:
            if isinstance(item, Refusal):
                await context.abort(item.code, item.message, item.trailer())
            yield item


def add_services(server: grpc.aio.Server, script: Script) -> None:
    """Serves both services from a script."""
    pairs: tuple[tuple[Any, Any, Any], ...] = (
        (
            conversation_service_pb2.DESCRIPTOR.services_by_name["ConversationService"],
            conversation_service_pb2_grpc.ConversationServiceServicer,
            conversation_service_pb2_grpc.add_ConversationServiceServicer_to_server,
        ),
        (
            workflow_service_pb2.DESCRIPTOR.services_by_name["WorkflowService"],
            workflow_service_pb2_grpc.WorkflowServiceServicer,
            workflow_service_pb2_grpc.add_WorkflowServiceServicer_to_server,
        ),
    )
    for descriptor, base, add in pairs:
        methods = {m.name: _method(script, m.name, m.server_streaming) for m in descriptor.methods}
        add(cast("Any", type("Servicer", (base,), methods)()), server)


def _method(script: Script, name: str, is_stream: bool) -> Any:
    if is_stream:

        async def stream(_self: object, request: Any, context: Any) -> AsyncIterator[Any]:
            async for item in script.stream(name, request, context):
                yield item

        return stream

    async def unary(_self: object, request: Any, context: Any) -> Any:
        return await script.unary(name, request, context)

    return unary
