"""What a finished job leaves: PEFT files, flat, so that SageMaker's model.tar.gz serves as the adapter as it is."""

import gzip
import json
import os
import platform
import shutil
import tarfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from .settings import Settings

# The engines refuse an adapter whose metadata names another base (lib/core/weights/adapterGguf.ts).
BASE_SHA256_FIELD = "tunegate_base_sha256"
LIBRARIES = ("torch", "transformers", "peft", "tokenizers", "safetensors")
NOT_LINEAGE_SETTINGS = {"baseModel", "baseSha256", "wordDropout", "joinSameAnswer", "shuffleWords"}


def write_adapter(
    directory: Path, base: Path, tensors: dict[str, torch.Tensor], settings: Settings, lineage: dict[str, Any]
) -> None:
    """Writes the weights last: a folder that has them has everything."""
    directory.mkdir(parents=True, exist_ok=True)
    _copy_template(base, directory)
    _write_peft(directory, tensors, settings, lineage)


def archive_adapter(path: Path, tensors: dict[str, torch.Tensor], settings: Settings, lineage: dict[str, Any]) -> None:
    """Writes an adapter as one archive, renamed into place. The same adapter gives the same bytes, without times."""
    unpacked = path.parent.with_name(f"{path.parent.name}.kept")
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir(parents=True)
    _write_peft(unpacked, tensors, settings, lineage)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    with (
        partial.open("wb") as file,
        gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as packed,  # weights hardly shrink
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for member in sorted(unpacked.iterdir()):
            plain = tarfile.TarInfo(member.name)
            plain.size = member.stat().st_size
            with member.open("rb") as content:
                archive.addfile(plain, content)
    os.replace(partial, path)
    shutil.rmtree(unpacked)


def _write_peft(directory: Path, tensors: dict[str, torch.Tensor], settings: Settings, lineage: dict[str, Any]) -> None:
    _write_json(directory / "adapter_config.json", _adapter_config(settings))
    _write_json(directory / "lineage.json", lineage)
    partial = directory / ".adapter_model.partial"
    save_file(tensors, partial, {"format": "pt", BASE_SHA256_FIELD: lineage["baseSha256"]})
    _order_metadata(partial)
    os.replace(partial, directory / "adapter_model.safetensors")


def _order_metadata(path: Path) -> None:
    """The library writes metadata in any order; an adapter is named by its bytes, so one has the same order always."""
    with path.open("r+b") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        ordered = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
        if len(ordered) > size:
            raise ValueError("the header has grown")
        file.seek(8)
        file.write(ordered.ljust(size))


def make_lineage(
    settings: Settings,
    *,
    base_sha256: str,
    dataset_sha256: str,
    validation_sha256: str | None,
    examples: int,
    metrics: dict[str, float],
    seconds: float | None = None,
) -> dict[str, Any]:
    """
    Where an adapter comes from. The names are those of the local trainer's lineage, with more beside them.

    `seconds` is another number each time: left out where the same job is to leave the same bytes.
    """
    return {
        "baseModel": settings["baseModel"],
        "baseSha256": base_sha256,
        "datasetSha256": dataset_sha256,
        "validationSha256": validation_sha256,
        "examples": examples,
        "settings": {
            **{name: value for name, value in settings.values.items() if name not in NOT_LINEAGE_SETTINGS},
            "augmentation": {
                "wordDropout": settings["wordDropout"],
                "joinSameAnswer": settings["joinSameAnswer"],
                "shuffleWords": settings["shuffleWords"],
            },
        },
        "metrics": metrics,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        **({} if seconds is None else {"seconds": round(seconds)}),
    }


def _adapter_config(settings: Settings) -> dict[str, Any]:
    """The part of PEFT's config that vLLM and llama.cpp both serve, and nothing of the machine it was made on."""
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": settings["baseModel"],
        "r": settings["rank"],
        "lora_alpha": settings["alpha"],
        "lora_dropout": settings["dropout"],
        "bias": "none",
        "fan_in_fan_out": False,
        "use_rslora": False,
        "use_dora": False,
        "modules_to_save": None,
        "target_modules": list(settings["targetModules"]),
        "inference_mode": True,
    }


def _copy_template(base: Path, directory: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (base / name).exists():
            shutil.copyfile(base / name, directory / name)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
