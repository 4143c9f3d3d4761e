// parse_profile: the text form of profiles on the command line.
#include <burnish/builder.h>

#include <charconv>

#include "builder/boundary.h"
#include "builder/profiles.h"

namespace burnish {
namespace {

constexpr std::string_view kForm =
    "write NAME=MIN:OPT:MAX with shapes like 1x3x224x224, several inputs separated by "
    "commas; a single shape stands for all three";

[[noreturn]] void refuse(std::string_view text, const std::string& reason) {
  throw Error(ErrorCode::kInvalidArgument, fmt::format("profile '{}': {}", text, reason)).with_hint(std::string(kForm));
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

Profile::Range parse_range(std::string_view text, std::string_view whole) {
  std::vector<std::vector<int64_t>> shapes;
  for (const std::string_view part : split(text, ':')) shapes.push_back(parse_shape_text(part, whole));
  if (shapes.size() == 1) return {shapes[0], shapes[0], shapes[0]};
  if (shapes.size() != 3) refuse(whole, fmt::format("'{}' has {} shapes, not one or three", text, shapes.size()));
  return {shapes[0], shapes[1], shapes[2]};
}

/// "a=1x2,b=3" splits at commas; names hold no '=' but may hold ':' and '/'.
Profile parse(std::string_view text) {
  Profile profile;
  for (const std::string_view part : split(text, ',')) {
    const size_t equals = part.rfind('=');
    if (equals == std::string_view::npos || equals == 0) refuse(text, fmt::format("'{}' names no input", part));
    const std::string name(part.substr(0, equals));
    const bool is_new = profile.inputs.emplace(name, parse_range(part.substr(equals + 1), text)).second;
    if (!is_new) refuse(text, fmt::format("the input '{}' stands twice", name));
  }
  return profile;
}

}  // namespace

std::vector<int64_t> parse_shape_text(std::string_view text, std::string_view whole) {
  std::vector<int64_t> dims;
  if (text == "scalar") return dims;
  for (const std::string_view part : split(text, 'x')) {
    int64_t dim = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), dim);
    if (error != std::errc() || end != part.data() + part.size() || part.empty() || dim < 0) {
      refuse(whole, fmt::format("'{}' is not a shape", text));
    }
    dims.push_back(dim);
  }
  return dims;
}

Profile parse_profile(std::string_view text) {
  return with_public_errors([&] { return parse(text); });
}

}  // namespace burnish
