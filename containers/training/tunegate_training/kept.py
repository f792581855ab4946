"""
The adapters of a job's last epochs but the last, kept beside its checkpoints.

SageMaker copies that folder to S3 and puts it back on the next instance; the product takes them from there
(lib/core/training/checkpoints.ts). They are archives of PEFT files, as the job's own model is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

KEPT_EPOCHS = 2  # with the job's own model, the last three

Archive = Callable[[Path, dict[str, torch.Tensor], dict[str, float]], None]


@dataclass(frozen=True)
class KeptAdapters:
    """`archive` writes an adapter's weights and metrics to a path, whole or not at all."""

    directory: Path
    epochs: int
    steps_per_epoch: int
    archive: Archive

    def keeps(self, epoch: int) -> bool:
        """Whether the weights at this epoch's end are kept; the last one's are the job's model."""
        return self.epochs - KEPT_EPOCHS <= epoch < self.epochs

    def keep(self, epoch: int, tensors: dict[str, torch.Tensor], metrics: dict[str, float]) -> None:
        """Keeps the weights of an epoch's end."""
        self.archive(self._path(epoch), tensors, metrics)

    def has_up_to(self, step: int) -> bool:
        """Whether all that a run should have kept by the end of this step is there."""
        ended = step // self.steps_per_epoch
        return all(self._path(epoch).exists() for epoch in range(1, ended + 1) if self.keeps(epoch))

    def _path(self, epoch: int) -> Path:
        return self.directory / f"adapter-epoch-{epoch}-step-{epoch * self.steps_per_epoch}.tar.gz"
