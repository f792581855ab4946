"""One training job from its channels to its adapter, and what the process says at its end."""

import hashlib
import json
import os
import time
import traceback
from pathlib import Path
from random import Random
from typing import Any

import torch

from .base import base_sha256, choose_device, load_model
from .conversations import Dataset, Turn, read_dataset
from .examples import Example, make_example
from .failures import FailureCode, TrainingFailure, write_failure
from .interruption import Interrupted, InterruptionWatch
from .locations import Locations, find_locations, need_channel
from .output import archive_adapter, make_lineage, write_adapter
from .settings import Settings, read_settings
from .tokens import read_base_tokens
from .trainer import Trainer

FINISHED, FAILED = 0, 1
INTERRUPTED = 143  # as a process that SIGTERM ended
MAX_VALIDATION = 64  # conversations kept apart when the job brings none


def run() -> int:
    """Runs the job that the environment describes. Returns the process's exit code; a failure is written down."""
    locations = find_locations(os.environ)
    watch = InterruptionWatch()
    try:
        _train(locations, watch)
    except Interrupted:
        print("interrupted: the checkpoint is saved", flush=True)
        return INTERRUPTED
    except TrainingFailure as failure:
        return _failed(locations, failure.code, failure.message)
    except torch.OutOfMemoryError:
        message = "the device ran out of memory: lower tokensPerPass, or take a larger instance"
        return _failed(locations, FailureCode.OUT_OF_MEMORY, message)
    except Exception as error:
        traceback.print_exc()
        return _failed(locations, FailureCode.INTERNAL, f"{type(error).__name__}; the job's log has more")
    return FINISHED


def _failed(locations: Locations, code: FailureCode, message: str) -> int:
    print(write_failure(locations.failure, code, message), flush=True)
    return FAILED


def _train(locations: Locations, watch: InterruptionWatch) -> None:
    began = time.monotonic()
    settings = read_settings(locations)
    base = need_channel(locations.base, "base")
    sha256 = base_sha256(base)
    if settings["baseSha256"] not in ("", sha256):
        raise TrainingFailure(FailureCode.BASE_MISMATCH, f"the base channel holds {sha256[:12]}…")
    dataset = read_dataset(need_channel(locations.train, "train"))
    held = read_dataset(locations.validation) if locations.validation else None
    turns, validation_turns = _split(dataset, held, settings)

    device = choose_device(settings["precision"])
    _be_deterministic(device.type)
    tokens = read_base_tokens(base)
    model = load_model(base, settings, device)
    config = model.get_base_model().config
    end, pad = _turn_tokens(base, config.eos_token_id, config.pad_token_id)

    def encode(turn: Turn) -> Example:
        return make_example(tokens, turn, end_token=end, context_tokens=config.max_position_embeddings)

    def lineage(metrics: dict[str, float], seconds: float | None = None) -> dict[str, Any]:
        return make_lineage(
            settings,
            base_sha256=sha256,
            dataset_sha256=dataset.sha256,
            validation_sha256=held.sha256 if held else None,
            examples=len(turns),
            metrics=metrics,
            seconds=seconds,
        )

    def archive(path: Path, tensors: dict[str, torch.Tensor], metrics: dict[str, float]) -> None:
        archive_adapter(path, tensors, settings, lineage(metrics))

    trainer = Trainer(
        model=model,
        settings=settings,
        device=device,
        turns=turns,
        validation=[encode(turn) for turn in validation_turns],
        encode=encode,
        pad_token=pad,
        watch=watch,
        checkpoints=locations.checkpoints,
        fingerprint=_fingerprint(settings, sha256, dataset, held),
        archive=archive,
    )
    print(f"training {len(turns)} examples in {trainer.steps} steps on {device}", flush=True)
    metrics = trainer.run()
    told = lineage(metrics, seconds=time.monotonic() - began)
    write_adapter(locations.model, base, trainer.adapter(), settings, told)


def _split(dataset: Dataset, held: Dataset | None, settings: Settings) -> tuple[list[Turn], list[Turn]]:
    """Whole conversations are kept apart: an earlier answer of one would give away a later one."""
    conversations = list(dataset.conversations)
    if held is not None:
        return _flat(conversations), _flat(list(held.conversations))
    Random(settings["seed"]).shuffle(conversations)
    count = min(MAX_VALIDATION, int(len(conversations) * settings["validationShare"]))
    return _flat(conversations[count:]), _flat(conversations[:count])


def _flat(conversations: list[tuple[Turn, ...]]) -> list[Turn]:
    return [turn for conversation in conversations for turn in conversation]


def _turn_tokens(base: Path, end: int | None, pad: int | None) -> tuple[int, int]:
    """What ends a turn as serving knows it: generation_config.json's first, where there are several. And padding."""
    path = base / "generation_config.json"
    named = json.loads(path.read_text(encoding="utf-8")).get("eos_token_id") if path.exists() else None
    first = named if named is not None else end
    first = first[0] if isinstance(first, list) and first else first
    if not isinstance(first, int):
        raise TrainingFailure(FailureCode.INVALID_BASE, "the base names no eos_token_id")
    return first, pad if isinstance(pad, int) else first


def _fingerprint(settings: Settings, sha256: str, dataset: Dataset, held: Dataset | None) -> str:
    """What a checkpoint must agree with to be continued."""
    parts = [dict(settings.values), sha256, dataset.sha256, held.sha256 if held else None]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _be_deterministic(device: str) -> None:
    """The same job gives the same adapter on the same kind of device."""
    if device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Some attention kernels of a GPU have no deterministic backward pass: better trained than refused.
    torch.use_deterministic_algorithms(True, warn_only=device == "cuda")
