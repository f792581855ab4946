"""Where SageMaker puts what a job reads, and looks for what it writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .failures import FailureCode, TrainingFailure


@dataclass(frozen=True)
class Locations:
    """All folders and files of one job. A channel that the job does not have is None."""

    hyperparameters: Path
    settings: Path | None
    base: Path | None
    train: Path | None
    validation: Path | None
    checkpoints: Path
    model: Path
    failure: Path


def find_locations(environment: Mapping[str, str]) -> Locations:
    """Reads SageMaker's `SM_*` variables; `TUNEGATE_ML_ROOT` stands in for /opt/ml on another machine."""
    root = Path(environment.get("TUNEGATE_ML_ROOT", "/opt/ml"))

    def place(variable: str, default: Path) -> Path:
        return Path(environment.get(variable) or default)

    def channel(name: str) -> Path | None:
        path = place(f"SM_CHANNEL_{name.upper()}", root / "input/data" / name)
        return path if path.is_dir() else None

    return Locations(
        hyperparameters=place("SM_INPUT_CONFIG_DIR", root / "input/config") / "hyperparameters.json",
        settings=channel("settings"),
        base=channel("base"),
        train=channel("train"),
        validation=channel("validation"),
        checkpoints=root / "checkpoints",
        model=place("SM_MODEL_DIR", root / "model"),
        failure=place("SM_OUTPUT_DIR", root / "output") / "failure",
    )


def need_channel(path: Path | None, name: str) -> Path:
    """The channel's folder. Errors: missing_channel."""
    if path is None:
        raise TrainingFailure(FailureCode.MISSING_CHANNEL, f'the job has no channel "{name}"')
    return path
