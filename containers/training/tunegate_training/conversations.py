"""Datasets: OpenAI's chat format, one JSON object a line."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .failures import FailureCode, TrainingFailure

# As serving does it: a developer speaks as the system, and names are not shown to the model.
ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
# As many as a file may have (lib/core/datasets/limits.ts).
MAX_CONVERSATIONS = 2_000_000
MAX_LINE_BYTES = 1_000_000
Message = Mapping[str, str]


@dataclass(frozen=True)
class Turn:
    """One answer to learn: what the model is asked, and what it shall say."""

    prompt: tuple[Message, ...]
    answer: str
    tools: tuple[Any, ...] | None = None


@dataclass(frozen=True)
class Dataset:
    """What a channel holds. `conversations` keeps the answers of one conversation together."""

    conversations: tuple[tuple[Turn, ...], ...]
    sha256: str


def read_dataset(directory: Path) -> Dataset:
    """
    Reads every .jsonl file of a channel, in the order of their names. Each answer of the assistant becomes a turn,
    as serving would ask for it, except where `"weight": 0` stands beside it.
    Errors: invalid_dataset, with the file's name and the line's number, never with what stands there.
    """
    paths = sorted(directory.glob("*.jsonl"))
    if not paths:
        raise _invalid("the channel has no .jsonl file")
    digest = hashlib.sha256()
    conversations: list[tuple[Turn, ...]] = []
    for path in paths:
        for number, line in enumerate(_lines(path), start=1):
            digest.update(line)
            if not line.strip():
                continue
            turns = _turns(line, f"{path.name} line {number}")
            if turns:
                conversations.append(turns)
            if len(conversations) > MAX_CONVERSATIONS:
                raise _invalid(f"more than {MAX_CONVERSATIONS} conversations")
    if not conversations:
        raise _invalid("there is no answer to learn")
    return Dataset(tuple(conversations), digest.hexdigest())


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while line := file.readline(MAX_LINE_BYTES + 1):
            if len(line) > MAX_LINE_BYTES:
                raise _invalid(f"{path.name} has a line of more than {MAX_LINE_BYTES} bytes")
            yield line


def _turns(line: bytes, place: str) -> tuple[Turn, ...]:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as cause:
        raise _invalid(f"{place} is not JSON") from cause
    messages = content.get("messages") if isinstance(content, dict) else None
    if not isinstance(messages, list) or not set(content) <= {"messages", "tools"}:
        raise _invalid(f'{place} must be an object with "messages", perhaps "tools", and nothing else')
    tools = content.get("tools")
    if tools is not None and not isinstance(tools, list):
        raise _invalid(f'{place}: "tools" must be a list')
    weights = [_weight(message, f"{place}, message {i + 1}") for i, message in enumerate(messages)]
    plain = tuple({"role": ROLES[message["role"]], "content": message["content"]} for message in messages)
    if len(plain) < 2 or plain[-1]["role"] != "assistant":
        raise _invalid(f"{place} must end with an answer of the assistant to a message")
    return tuple(
        Turn(plain[:i], message["content"], None if tools is None else tuple(tools))
        for i, message in enumerate(plain)
        if message["role"] == "assistant" and weights[i] and i > 0
    )


def _weight(message: Any, place: str) -> int:
    """Whether an answer is learnt. Errors: invalid_dataset for what is no message at all."""
    if not isinstance(message, dict) or message.get("role") not in ROLES:
        raise _invalid(f"{place}: the role must be one of {', '.join(ROLES)}")
    if not isinstance(message.get("content"), str):
        raise _invalid(f"{place}: the content must be text")
    extra = set(message) - {"role", "content", "name"} - ({"weight"} if message["role"] == "assistant" else set())
    if extra or message.get("weight", 1) not in (0, 1):
        raise _invalid(f"{place}: only role, content and name are supported, and weight 0 or 1 for an answer")
    return int(message.get("weight", 1))


def _invalid(message: str) -> TrainingFailure:
    return TrainingFailure(FailureCode.INVALID_DATASET, message)
