"""build(): an ONNX model in, an Engine out."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Union

import numpy as np

from burnish import _core
from burnish._engine import Engine
from burnish._profiles import ProfileLike, to_profiles
from burnish._progress import Progress, progress_callback
from burnish.errors import InvalidArgumentError

logger = logging.getLogger("burnish")
_LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO, "verbose": logging.DEBUG}


class SerializableModel(Protocol):
    """Such as onnx.ModelProto."""

    def SerializeToString(self) -> bytes: ...


PathLike = Union[str, "os.PathLike[str]"]
Model = Union[PathLike, bytes, SerializableModel]
Traffic = Union[PathLike, Mapping[str, Any]]
Samples = Union[PathLike, Mapping[str, Any], Iterable[Union[PathLike, Mapping[str, Any]]]]


def _log(level: str, message: str) -> None:
    logger.log(_LEVELS[level], "%s", message)


def _model_of(model: Model) -> str | bytes:
    if isinstance(model, (str, bytes)):
        return model
    if isinstance(model, os.PathLike):
        return os.fspath(model)
    if hasattr(model, "SerializeToString"):
        return model.SerializeToString()
    raise InvalidArgumentError(
        f"the model is a {type(model).__name__}: give the path of an .onnx file, its bytes, or an onnx.ModelProto")


def _dictionaries(samples: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for sample in samples:
        if not isinstance(sample, Mapping):
            raise InvalidArgumentError(
                f"calibrate gave a {type(sample).__name__}: every batch of samples is a dictionary of arrays by input, "
                "whose first dimension counts samples")
        yield dict(sample)


def _calibration(samples: Samples | None) -> tuple[list[str], Iterator[dict[str, Any]] | None]:
    """Paths, or an iterator over dictionaries of arrays."""
    if samples is None:
        return [], None
    if isinstance(samples, (str, os.PathLike)):
        return [os.fspath(samples)], None
    if isinstance(samples, Mapping):
        return [], iter([dict(samples)])
    if isinstance(samples, Sequence) and samples and all(isinstance(s, (str, os.PathLike)) for s in samples):
        return [os.fspath(s) for s in samples if isinstance(s, (str, os.PathLike))], None
    if isinstance(samples, np.ndarray) or not isinstance(samples, Iterable):
        raise InvalidArgumentError(
            f"calibrate is a {type(samples).__name__}: give a dictionary of arrays by input, an iterable of such "
            "dictionaries, or paths of .npz or .npy files")
    return [], _dictionaries(samples)


@contextlib.contextmanager
def _labels_file(labels: PathLike | Sequence[int] | np.ndarray[Any, Any] | None) -> Iterator[str]:
    if labels is None or isinstance(labels, (str, os.PathLike)):
        yield "" if labels is None else os.fspath(labels)
        return
    with tempfile.TemporaryDirectory(prefix="burnish-labels-") as folder:
        path = Path(folder) / "labels.npy"
        np.save(path, np.asarray(labels))
        yield str(path)


@contextlib.contextmanager
def _traffic_file(traffic: Traffic | None) -> Iterator[str]:
    if traffic is None or not isinstance(traffic, Mapping):
        yield "" if traffic is None else os.fspath(traffic)
        return
    with tempfile.TemporaryDirectory(prefix="burnish-traffic-") as folder:
        path = Path(folder) / "traffic.json"
        path.write_text(json.dumps(dict(traffic)), encoding="utf-8")
        yield str(path)


def build(
    model: Model,
    output: PathLike | None = None,
    *,
    target: str | Sequence[str] = "cpu",
    profiles: ProfileLike | Sequence[ProfileLike] | None = None,
    traffic: Traffic | None = None,
    traffic_profiles: int = 3,
    threads: int = 0,
    opt_level: int = 3,
    bf16: bool = False,
    fp16: bool = False,
    tf32: bool = False,
    int8: bool = False,
    best: bool = False,
    calibrate: Samples | None = None,
    calibrator: str = "mse",
    calibration_cache: PathLike | None = None,
    accuracy_drop: float | None = 0.01,
    labels: PathLike | Sequence[int] | np.ndarray[Any, Any] | None = None,
    metric: str = "",
    timing_cache: PathLike | None = None,
    memory_limit: int = 0,
    disabled_passes: Sequence[str] = (),
    base_directory: PathLike | None = None,
    progress: Progress = False,
    verbose: bool = False,
) -> Engine:
    """Compiles an ONNX model for this machine, or for a GPU that is not at hand.

    Args:
        model: path of an .onnx file, its bytes, or an onnx.ModelProto.
        output: where the engine file is written as well.
        target: "cpu"; "cuda" (the first GPU of this machine) or "cuda:1"; or "sm_90" (any GPU of that compute capability;
            kernels are then chosen without timing). A list makes one file with an engine for each. An engine that cannot
            run here can still be looked at and saved.
        profiles: the shapes that inputs may take: "x=1x3x224x224:8x3x224x224:32x3x224x224" (min:opt:max), a dictionary
            of (min, opt, max) or of one shape by input, or a list of several such profiles. None: a sensible default.
        traffic: how often the model is executed with which shapes, as a dictionary, {"batches": {"4": 900, …}, "dimensions":
            {NAME: {EXTENT: COUNT, …}}}, or as a file of it or of what a server answers at /v2/models/MODEL/stats. At most
            traffic_profiles further profiles are tuned for these shapes and kept where they are measured to pay.
        threads: threads to tune for, and of one call of the engine; 0: all cores.
        opt_level: 0 (no tuning, no fusion) to 5 (every candidate, timed long).
        bf16, fp16, int8, best: lower precision; best takes whatever is fastest within the accuracy budget.
        tf32: GPUs may round the operands of products and convolutions that stay FP32 to TF32; changes nothing on CPUs.
        calibrate: unlabelled samples: a dictionary of arrays by input whose first dimension counts samples, an iterable
            (a generator, say) of such dictionaries, or paths of .npz, .npy or raw files or folders of them.
        calibrator: how ranges are chosen: "minmax", "percentile", "entropy" or "mse".
        calibration_cache: text file of ranges, read if it is there, else written.
        accuracy_drop: most that may be lost against FP32 on samples held back, as a share; None: any loss is accepted.
        labels: class of every sample; the metric is then top-1 accuracy.
        metric: command that prints a metric, higher is better; it gets a folder with OUTPUT.npy and indices.npy.
        timing_cache: file of measured times, read and updated.
        memory_limit: most bytes of weights and intermediate values; 0: none.
        disabled_passes: optimisations to leave out, by name.
        base_directory: where external data of a model given as bytes lies.
        progress: True draws a bar on stderr; a callable is given (stage, done, total).
        verbose: also log what every pass changed.

    Messages go to the logger "burnish". Raises subclasses of burnish.Error; what an iterator of samples or a progress
    callable raises arrives as it was raised. Ctrl-C stops the build.
    """
    paths, samples = _calibration(calibrate)
    with progress_callback(progress) as report_progress, _labels_file(labels) as labels_path, \
            _traffic_file(traffic) as traffic_path:
        built = _core.build(
            _model_of(model),
            base_directory="" if base_directory is None else os.fspath(base_directory),
            target=target if isinstance(target, str) else ",".join(target),
            output=None if output is None else os.fspath(output),
            profiles=to_profiles(profiles),
            traffic=traffic_path,
            traffic_profiles=traffic_profiles,
            threads=threads,
            opt_level=opt_level,
            timing_cache="" if timing_cache is None else os.fspath(timing_cache),
            memory_limit=memory_limit,
            disabled_passes=list(disabled_passes),
            bf16=bf16,
            fp16=fp16,
            tf32=tf32,
            int8=int8,
            best=best,
            calibrate=paths,
            samples=samples,
            calibrator=calibrator,
            calibration_cache="" if calibration_cache is None else os.fspath(calibration_cache),
            accuracy_drop=-1.0 if accuracy_drop is None else accuracy_drop,
            labels=labels_path,
            metric=metric,
            verbose=verbose,
            log=_log,
            progress=report_progress,
        )
    engine = Engine(built, threads)
    engine.report = built.report
    return engine
