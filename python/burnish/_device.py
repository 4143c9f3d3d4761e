"""What frameworks tell of their tensors in a GPU's memory. PyTorch is asked; others follow DLPack's rules."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Union

from burnish.errors import InvalidArgumentError

DeviceLike = Union[str, int, None]

_DEFAULT_STREAM = 1  # CUDA's number of its default stream; 0 is no stream in DLPack
_NARROW = ("int4", "uint4", "int2", "uint2", "float4_e2m1fn")  # PyTorch packs them, or has them not at all


def stream_of(stream: Any, tensors: Sequence[Any]) -> tuple[int, bool]:
    """The handle of the CUDA stream to execute on, and whether those who own the tensors work behind it from then on.

    stream: the caller's (a handle, or PyTorch's, CuPy's or PyCUDA's object); None: PyTorch's current one where all
    tensors are PyTorch's, else CUDA's default stream.
    """
    if stream is not None:
        return _handle_of(stream) or _DEFAULT_STREAM, True
    torch = sys.modules.get("torch")
    if torch is not None and all(isinstance(tensor, torch.Tensor) for tensor in tensors):
        return torch.cuda.current_stream(tensors[0].device).cuda_stream or _DEFAULT_STREAM, True
    return _DEFAULT_STREAM, False


def _handle_of(stream: Any) -> int:
    for name in ("cuda_stream", "ptr", "handle"):
        if hasattr(stream, name):
            return int(getattr(stream, name))
    return int(stream)


def empty_like(tensor: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """Uninitialised memory of the tensor's framework on its GPU; None where that is not PyTorch, or has no such type."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(tensor, torch.Tensor) or dtype in _NARROW or not hasattr(torch, dtype):
        return None
    return torch.empty(shape, dtype=getattr(torch, dtype), device=tensor.device)


def gpu_number(device: DeviceLike) -> int:
    """1 of 1, "cuda:1" or torch.device("cuda:1"); 0 of "cuda" and None; -1 of "cpu"."""
    if device is None or isinstance(device, int):
        return device or 0
    kind, _, number = str(device).partition(":")
    if kind == "cpu" and not number:
        return -1
    if kind == "cuda" and (not number or number.isdecimal()):
        return int(number or 0)
    raise InvalidArgumentError(f"there is no device '{device}': devices are 'cpu', 'cuda' (the first GPU), 'cuda:N', or N")
