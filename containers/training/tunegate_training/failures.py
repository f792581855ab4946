"""Failures that whoever started a training job can understand, each with a stable code."""

from enum import StrEnum
from pathlib import Path

MAX_REASON_CHARACTERS = 1_024  # SageMaker shows no more of the file as FailureReason


class FailureCode(StrEnum):
    """The codes. They are an interface: add to them, and never rename one."""

    INVALID_SETTINGS = "invalid_settings"
    MISSING_CHANNEL = "missing_channel"
    INVALID_BASE = "invalid_base"
    BASE_MISMATCH = "base_mismatch"
    INVALID_DATASET = "invalid_dataset"
    EXAMPLE_TOO_LONG = "example_too_long"
    CHECKPOINT_MISMATCH = "checkpoint_mismatch"
    TRAINING_DIVERGED = "training_diverged"
    OUT_OF_MEMORY = "out_of_memory"
    INTERNAL = "internal"


class TrainingFailure(Exception):
    """The job cannot end well, and trying again as it is will not help. Never holds text of the dataset."""

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def write_failure(path: Path, code: FailureCode, message: str) -> str:
    """Writes `code: message` where SageMaker looks for the reason, and returns it."""
    reason = f"{code}: {message}"[:MAX_REASON_CHARACTERS]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(reason, encoding="utf-8")
    return reason
