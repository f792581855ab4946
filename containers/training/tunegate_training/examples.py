"""Turns as tokens, with what is to be learnt of them."""

from array import array
from dataclasses import dataclass

from .conversations import Turn
from .failures import FailureCode, TrainingFailure
from .tokens import BaseTokens


@dataclass(frozen=True)
class Example:
    """All tokens of a prompt and its answer. The answer begins at `answer_from` and closes with the end of turn."""

    tokens: "array[int]"
    answer_from: int

    @property
    def answer_tokens(self) -> int:
        """How many tokens count towards the loss."""
        return len(self.tokens) - self.answer_from


def make_example(tokens: BaseTokens, turn: Turn, *, end_token: int, context_tokens: int) -> Example:
    """
    The prompt is cut into tokens by itself, as serving does before the model goes on.
    Errors: example_too_long, invalid_dataset for a prompt that the template cannot express.
    """
    try:
        prompt = tokens.encode_prompt(turn.prompt, turn.tools)
    except TrainingFailure:
        raise
    except Exception as cause:  # a template raises what it likes
        raise TrainingFailure(
            FailureCode.INVALID_DATASET, "the base's chat template cannot express one of the conversations"
        ) from cause
    # Four bytes a token: a large dataset as numbers of Python would take the memory of an instance.
    whole = array("i", (*prompt, *tokens.encode_text(turn.answer), end_token))
    if len(whole) > context_tokens:
        message = f"a conversation has {len(whole)} tokens, the base's context is {context_tokens}"
        raise TrainingFailure(FailureCode.EXAMPLE_TOO_LONG, message)
    return Example(whole, len(prompt))
