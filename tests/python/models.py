"""Tiny models for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import burnish
from burnish._core import DataType, ModelWriter

ROOT = Path(__file__).resolve().parents[2]
FASHION = ROOT / "examples/fashion"
F32 = DataType.FLOAT32


def normalised(images: Any) -> Any:
    """As the fashion networks were trained: mean 0, variance 1."""
    return (images.astype(np.float32) / np.float32(255) - np.float32(0.286)) / np.float32(0.353)


def model(nodes: Sequence[tuple[str, list[str], list[str], dict[str, Any]]], inputs: dict[str, Sequence[int | str]],
          outputs: Sequence[str], constants: dict[str, Any] | None = None,
          types: dict[str, DataType] | None = None) -> bytes:
    writer = ModelWriter()
    for name, shape in inputs.items():
        writer.add_input(name, (types or {}).get(name, F32), list(shape))
    for name, array in (constants or {}).items():
        writer.add_constant(name, array)
    for op, node_inputs, node_outputs, attributes in nodes:
        writer.add_node(op, node_inputs, node_outputs, attributes=attributes)
    for name in outputs:
        writer.mark_output(name)
    return writer.serialize()


def engine(*args: Any, profiles: Any = None, **kwargs: Any) -> burnish.Engine:
    return burnish.build(model(*args, **kwargs), profiles=profiles, threads=1, opt_level=1)


def sum_engine(shape: Sequence[int | str] = (2, 3), profiles: Any = None) -> burnish.Engine:
    """c = a + b, d = a - b"""
    return engine([("Add", ["a", "b"], ["c"], {}), ("Sub", ["a", "b"], ["d"], {})], {"a": shape, "b": shape}, ["c", "d"],
                  profiles=profiles)


def relu_engine(shape: Sequence[int | str] = (4,), profiles: Any = None) -> burnish.Engine:
    return engine([("Relu", ["x"], ["y"], {})], {"x": shape}, ["y"], profiles=profiles)
