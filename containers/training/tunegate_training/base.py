"""The base model: which one it is, and loading it with a fresh adapter."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from peft import LoraConfig, get_peft_model
from peft.peft_model import PeftModel
from transformers import AutoModelForCausalLM

from .failures import FailureCode, TrainingFailure
from .settings import Settings

READ_BYTES = 1 << 20
INDEX = "model.safetensors.index.json"


@dataclass(frozen=True)
class Device:
    """Where the computing happens, and in what precision; adapters themselves are always kept in fp32."""

    type: str
    bf16: bool

    @property
    def dtype(self) -> torch.dtype:
        """Of the frozen base's weights."""
        return torch.bfloat16 if self.bf16 else torch.float32


def choose_device(precision: str) -> Device:
    """A GPU where there is one; bf16 where it can. Errors: invalid_settings for bf16 on a GPU without it."""
    if not torch.cuda.is_available():
        # A processor emulates bf16 slowly and rounds for nothing.
        return Device("cpu", precision == "bf16")
    able = torch.cuda.is_bf16_supported()
    if precision == "bf16" and not able:
        raise TrainingFailure(FailureCode.INVALID_SETTINGS, "this GPU has no bf16: set precision to fp32")
    return Device("cuda", able and precision != "fp32")


def base_sha256(directory: Path) -> str:
    """
    What an adapter is bound to: the SHA-256 of model.safetensors. For weights in several files it is that of the
    lines `<sha256>  <name>`, sorted by name. Errors: invalid_base.
    """
    single = directory / "model.safetensors"
    if single.exists():
        return file_sha256(single)
    shards = sorted(directory.glob("model-*.safetensors"))
    if not shards or not (directory / INDEX).exists():
        raise TrainingFailure(FailureCode.INVALID_BASE, "the base has no model.safetensors")
    lines = "".join(f"{file_sha256(shard)}  {shard.name}\n" for shard in shards)
    return hashlib.sha256(lines.encode()).hexdigest()


def file_sha256(path: Path) -> str:
    """Of a file of any size."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def load_model(directory: Path, settings: Settings, device: Device) -> PeftModel:
    """The base, frozen, with an adapter that changes nothing yet (B is zero). Errors: invalid_base."""
    try:
        model = AutoModelForCausalLM.from_pretrained(
            directory,
            dtype=device.dtype,
            attn_implementation="sdpa",
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
        )
    except (OSError, ValueError, KeyError) as cause:
        raise TrainingFailure(FailureCode.INVALID_BASE, "transformers cannot load the base") from cause
    model.config.use_cache = False
    present = {name.rsplit(".", 1)[-1] for name, _ in model.named_modules()}
    missing = [module for module in settings["targetModules"] if module not in present]
    if missing:
        raise TrainingFailure(FailureCode.INVALID_BASE, f"the base has no linear layer {missing[0]}")
    if settings["gradientCheckpointing"]:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    torch.manual_seed(settings["seed"])  # lora_A begins at random
    adapted = get_peft_model(
        model,
        LoraConfig(
            task_type="CAUSAL_LM",
            r=settings["rank"],
            lora_alpha=settings["alpha"],
            lora_dropout=settings["dropout"],
            target_modules=list(settings["targetModules"]),
            bias="none",
        ),
    )
    return adapted.to(device.type)
