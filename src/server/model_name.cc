#include "server/model_name.h"

#include <algorithm>
#include <cctype>

namespace burnish::server {
namespace {

constexpr size_t kMaxNameLength = 200;

}  // namespace

bool is_model_name(std::string_view name) {
  const auto allowed = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= kMaxNameLength && name[0] != '.' && std::ranges::all_of(name, allowed);
}

}  // namespace burnish::server
