#include "server_http/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>

#include "server/model_name.h"

namespace burnish::server::http {
namespace {

constexpr size_t kMaxSegments = 7, kMaxNameBytes = 255;
enum Methods : uint8_t { kGets = 1, kPosts = 2, kGetsAndPosts = 3 };

// {m}: a model's name, {v}: a version, {r}: a shared memory region.
struct Row {
  std::string_view pattern;
  Methods methods;
  Access access;
  Endpoint endpoint;
};

constexpr std::array kRows = {
    Row{"v2/models/{m}/infer", kPosts, Access::kInference, Endpoint::kInfer},
    Row{"v2/models/{m}/versions/{v}/infer", kPosts, Access::kInference, Endpoint::kInfer},
    Row{"v2/health/live", kGets, Access::kOpen, Endpoint::kServerLive},
    Row{"v2/health/ready", kGets, Access::kOpen, Endpoint::kServerReady},
    Row{"v2", kGets, Access::kInference, Endpoint::kServerMetadata},
    Row{"v2/models/stats", kGets, Access::kInference, Endpoint::kModelStatistics},
    Row{"v2/models/{m}", kGets, Access::kInference, Endpoint::kModelMetadata},
    Row{"v2/models/{m}/versions/{v}", kGets, Access::kInference, Endpoint::kModelMetadata},
    Row{"v2/models/{m}/ready", kGets, Access::kInference, Endpoint::kModelReady},
    Row{"v2/models/{m}/versions/{v}/ready", kGets, Access::kInference, Endpoint::kModelReady},
    Row{"v2/models/{m}/config", kGets, Access::kInference, Endpoint::kModelConfig},
    Row{"v2/models/{m}/versions/{v}/config", kGets, Access::kInference, Endpoint::kModelConfig},
    Row{"v2/models/{m}/stats", kGets, Access::kInference, Endpoint::kModelStatistics},
    Row{"v2/models/{m}/versions/{v}/stats", kGets, Access::kInference, Endpoint::kModelStatistics},
    Row{"v2/models/{m}/trace/setting", kGetsAndPosts, Access::kManagement, Endpoint::kTraceSetting},
    Row{"v2/trace/setting", kGetsAndPosts, Access::kManagement, Endpoint::kTraceSetting},
    Row{"v2/logging", kGetsAndPosts, Access::kManagement, Endpoint::kLogSetting},
    Row{"v2/repository/index", kPosts, Access::kManagement, Endpoint::kRepositoryIndex},
    Row{"v2/repository/models/{m}/load", kPosts, Access::kManagement, Endpoint::kRepositoryLoad},
    Row{"v2/repository/models/{m}/unload", kPosts, Access::kManagement, Endpoint::kRepositoryUnload},
    Row{"v2/systemsharedmemory/status", kGets, Access::kInference, Endpoint::kSharedMemoryStatus},
    Row{"v2/systemsharedmemory/region/{r}/status", kGets, Access::kInference, Endpoint::kSharedMemoryStatus},
    Row{"v2/systemsharedmemory/region/{r}/register", kPosts, Access::kInference, Endpoint::kSharedMemoryRegister},
    Row{"v2/systemsharedmemory/unregister", kPosts, Access::kInference, Endpoint::kSharedMemoryUnregister},
    Row{"v2/systemsharedmemory/region/{r}/unregister", kPosts, Access::kInference, Endpoint::kSharedMemoryUnregister},
    Row{"v2/cudasharedmemory/status", kGets, Access::kInference, Endpoint::kCudaSharedMemoryStatus},
    Row{"v2/cudasharedmemory/region/{r}/status", kGets, Access::kInference, Endpoint::kCudaSharedMemoryStatus},
    Row{"v2/cudasharedmemory/region/{r}/register", kPosts, Access::kInference, Endpoint::kCudaSharedMemoryRegister},
    Row{"v2/cudasharedmemory/unregister", kPosts, Access::kInference, Endpoint::kCudaSharedMemoryUnregister},
    Row{"v2/cudasharedmemory/region/{r}/unregister", kPosts, Access::kInference, Endpoint::kCudaSharedMemoryUnregister},
    Row{"metrics", kGets, Access::kManagement, Endpoint::kMetrics},
    Row{"v2/live_state", kGets, Access::kManagement, Endpoint::kLiveState},
    Row{"", kGets, Access::kManagement, Endpoint::kLivePage},
};

using Segments = std::span<const std::string_view>;

// -1: too many.
int split(std::string_view path, std::array<std::string_view, kMaxSegments>& out) {
  size_t n = 0;
  while (true) {
    if (n == out.size()) return -1;
    const size_t slash = std::min(path.find('/'), path.size());
    out[n++] = path.substr(0, slash);
    if (slash == path.size()) return static_cast<int>(n);
    path.remove_prefix(slash + 1);
  }
}

bool matches(std::string_view pattern, Segments segments) {
  for (size_t i = 0; i < segments.size(); ++i) {
    const size_t slash = std::min(pattern.find('/'), pattern.size());
    const std::string_view part = pattern.substr(0, slash);
    if (!part.starts_with('{') && part != segments[i]) return false;
    const bool last = slash == pattern.size();
    if (last != (i + 1 == segments.size())) return false;
    if (!last) pattern.remove_prefix(slash + 1);
  }
  return true;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size() || digit(text[i + 1]) < 0 || digit(text[i + 2]) < 0) return std::nullopt;
    out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
    i += 2;
  }
  return out;
}

bool is_name(std::string_view name) {
  if (name.empty() || name.size() > kMaxNameBytes || name == "." || name == "..") return false;
  return std::none_of(name.begin(), name.end(), [](char c) {
    return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

bool is_version(std::string_view version) {
  return !version.empty() && version.size() <= 18 &&
         std::all_of(version.begin(), version.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Fills the pattern's names from the segments; the message of what is wrong with them, or nothing.
std::string read_names(std::string_view pattern, Segments segments, Route& out) {
  for (const std::string_view segment : segments) {
    const size_t slash = std::min(pattern.find('/'), pattern.size());
    const std::string_view part = pattern.substr(0, slash);
    pattern.remove_prefix(std::min(slash + 1, pattern.size()));
    if (!part.starts_with('{')) continue;
    const std::string_view what = part == "{m}" ? "model name" : part == "{v}" ? "model version" : "region name";
    const std::optional<std::string> name = percent_decoded(segment);
    if (!name) return fmt::format("{} '{}': a '%' must be followed by two hexadecimal digits", what, segment);
    if (part == "{v}" && !is_version(*name)) return fmt::format("{} '{}': must be a decimal number", what, *name);
    if (part == "{m}" && !is_model_name(*name)) {
      return fmt::format("{} '{}': letters, digits, '_', '-' and '.' make a name", what, *name);
    }
    if (!is_name(*name)) return fmt::format("{} '{}': no name that there can be", what, *name);
    (part == "{m}" ? out.model : part == "{v}" ? out.version : out.region) = *name;
  }
  return {};
}

}  // namespace

RouteResult route(Method method, std::string_view target, Route& out) {
  const std::string_view path = target.substr(0, target.find_first_of("?#"));
  std::array<std::string_view, kMaxSegments> all;
  const int n = path.starts_with('/') ? split(path.substr(1), all) : -1;
  const Row* found = nullptr;
  if (n > 0) {
    const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& r) {
      return matches(r.pattern, Segments(all).first(static_cast<size_t>(n)));
    });
    if (row != kRows.end()) found = &*row;
  }
  if (!found) return {404, fmt::format("target '{}': there is no such endpoint", target), {}};
  const bool allowed = method == Method::kPost ? (found->methods & kPosts) != 0
                                               : method != Method::kOther && (found->methods & kGets) != 0;
  out.endpoint = found->endpoint;
  out.access = found->access;
  if (!allowed) {
    const std::string_view allow = found->methods == kGets    ? "GET, HEAD"
                                   : found->methods == kPosts ? "POST"
                                                              : "GET, HEAD, POST";
    return {405, fmt::format("method: target '{}' takes {}", path, allow), allow};
  }
  out.model.clear();
  out.version.clear();
  out.region.clear();
  std::string problem = read_names(found->pattern, Segments(all).first(static_cast<size_t>(n)), out);
  return problem.empty() ? RouteResult{} : RouteResult{400, std::move(problem), {}};
}

}  // namespace burnish::server::http
