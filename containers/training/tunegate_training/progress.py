"""
The file that the product follows a job by: `progress.jsonl` beside the checkpoints, which SageMaker copies to S3 while
the job runs. lib/core/training/progress.ts reads it.
"""

import json
import time
from pathlib import Path

FILE = "progress.jsonl"
# Lines of a whole job between the epochs' ends.
STEP_LINES = 200


class ProgressLog:
    """Appends one line at each epoch's end and some between. A job that resumes may tell of a step again."""

    def __init__(self, directory: Path, steps: int, steps_per_epoch: int) -> None:
        self._path = directory / FILE
        self._steps = steps
        self._steps_per_epoch = steps_per_epoch
        self._every = max(1, steps // STEP_LINES)
        self._tokens_per_second = 0.0

    def tell_step(self, step: int, loss: float, tokens_per_second: float) -> None:
        """After each step; an epoch's last one waits for its validation."""
        self._tokens_per_second = tokens_per_second
        if step % self._steps_per_epoch != 0 and step % self._every == 0:
            self._append(step, loss, {})

    def tell_epoch(self, step: int, loss: float, validation: dict[str, float]) -> None:
        """At an epoch's end: `validation` has `loss` and `exact`, or nothing."""
        checked = {f"validation{name.capitalize()}": _short(value) for name, value in validation.items()}
        self._append(step, loss, checked)

    def _append(self, step: int, loss: float, more: dict[str, float]) -> None:
        line = {
            "atMs": int(time.time() * 1000),
            "step": step,
            "steps": self._steps,
            "epoch": _short(step / self._steps_per_epoch),
            "trainLoss": _short(loss),
            "tokensPerSecond": round(self._tokens_per_second),
            **more,
        }
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def _short(value: float) -> float:
    return float(f"{value:.6g}")
