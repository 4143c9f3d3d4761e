#include "kernels/cuda/cudnn.h"

#include <array>
#include <map>
#include <memory>

#include "base/error.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/library.h"

namespace burnish::cuda::dnn {
namespace {

constexpr const char* kEnvironment = "BURNISH_CUDNN";
constexpr const char* kNames[] = {"libcudnn.so.9", "/usr/local/cuda/lib64/libcudnn.so.9"};

struct Loaded {
  Library library;
  bool usable = false;
};

Loaded load() {
  Loaded loaded;
  void* l = open_library(kEnvironment, kNames);
  Library& f = loaded.library;
  loaded.usable =
      l != nullptr && bind(l, "cudnnGetVersion", f.GetVersion) && bind(l, "cudnnGetErrorString", f.GetErrorString) &&
      bind(l, "cudnnGetLastErrorString", f.GetLastErrorString) && bind(l, "cudnnCreate", f.Create) &&
      bind(l, "cudnnSetStream", f.SetStream) && bind(l, "cudnnBackendCreateDescriptor", f.BackendCreateDescriptor) &&
      bind(l, "cudnnBackendDestroyDescriptor", f.BackendDestroyDescriptor) &&
      bind(l, "cudnnBackendFinalize", f.BackendFinalize) &&
      bind(l, "cudnnBackendSetAttribute", f.BackendSetAttribute) &&
      bind(l, "cudnnBackendGetAttribute", f.BackendGetAttribute) && bind(l, "cudnnBackendExecute", f.BackendExecute);
  return loaded;
}

const Loaded& loaded() {
  static const Loaded instance = load();
  return instance;
}

[[noreturn]] void fail(ErrorCode code, Status status, std::string_view what) {
  std::array<char, 512> reason{};
  library().GetLastErrorString(reason.data(), reason.size() - 1);
  throw_error(code, "cuDNN {}, {}: {} ({})", version(), what, library().GetErrorString(status), reason.data());
}

}  // namespace

bool available() {
  return loaded().usable;
}

const Library& library() {
  if (!available()) {
    throw Error(ErrorCode::kUnsupported, "this step runs in NVIDIA's cuDNN (libcudnn.so.9), which is not here")
        .with_hint(
            fmt::format("install cuDNN 9 or the Python package nvidia-cudnn, or name the library in {}; or build the "
                        "engine where it is missing, so that it is not chosen",
                        kEnvironment));
  }
  return loaded().library;
}

std::string version() {
  if (!available()) return "";
  const size_t v = library().GetVersion();  // 91900 for 9.19.0
  return fmt::format("{}.{}.{}", v / 10000, v / 100 % 100, v % 100);
}

void check_status(Status status, std::string_view what) {
  if (status != 0) fail(ErrorCode::kInternal, status, what);
}

void check_supported(Status status, std::string_view what) {
  if (status != 0) fail(ErrorCode::kUnsupported, status, what);
}

Descriptor::Descriptor(int type) {
  check_status(library().BackendCreateDescriptor(type, &handle_), "making a descriptor");
}
Descriptor::~Descriptor() {
  if (handle_ != nullptr) library().BackendDestroyDescriptor(handle_);
}

Descriptor& Descriptor::finalize() {
  check_supported(library().BackendFinalize(handle_), "planning");
  return *this;
}

Status Descriptor::set_bytes(int name, int type, int64_t count, const void* values) const {
  return library().BackendSetAttribute(handle_, name, type, count, values);
}

size_t Descriptor::get_bytes(int name, int type, size_t most, void* values) const {
  int64_t count = 0;
  check_supported(library().BackendGetAttribute(handle_, name, type, static_cast<int64_t>(most), &count, values),
                  "asking");
  return std::min(most, static_cast<size_t>(count));
}

std::string Descriptor::get_text(int name) const {
  int64_t count = 0;
  check_supported(library().BackendGetAttribute(handle_, name, kTypeChar, 0, &count, nullptr), "asking");
  std::string text(static_cast<size_t>(count), '\0');
  text.resize(get_bytes(name, kTypeChar, text.size(), text.data()));
  return text;
}

std::vector<Descriptor> Descriptor::get_descriptors(int name, int type, size_t most) const {
  std::vector<Descriptor> found;
  std::vector<Handle> handles;
  for (size_t i = 0; i < most; ++i) handles.push_back(found.emplace_back(type).handle());
  const size_t count = get_bytes(name, kTypeDescriptor, most, handles.data());
  while (found.size() > count) found.pop_back();
  return found;
}

Site& Site::of_device(int device) {
  static std::mutex mutex;
  static std::map<int, std::unique_ptr<Site>> sites;
  const std::lock_guard lock(mutex);
  std::unique_ptr<Site>& site = sites[device];
  if (!site) {
    Handle handle = nullptr;
    Device::get(device).make_current();
    check_status(library().Create(&handle), "starting");
    site.reset(new Site(handle));
  }
  return *site;
}

Site::Site(const std::string& properties) {
  properties_.emplace_back(kDeviceProperties)
      .set(kDevicePropertiesJson, kTypeChar, std::span<const char>(properties))
      .finalize();
}

void Site::place(Descriptor& descriptor, int handle_name, int properties_name) const {
  if (handle_ != nullptr && handle_name != 0) descriptor.set(handle_name, kTypeHandle, handle_);
  if (handle_ == nullptr && properties_name != 0) descriptor.set(properties_name, properties_[0]);
}

}  // namespace burnish::cuda::dnn
