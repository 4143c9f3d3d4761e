#include "kernels/cuda/cublaslt.h"

#include <map>
#include <mutex>

#include "base/error.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/library.h"

namespace burnish::cuda::lt {
namespace {

constexpr const char* kEnvironment = "BURNISH_CUBLASLT";
constexpr const char* kNames[] = {"libcublasLt.so.13", "libcublasLt.so.12", "/usr/local/cuda/lib64/libcublasLt.so.13",
                                  "/usr/local/cuda/lib64/libcublasLt.so.12"};

struct Loaded {
  Library library;
  bool usable = false;
};

Loaded load() {
  Loaded loaded;
  void* l = open_library(kEnvironment, kNames);
  Library& f = loaded.library;
  loaded.usable = l != nullptr && bind(l, "cublasLtGetVersion", f.GetVersion) &&
                  bind(l, "cublasLtGetStatusString", f.GetStatusString) && bind(l, "cublasLtCreate", f.Create) &&
                  bind(l, "cublasLtMatmulDescCreate", f.MatmulDescCreate) &&
                  bind(l, "cublasLtMatmulDescDestroy", f.MatmulDescDestroy) &&
                  bind(l, "cublasLtMatmulDescSetAttribute", f.MatmulDescSetAttribute) &&
                  bind(l, "cublasLtMatrixLayoutCreate", f.MatrixLayoutCreate) &&
                  bind(l, "cublasLtMatrixLayoutDestroy", f.MatrixLayoutDestroy) &&
                  bind(l, "cublasLtMatrixLayoutSetAttribute", f.MatrixLayoutSetAttribute) &&
                  bind(l, "cublasLtMatmulPreferenceCreate", f.MatmulPreferenceCreate) &&
                  bind(l, "cublasLtMatmulPreferenceDestroy", f.MatmulPreferenceDestroy) &&
                  bind(l, "cublasLtMatmulPreferenceSetAttribute", f.MatmulPreferenceSetAttribute) &&
                  bind(l, "cublasLtMatmulAlgoGetHeuristic", f.MatmulAlgoGetHeuristic) &&
                  bind(l, "cublasLtMatmulAlgoCheck", f.MatmulAlgoCheck) && bind(l, "cublasLtMatmul", f.Matmul);
  return loaded;
}

const Loaded& loaded() {
  static const Loaded instance = load();
  return instance;
}

}  // namespace

bool available() {
  return loaded().usable;
}

const Library& library() {
  if (!available()) {
    throw Error(ErrorCode::kUnsupported,
                "this step runs in NVIDIA's cuBLASLt (libcublasLt.so.13 or .12), which is not here")
        .with_hint(
            fmt::format("install cuBLAS or the Python package nvidia-cublas, or name the library in {}; or build "
                        "the engine where it is missing, so that it is not chosen",
                        kEnvironment));
  }
  return loaded().library;
}

std::string version() {
  if (!available()) return "";
  const size_t v = library().GetVersion();  // 130100 for 13.1.0
  return fmt::format("{}.{}.{}", v / 10000, v / 100 % 100, v % 100);
}

Handle handle_of(int device) {
  static std::mutex mutex;
  static std::map<int, Handle> handles;
  const std::lock_guard lock(mutex);
  Handle& handle = handles[device];
  if (handle == nullptr) {
    Device::get(device).make_current();
    check_status(library().Create(&handle), "starting");
  }
  return handle;
}

void check_status(Status status, std::string_view what) {
  check(status == 0, ErrorCode::kInternal, "cuBLASLt {}, {}: {}", version(), what, library().GetStatusString(status));
}

Descriptor Descriptor::operation(int compute) {
  Handle handle = nullptr;
  check_status(library().MatmulDescCreate(&handle, compute, kR32F), "describing a product");
  return {handle, library().MatmulDescSetAttribute, library().MatmulDescDestroy};
}

Descriptor Descriptor::layout(int type, int64_t rows, int64_t columns, int64_t ld) {
  Handle handle = nullptr;
  check_status(
      library().MatrixLayoutCreate(&handle, type, static_cast<uint64_t>(rows), static_cast<uint64_t>(columns), ld),
      "describing a matrix");
  return {handle, library().MatrixLayoutSetAttribute, library().MatrixLayoutDestroy};
}

Descriptor Descriptor::preference() {
  Handle handle = nullptr;
  check_status(library().MatmulPreferenceCreate(&handle), "describing preferences");
  return {handle, library().MatmulPreferenceSetAttribute, library().MatmulPreferenceDestroy};
}

}  // namespace burnish::cuda::lt
