"""A base model's tokenizer and chat template, used exactly as serving uses them (lib/io/chatPrompt.ts)."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers.utils.chat_template_utils import render_jinja_template

from .conversations import Message
from .failures import FailureCode, TrainingFailure

# A Unicode noncharacter: it never stands in real text, and where one comes in it is escaped itself.
MARK = "\ufdd0"


class BaseTokens:
    """
    Tokens as serving makes them. A special token that somebody wrote in a message (`<|im_end|>`) stays plain text:
    before the template sees it, it is escaped; what is still special afterwards came from the template.
    """

    def __init__(self, tokenizer_json: str, template: str) -> None:
        file = json.loads(tokenizer_json)
        special = {token["content"]: token["id"] for token in file["added_tokens"] if token["special"]}
        file["added_tokens"] = [token for token in file["added_tokens"] if not token["special"]]
        # A post-processor would add tokens around each piece; the template writes all that belong there.
        file["post_processor"] = None
        self.special: dict[str, int] = special
        self.template = template
        self._plain = Tokenizer.from_str(json.dumps(file))
        self._names = sorted(special, key=len, reverse=True)
        self._any = re.compile("|".join(map(re.escape, [*self._names, MARK])))
        self._escaped = re.compile(f"{MARK}(\\d+){MARK}")
        self._splitter = re.compile(f"({'|'.join(map(re.escape, self._names))})") if special else None

    def encode_text(self, text: str) -> list[int]:
        """Plain text; what looks like a special token is not one."""
        return list(self._plain.encode(text, add_special_tokens=False).ids)

    def encode_prompt(self, messages: Sequence[Message], tools: Sequence[Any] | None = None) -> list[int]:
        """The messages in the chat template, up to where the assistant begins to speak."""
        rendered, _ = render_jinja_template(
            conversations=[self._escape_all(list(messages))],
            tools=None if tools is None else self._escape_all(list(tools)),
            chat_template=self.template,
            add_generation_prompt=True,
            bos_token="",
        )
        pieces = self._splitter.split(rendered[0]) if self._splitter else [rendered[0]]
        tokens: list[int] = []
        for piece in filter(None, pieces):
            if piece in self.special:
                tokens.append(self.special[piece])
            else:
                tokens += self.encode_text(self._restore(piece))
        return tokens

    def _escape_all(self, value: Any) -> Any:
        """Every string in it, names of fields too."""
        if isinstance(value, str):
            return self._escape(value)
        if isinstance(value, Mapping):
            return {self._escape(key): self._escape_all(one) for key, one in value.items()}
        return [self._escape_all(one) for one in value] if isinstance(value, list) else value

    def _escape(self, text: str) -> str:
        def code(found: re.Match[str]) -> str:
            name = found.group()
            return f"{MARK}{self._names.index(name) if name != MARK else len(self._names)}{MARK}"

        return self._any.sub(code, text)

    def _restore(self, text: str) -> str:
        names = [*self._names, MARK]
        return self._escaped.sub(lambda found: names[int(found.group(1))], text)


def read_base_tokens(base: Path) -> BaseTokens:
    """Reads tokenizer.json and the one chat template of a base. Errors: invalid_base."""
    try:
        return BaseTokens((base / "tokenizer.json").read_text(encoding="utf-8"), read_template(base))
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise TrainingFailure(FailureCode.INVALID_BASE, "the base has no readable tokenizer.json") from cause


def read_template(base: Path) -> str:
    """The base's chat template: a file of its own, or a field of tokenizer_config.json. Errors: invalid_base."""
    path = base / "chat_template.jinja"
    if path.exists():
        return path.read_text(encoding="utf-8")
    config = base / "tokenizer_config.json"
    template = json.loads(config.read_text(encoding="utf-8")).get("chat_template") if config.exists() else None
    if not isinstance(template, str):
        raise TrainingFailure(FailureCode.INVALID_BASE, "the base has no chat template")
    return template
