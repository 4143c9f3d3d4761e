#!/usr/bin/env python3
"""Makes a peer's INT8 model with the peer's own quantiser, in every recipe worth trying, and notes the fastest.

    bench/quantized_peers.py --peer onnxruntime --model resnet50 --float resnet50.onnx --record out.json

ONNX Runtime: quant_pre_process, then quantize_static (QDQ, per channel, INT8 weights) with unsigned and with signed
activations, of everything (but attention masks of minus infinities) or of the convolutions and products alone; for text
models also quantize_dynamic, which its documentation recommends there. OpenVINO: nncf.quantize with both presets (for
text models: model type TRANSFORMER), what stays float in FP32 or BF16. NNCF gets the pre-processed model, too: behind the
Transposes that exporters leave on weights, it would quantise nothing that OpenVINO could use.

Models stay beside the record and are used again as long as the float model and the versions are the same.
"""
import argparse
import gc
import importlib.metadata
import json
import os
import pathlib
import sys
import tempfile

import numpy as np

import peer_worker
from calibration_data import samples_of
from peer_columns import TEXT, input_shapes

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "tests/models"))
from quantized_models import mask_nodes  # noqa: E402

PRODUCTS = ["Conv", "MatMul", "Gemm"]
PACKAGES = {"onnxruntime": ("onnxruntime",), "openvino": ("openvino", "nncf")}
ROUNDS, SECONDS = 3, 0.5


def parse_args():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--peer", required=True, choices=tuple(PACKAGES))
    ap.add_argument("--model", required=True, help="resnet50, bert, yolov5s or minilm: says what its inputs look like")
    ap.add_argument("--float", required=True, type=pathlib.Path, help="the ONNX model to quantise")
    ap.add_argument("--record", required=True, type=pathlib.Path, help="JSON file that tells the fastest model")
    ap.add_argument("--batch", type=int, default=1)
    ap.add_argument("--sequence", type=int, default=128)
    ap.add_argument("--threads", type=int, default=2)
    return ap.parse_args()


def calibration_items(model, sequence):
    samples = samples_of(model, sequence)
    count = len(next(iter(samples.values())))
    return [{n: a[i:i + 1] for n, a in samples.items()} for i in range(count)]


def pre_process(float_path, target):
    """Folds constants and infers shapes; symbolic inference gives up on some exporters' models, plain inference does not."""
    from onnxruntime.quantization.shape_inference import quant_pre_process

    try:
        quant_pre_process(str(float_path), str(target))
    except Exception:  # it raises a bare Exception
        quant_pre_process(str(float_path), str(target), skip_symbolic_shape=True)


def onnxruntime_recipes(args, folded):
    """Recipe name -> function that writes its model to a path."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.items = iter(calibration_items(args.model, args.sequence))

        def get_next(self):
            return next(self.items, None)

    def static(activation, operators):
        return lambda path: quantize_static(folded, path, Reader(), quant_format=QuantFormat.QDQ, per_channel=True,
                                            activation_type=activation, weight_type=QuantType.QInt8,
                                            op_types_to_quantize=operators, nodes_to_exclude=mask_nodes(folded))

    recipes = {"static U8S8": static(QuantType.QUInt8, None), "static S8S8": static(QuantType.QInt8, None),
               "static U8S8 products": static(QuantType.QUInt8, PRODUCTS)}
    if args.model in TEXT:
        recipes["dynamic"] = lambda path: quantize_dynamic(folded, path, per_channel=True)
    return recipes


def openvino_recipes(args, folded):
    def with_preset(preset):
        def write(path):
            import nncf
            import openvino as ov

            items = calibration_items(args.model, args.sequence)
            kind = nncf.ModelType.TRANSFORMER if args.model in TEXT else None
            model = nncf.quantize(ov.Core().read_model(folded), nncf.Dataset(items), preset=nncf.QuantizationPreset(preset),
                                  model_type=kind, subset_size=len(items))
            ov.save_model(model, path, compress_to_fp16=False)

        return write

    return {f"NNCF {preset}": with_preset(preset) for preset in ("performance", "mixed")}


def made_models(args, stem):
    """Recipe name -> file; a recipe that fails is left out and reported."""
    folded = stem.with_name(stem.name + "_folded.onnx")
    if not folded.exists():
        pre_process(args.float, folded)
    recipes = (onnxruntime_recipes if args.peer == "onnxruntime" else openvino_recipes)(args, folded)
    files = {}
    for recipe, write in recipes.items():
        suffix = ".onnx" if args.peer == "onnxruntime" else ".xml"
        path = stem.with_name(f"{stem.name}_{recipe.replace(' ', '_')}{suffix}")
        try:
            if not path.exists():
                write(path)
            files[recipe] = path
        except Exception as e:
            print(f"{args.peer}, {args.model}, {recipe}: {e!r}"[:500])
    if not files:
        raise SystemExit(f"error: {args.peer} can quantise {args.model} in no way")
    return files


def candidates_of(args, files):
    """(label, setup for peer_worker) of everything to be timed."""
    hints = ("f32", "bf16") if args.peer == "openvino" else ("f32",)
    for recipe, path in files.items():
        for hint in hints:
            label = f"{recipe}, rest {hint.upper()}" if len(hints) > 1 else recipe
            yield label, {"peer": args.peer, "model": str(path), "hint": hint, "threads": args.threads, "contexts": 1}


def times_of(candidates, shapes):
    """Least round median in milliseconds per candidate; one is loaded at a time, so that idle threads disturb nobody."""
    best = {}
    feeds = peer_worker.feeds_of(shapes)
    for _ in range(ROUNDS):
        for label, setup in candidates:
            calls = peer_worker.RUNNERS[setup["peer"]](setup, feeds)[0]
            best[label] = min(best.get(label, np.inf), peer_worker.one_round(calls, SECONDS))
            del calls
            gc.collect()
    return best


def origin_of(args):
    """What the models were made from: another origin makes them anew."""
    stat = args.float.stat()
    versions = {p: importlib.metadata.version(p) for p in PACKAGES[args.peer]}
    return {"float": str(args.float), "bytes": stat.st_size, "changed": stat.st_mtime, "sequence": args.sequence,
            "threads": args.threads, **versions}


def main():
    args = parse_args()
    args.float, args.record = args.float.resolve(), args.record.resolve()
    args.record.parent.mkdir(parents=True, exist_ok=True)
    stem = args.record.with_name(f"{args.float.stem}_{args.peer}")
    origin, origin_file = origin_of(args), stem.with_name(stem.name + "_origin.json")
    if not origin_file.exists() or json.loads(origin_file.read_text()) != origin:
        for old in stem.parent.glob(stem.name + "_*"):
            old.unlink()
    elif args.record.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # the quantisers leave files where they are run
        files = made_models(args, stem)
        os.chdir(stem.parent)
    origin_file.write_text(json.dumps(origin))
    candidates = list(candidates_of(args, files))
    times = times_of(candidates, input_shapes(args.model, args.batch, args.sequence))
    fastest = min(times, key=times.get)
    setup = dict(candidates)[fastest]
    args.record.write_text(json.dumps({"file": setup["model"], "hint": setup["hint"], "recipe": fastest, "candidates_ms": times}))


if __name__ == "__main__":
    main()
