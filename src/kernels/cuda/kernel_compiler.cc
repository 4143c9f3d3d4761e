#include "kernels/cuda/kernel_compiler.h"

#include <cstdlib>
#include <filesystem>
#include <future>
#include <map>
#include <mutex>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "kernels/cuda/nvrtc.h"
#include "kernels/cuda/prelude.h"

namespace burnish::cuda {
namespace {

namespace fs = std::filesystem;

/// Empty: nothing is kept.
fs::path cache_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
  };
  fs::path folder;
  if (const auto own = variable("BURNISH_CACHE_DIR"); !own.empty()) {
    folder = own;
  } else if (const auto xdg = variable("XDG_CACHE_HOME"); !xdg.empty()) {
    folder = fs::path(xdg) / "burnish";
  } else if (const auto home = variable("HOME"); !home.empty()) {
    folder = fs::path(home) / ".cache" / "burnish";
  } else {
    return {};
  }
  folder /= "cubins";
  std::error_code error;
  fs::create_directories(folder, error);
  return error ? fs::path() : folder;
}

std::string hash_of(const std::string& text) {
  return hash128_hex({reinterpret_cast<const std::byte*>(text.data()), text.size()});
}

/// A file holds the hash of its machine code in 32 digits, then the code.
constexpr size_t kDigits = 32;

std::vector<std::byte> read_cached(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return {};
  std::string text;
  try {
    text = read_file(path.string());
  } catch (const Error&) {
    return {};
  }
  if (text.size() <= kDigits || hash_of(text.substr(kDigits)) != text.substr(0, kDigits)) return {};
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin + kDigits, begin + text.size()};
}

void write_cached(const fs::path& path, const std::vector<std::byte>& cubin) {
  try {
    AtomicFile file(path.string());
    const std::string digits = hash128_hex(cubin);
    file.write(digits.data(), digits.size());
    file.write(cubin.data(), cubin.size());
    file.commit();
  } catch (const Error&) {  // a full or read-only disk costs time, not the build
  }
}

std::vector<std::byte> compile_or_read(const std::string& key, const std::string& source, const std::string& arch,
                                       const std::string& name) {
  static const fs::path folder = cache_folder();
  const fs::path path = folder.empty() ? fs::path() : folder / (key + ".cubin");
  std::vector<std::byte> cubin = folder.empty() ? std::vector<std::byte>() : read_cached(path);
  if (!cubin.empty()) return cubin;
  cubin = compile_cubin(source, arch, name);
  if (!folder.empty()) write_cached(path, cubin);
  return cubin;
}

std::mutex g_mutex;
std::map<std::string, std::shared_future<Cubin>> g_known;

}  // namespace

Cubin compile(const Program& program, const std::string& arch) {
  const std::string source = std::string(prelude()) + program.source;
  const std::string key = hash_of(nvrtc_version() + '\n' + arch + '\n' + source);
  std::promise<Cubin> promise;
  std::shared_future<Cubin> known;
  {
    const std::lock_guard lock(g_mutex);
    const auto [at, is_new] = g_known.try_emplace(key);
    if (is_new) {
      at->second = promise.get_future().share();
    } else {
      known = at->second;
    }
  }
  if (known.valid()) return known.get();
  try {
    auto cubin = std::make_shared<const std::vector<std::byte>>(compile_or_read(key, source, arch, program.name));
    promise.set_value(cubin);
    return cubin;
  } catch (...) {
    promise.set_exception(std::current_exception());
    throw;
  }
}

}  // namespace burnish::cuda
