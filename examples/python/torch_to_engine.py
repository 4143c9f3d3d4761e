#!/usr/bin/env python3
"""From a PyTorch module to an engine: exported, compiled and compared, on the GPU where there is one, else on the CPU.

    PYTHONPATH=build/release/python python3 examples/python/torch_to_engine.py [--fp16]
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import torch  # type: ignore[import-not-found, unused-ignore]

import burnish

SIZE = 64
MAX_BATCH = 32


def network() -> Any:
    """An image classifier with random weights."""
    layers: list[Any] = []
    for channels_in, channels_out in ((3, 32), (32, 64), (64, 128)):
        layers += [torch.nn.Conv2d(channels_in, channels_out, 3, stride=2, padding=1), torch.nn.BatchNorm2d(channels_out),
                   torch.nn.SiLU()]
    return torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(128, 10)).eval()


def export(model: Any, path: Path) -> None:
    """With a free batch dimension."""
    axes = {"image": {0: "batch"}, "logits": {0: "batch"}}
    torch.onnx.export(model, (torch.randn(2, 3, SIZE, SIZE),), str(path), input_names=["image"], output_names=["logits"],
                      dynamic_axes=axes, dynamo=False)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--fp16", action="store_true")
    fp16 = arguments.parse_args().fp16
    torch.manual_seed(0)
    torch.backends.cudnn.allow_tf32 = False  # exact FP32, as engines compute
    device = "cuda" if burnish.num_gpus() and torch.cuda.is_available() else "cpu"
    model = network()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.onnx")
        export(model, path)
        shapes = [(batch, 3, SIZE, SIZE) for batch in (1, 8, MAX_BATCH)]
        engine = burnish.build(path, target=device, fp16=fp16, profiles={"image": (shapes[0], shapes[1], shapes[2])})

    model.to(device)
    print(f"{engine} on {engine.device}")
    for batch in (1, 5, MAX_BATCH):
        x = torch.randn(batch, 3, SIZE, SIZE, device=device)
        with torch.inference_mode():
            expected = model(x)
        logits = torch.as_tensor(engine(x))  # on the GPU a tensor already; on the CPU NumPy's array, which it shares
        assert logits.device == expected.device
        difference = float((logits - expected).abs().max() / expected.abs().max())
        print(f"batch {batch}: {tuple(logits.shape)}, at most {difference:.1e} of the largest logit from PyTorch")
        assert difference < (2e-2 if fp16 else 2e-3)


if __name__ == "__main__":
    main()
