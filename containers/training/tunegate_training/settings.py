"""The settings of a training job: a few as hyper-parameters, and all that have no room there as a file."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .failures import FailureCode, TrainingFailure
from .locations import Locations

RANKS = (8, 16, 32)
LINEAR_MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PRECISIONS = ("auto", "bf16", "fp32")
MAX_SEED = 2**32 - 1
# SageMaker's script mode adds its own, such as sagemaker_program.
FOREIGN_PREFIX = "sagemaker_"
REQUIRED = "required"


@dataclass(frozen=True)
class Setting:
    """One setting: how it is written in a job, what it may be, and what it is when nothing is said."""

    kind: type
    default: Any
    low: float = 0
    high: float = 0
    choices: tuple[Any, ...] = ()


# Names and defaults are those of the local trainer, lib/local/training/trainLora.ts, as far as both have them.
SETTINGS: Mapping[str, Setting] = {
    "baseModel": Setting(str, REQUIRED),
    "baseSha256": Setting(str, ""),
    "rank": Setting(int, 8, choices=RANKS),
    "alpha": Setting(float, 16, low=1, high=512),
    "seed": Setting(int, 1, low=0, high=MAX_SEED),
    "epochs": Setting(int, 8, low=1, high=100),
    "batchSize": Setting(int, 16, low=1, high=1024),
    "learningRate": Setting(float, 3e-3, low=1e-7, high=1),
    "dropout": Setting(float, 0, low=0, high=0.5),
    "validationShare": Setting(float, 0.1, low=0, high=0.5),
    "wordDropout": Setting(float, 0, low=0, high=0.5),
    "joinSameAnswer": Setting(float, 0, low=0, high=1),
    "shuffleWords": Setting(float, 0, low=0, high=1),
    "targetModules": Setting(list, list(LINEAR_MODULES), choices=LINEAR_MODULES),
    "packing": Setting(bool, True),
    "tokensPerPass": Setting(int, 4096, low=64, high=262_144),
    "precision": Setting(str, "auto", choices=PRECISIONS),
    "gradientCheckpointing": Setting(bool, True),
    "checkpointSteps": Setting(int, 50, low=1, high=100_000),
    # Refused by name and not as unknown: adapters are served by vLLM and llama.cpp, and these do not work on both.
    "bias": Setting(str, "none", choices=("none",)),
    "useDora": Setting(bool, False, choices=(False,)),
    "modulesToSave": Setting(list, [], choices=()),
}


@dataclass(frozen=True)
class Settings:
    """Settings that have been read: every one is within its bounds. Names in lineage are those of the job."""

    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def read_settings(locations: Locations) -> Settings:
    """Hyper-parameters and the JSON files of the channel `settings`, together. Errors: invalid_settings."""
    given = _hyperparameters(locations.hyperparameters)
    for path in sorted(locations.settings.glob("*.json")) if locations.settings else []:
        for name, value in _read_object(path).items():
            if name in given:
                raise _invalid(f'"{name}" is given twice, the second time in {path.name}')
            given[name] = value
    unknown = sorted(set(given) - set(SETTINGS))
    if unknown:
        raise _invalid(f'"{unknown[0][:64]}" is not a setting; there are {", ".join(SETTINGS)}')
    return Settings({name: _value(name, setting, given) for name, setting in SETTINGS.items()})


def _hyperparameters(path: Path) -> dict[str, Any]:
    """SageMaker stores each value as text, which script mode has made JSON of."""
    if not path.exists():
        return {}
    given: dict[str, Any] = {}
    for name, text in _read_object(path).items():
        if name.startswith(FOREIGN_PREFIX):
            continue
        try:
            given[name] = json.loads(text) if isinstance(text, str) else text
        except json.JSONDecodeError:
            given[name] = text
    return given


def _read_object(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as cause:
        raise _invalid(f"{path.name} is not JSON") from cause
    if not isinstance(content, dict):
        raise _invalid(f"{path.name} is not a JSON object")
    return content


def _value(name: str, setting: Setting, given: Mapping[str, Any]) -> Any:
    value: Any = given.get(name, setting.default)
    if value == REQUIRED and name not in given:
        raise _invalid(f'"{name}" is missing')
    if setting.kind is float and type(value) is int:
        value = float(value)
    if type(value) is not setting.kind:
        raise _invalid(f'"{name}" must be of type {setting.kind.__name__}')
    if setting.kind is list:
        return _choices(name, setting, value)
    if setting.choices and value not in setting.choices:
        raise _invalid(f'"{name}" must be one of {", ".join(map(str, setting.choices))}')
    if setting.high and not setting.low <= value <= setting.high:
        raise _invalid(f'"{name}" must be between {setting.low} and {setting.high}')
    return value


def _choices(name: str, setting: Setting, value: list[Any]) -> list[Any]:
    wrong = [item for item in value if item not in setting.choices]
    if wrong or (setting.default and not value):
        raise _invalid(f'"{name}" must be a list from {", ".join(setting.choices) or "nothing"}')
    return [choice for choice in setting.choices if choice in value]


def _invalid(message: str) -> TrainingFailure:
    return TrainingFailure(FailureCode.INVALID_SETTINGS, message)
