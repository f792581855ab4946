"""
Checkpoints that a job continues from after an interruption.

SageMaker copies the folder to S3 file by file while the job runs, so a checkpoint is one file that is renamed into
place, and one that is not whole is passed over for the one before. It is safetensors: loading one runs no code.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .failures import FailureCode, TrainingFailure

KEPT = 2
PATTERN = "checkpoint-*.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """All that a run is made of after `step` steps: weights, the optimizer's moments, random states, progress."""

    step: int
    tensors: dict[str, torch.Tensor]
    progress: dict[str, float]


def save_checkpoint(directory: Path, fingerprint: str, checkpoint: Checkpoint) -> None:
    """Writes beside and renames; then forgets all but the newest `KEPT`."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"checkpoint-{checkpoint.step:08d}.safetensors"
    partial = path.with_suffix(".partial")
    metadata = {
        "fingerprint": fingerprint,
        "step": str(checkpoint.step),
        "progress": json.dumps(checkpoint.progress),
    }
    save_file({name: tensor.contiguous() for name, tensor in checkpoint.tensors.items()}, partial, metadata)
    os.replace(partial, path)
    for old in sorted(directory.glob(PATTERN))[:-KEPT]:
        old.unlink()


def load_checkpoint(directory: Path, fingerprint: str, is_complete: Callable[[int], bool]) -> Checkpoint | None:
    """
    The newest whole one whose step `is_complete` says yes to, else the newest.

    Errors: checkpoint_mismatch when it is of other data, settings or base.
    """
    newest: Checkpoint | None = None
    for path in sorted(directory.glob(PATTERN), reverse=True):
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata()
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        except (SafetensorError, OSError):
            print(f"{path.name} is not whole and is passed over", flush=True)
            continue
        if metadata["fingerprint"] != fingerprint:
            message = "the checkpoints are of another job: its dataset, settings or base differ"
            raise TrainingFailure(FailureCode.CHECKPOINT_MISMATCH, message)
        found = Checkpoint(int(metadata["step"]), tensors, json.loads(metadata["progress"]))
        if is_complete(found.step):
            return found
        newest = newest or found
    return newest
