"""What a scripted endpoint may say, and what TGI, vLLM, SGLang and llama.cpp say when they fail."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HANG_SECONDS = 3600.0


@dataclass(frozen=True)
class Say:
    """A chat completion with this text, after so many seconds. `model` is who says so; empty: one of its own."""

    text: str | None
    finish: str = "stop"
    seconds: float = 0.0
    usage: bool = True
    model: str = ""


@dataclass(frozen=True)
class Status:
    """A refusal as TGI sends it: `{"error": ..., "error_type": ...}`."""

    status: int
    error: str = ""
    error_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Raw:
    """Any body under any status; with `missing`, the connection ends so many bytes before its promised end."""

    body: bytes
    content_type: str = "application/json"
    status: int = 200
    missing: int = 0


@dataclass(frozen=True)
class Trickle:
    """An answer whose head comes at once, and whose body comes a byte at a time and never ends."""

    seconds: float = 0.02


@dataclass(frozen=True)
class Hang:
    """No answer, ever."""


@dataclass(frozen=True)
class Drop:
    """The connection ends without a byte."""


Reply = Say | Status | Raw | Trickle | Hang | Drop

BUSY = Status(429, "Model is overloaded", "overloaded")
INVALID = Status(422, "Input validation error: `inputs` must have less than 4096 tokens", "validation")
FAILED = Status(424, "Request failed during generation: CUDA out of memory", "generation")
STREAM_ERROR = Raw(
    b'data: {"error": "Request failed during generation", "error_type": "generation"}\n\n', "text/event-stream"
)
GARBAGE = Raw(b"<html><body>It works!</body></html>", "text/html")
TRUNCATED = Raw(b'{"id": "x", "choices": [{"index": 0, "message": {"role": "assistant", "cont', missing=400)
TOLD = Raw(b'{"error": {"message": "no slot", "code": 1}}')
REFUSED_BY_VLLM = Raw(b'{"object": "error", "message": "engine is dead", "type": "InternalServerError", "code": 500}')
UNKNOWN_MODEL = Raw(b'{"error": {"message": "The model `alfred-lora` does not exist.", "code": 404}}', status=404)
UNKNOWN_ADAPTER = Raw(b'{"message": "LoRA adapter alfred-lora is not loaded", "code": 400}', status=400)
# A prompt that is too long, by server.
TOO_LONG = {
    "TGI": Status(422, "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096", "validation"),
    "vLLM": Raw(
        b'{"error": {"message": "This model\'s maximum context length is 4096 tokens. However, you requested 9000"}}',
        status=400,
    ),
    "SGLang": Raw(
        b'{"object": "error", "message": "The input (9000 tokens) is longer than the model\'s context length (4096)"}',
        status=400,
    ),
    "llama.cpp": Raw(
        b'{"error": {"code": 400, "type": "exceed_context_size_error", "message": "request (9000 tokens) exceeds it"}}',
        status=400,
    ),
    "an old llama.cpp": Raw(b'{"error": {"message": "exceeds the available context size"}}', status=500),
    "a proxy": Raw(b"<html>413 Request Entity Too Large</html>", "text/html", 413),
}
# A form of answer that is not served, by server.
NO_SCHEMA = {
    "TGI": Raw(
        b"Failed to deserialize the JSON body into the target type: response_format: unknown variant `json_schema`",
        "text/plain",
        422,
    ),
    "TGI without grammars": Status(422, "Input validation error: `grammar` is not supported", "validation"),
    "vLLM": Raw(b'{"error": {"message": "The provided JSON schema contains features not supported"}}', status=400),
    "llama.cpp": Raw(b'{"error": {"code": 400, "message": "failed to parse grammar"}}', status=400),
}


def completion(reply: Say, body: Mapping[str, Any]) -> dict[str, object]:
    """What is sent for it; a token is a word."""
    told = sum(len(str(each["content"]).split()) for each in body["messages"])
    said = len((reply.text or "").split())
    message = {"role": "assistant", "content": reply.text}
    usage = {"prompt_tokens": told, "completion_tokens": said, "total_tokens": told + said}
    return {
        "object": "chat.completion",
        "id": "",
        "created": 946684800,
        "model": reply.model or f"scripted-{body['model']}",
        "system_fingerprint": "scripted",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reply.finish}],
        **({"usage": usage} if reply.usage else {}),
    }
