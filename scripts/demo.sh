#!/usr/bin/env bash
# The main job on a real model: builds an engine from a trained classifier, classifies 10,000 images with it, and puts
# the figures beside those of the same model without optimisation. From a bare machine: a few minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
./scripts/setup.sh
echo "demo: building the program (release)"
./scripts/build.sh release burnish classify_fashion | tail -n 1

bin=build/release/bin
work=build/demo
mkdir -p "$work"
.venv/bin/python - "$work" <<'PYTHON'
import sys
import numpy as np
data = np.load("examples/fashion/fashion_test.npz")
data["image"].tofile(sys.argv[1] + "/images.u8")
data["label"].tofile(sys.argv[1] + "/labels.u8")
PYTHON

profile="image=1x1x28x28:64x1x28x28:64x1x28x28"
echo
echo "== burnish build: examples/fashion/fashion_resnet.onnx, tuned on this machine"
"$bin/burnish" build examples/fashion/fashion_resnet.onnx -o "$work/fashion_resnet.engine" --profile "$profile" \
  --timing-cache "$work/timing.cache"
echo
echo "== burnish inspect"
"$bin/burnish" inspect "$work/fashion_resnet.engine"
"$bin/burnish" build examples/fashion/fashion_resnet.onnx -o "$work/reference.engine" --profile "$profile" --opt-level 0 --quiet

echo
echo "== 10,000 Fashion-MNIST test images"
"$bin/classify_fashion" "$work/fashion_resnet.engine" "$work/images.u8" "$work/labels.u8" >"$work/optimised.json"
"$bin/classify_fashion" "$work/reference.engine" "$work/images.u8" "$work/labels.u8" 640 >"$work/reference.json"
.venv/bin/python - "$work" <<'PYTHON'
import json
import sys
rows = [(name, json.load(open(f"{sys.argv[1]}/{file}.json")))
        for name, file in (("unoptimised reference (opt level 0)", "reference"), ("burnish engine", "optimised"))]
print(f"{'':<36}{'images':>8}{'top-1':>10}{'latency b1':>13}{'throughput b64':>18}")
for name, r in rows:
    print(f"{name:<36}{r['images']:>8}{r['top1_percent']:>8.2f} %{r['latency_ms']:>10.3f} ms{r['images_per_second']:>14.0f} /s")
a, b = rows[0][1], rows[1][1]
print(f"{'':<36}{'':>8}{'':>10}{a['latency_ms'] / b['latency_ms']:>10.1f} x  {b['images_per_second'] / a['images_per_second']:>13.1f} x")
PYTHON
