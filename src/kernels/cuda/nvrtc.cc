#include "kernels/cuda/nvrtc.h"

#include "base/error.h"
#include "kernels/cuda/library.h"

namespace burnish::cuda {
namespace {

using Program = void*;

struct Nvrtc {
  int (*version)(int*, int*) = nullptr;
  int (*create)(Program*, const char*, const char*, int, const char* const*, const char* const*) = nullptr;
  int (*destroy)(Program*) = nullptr;
  int (*compile)(Program, int, const char* const*) = nullptr;
  int (*cubin_size)(Program, size_t*) = nullptr;
  int (*cubin)(Program, char*) = nullptr;
  int (*log_size)(Program, size_t*) = nullptr;
  int (*log)(Program, char*) = nullptr;
  bool usable = false;
};

constexpr const char* kEnvironment = "BURNISH_NVRTC";
constexpr const char* kNames[] = {"libnvrtc.so.13",
                                  "libnvrtc.so.12",
                                  "libnvrtc.so",
                                  "/usr/local/cuda/lib64/libnvrtc.so.13",
                                  "/usr/local/cuda/lib64/libnvrtc.so.12",
                                  "/usr/local/cuda/lib64/libnvrtc.so"};

Nvrtc load() {
  Nvrtc n;
  void* library = open_library(kEnvironment, kNames);  // never closed
  n.usable = library != nullptr && bind(library, "nvrtcVersion", n.version) &&
             bind(library, "nvrtcCreateProgram", n.create) && bind(library, "nvrtcDestroyProgram", n.destroy) &&
             bind(library, "nvrtcCompileProgram", n.compile) && bind(library, "nvrtcGetCUBINSize", n.cubin_size) &&
             bind(library, "nvrtcGetCUBIN", n.cubin) && bind(library, "nvrtcGetProgramLogSize", n.log_size) &&
             bind(library, "nvrtcGetProgramLog", n.log);
  return n;
}

const Nvrtc& nvrtc() {
  static const Nvrtc instance = load();
  return instance;
}

/// One program, destroyed with its owner.
class Compilation {
 public:
  Compilation(const std::string& source, const std::string& name) {
    check(nvrtc().create(&program_, source.c_str(), name.c_str(), 0, nullptr, nullptr) == 0, ErrorCode::kInternal,
          "NVRTC cannot take {}", name);
  }
  ~Compilation() { nvrtc().destroy(&program_); }
  Compilation(const Compilation&) = delete;
  Compilation& operator=(const Compilation&) = delete;

  bool compile(const std::string& arch) {
    const std::string architecture = "--gpu-architecture=" + arch;
    const char* const options[] = {architecture.c_str(), "--std=c++17", "-default-device"};
    return nvrtc().compile(program_, 3, options) == 0;
  }
  std::string log() const {
    size_t size = 0;
    if (nvrtc().log_size(program_, &size) != 0 || size == 0) return "";
    std::string text(size, '\0');
    nvrtc().log(program_, text.data());
    text.resize(size - 1);
    return text;
  }
  std::vector<std::byte> cubin() const {
    size_t size = 0;
    if (nvrtc().cubin_size(program_, &size) != 0) return {};
    std::vector<std::byte> bytes(size);
    if (nvrtc().cubin(program_, reinterpret_cast<char*>(bytes.data())) != 0) return {};
    return bytes;
  }

 private:
  Program program_ = nullptr;
};

}  // namespace

bool nvrtc_available() {
  return nvrtc().usable;
}

std::string nvrtc_version() {
  int major = 0, minor = 0;
  if (!nvrtc_available() || nvrtc().version(&major, &minor) != 0) return "";
  return fmt::format("{}.{}", major, minor);
}

std::vector<std::byte> compile_cubin(const std::string& source, const std::string& arch, const std::string& name) {
  if (!nvrtc_available()) {
    throw Error(ErrorCode::kUnsupported, "building for a GPU needs NVRTC (libnvrtc.so.13 or .12), which is not here")
        .with_hint(
            fmt::format("install the CUDA toolkit or the Python package nvidia-cuda-nvrtc, or name the library in "
                        "{}",
                        kEnvironment));
  }
  Compilation compilation(source, name);
  const bool compiled = compilation.compile(arch);
  std::vector<std::byte> cubin = compiled ? compilation.cubin() : std::vector<std::byte>();
  check(!cubin.empty(), ErrorCode::kInternal, "NVRTC {} cannot compile {} for {}:\n{}", nvrtc_version(), name, arch,
        compilation.log());
  return cubin;
}

}  // namespace burnish::cuda
