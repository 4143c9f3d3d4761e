#include "runtime/shape_choice.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"

namespace burnish {
namespace {

bool allows(const ProfileShapes& range, const Shape& shape) {
  if (shape.rank() != range.min.rank()) return false;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] < range.min[i] || shape[i] > range.max[i]) return false;
  }
  return true;
}

std::string dashed(const Shape& shape) {
  std::string text;
  for (const int64_t d : shape) text += (text.empty() ? "" : "x") + std::to_string(d);
  return text.empty() ? "scalar" : text;
}

// The option of `burnish build` that would allow this shape, too.
std::string wider_profile(const std::string& name, const ProfileShapes& range, const Shape& shape) {
  ProfileShapes wider = range;
  for (int i = 0; i < shape.rank(); ++i) {
    wider.min[i] = std::min(range.min[i], shape[i]);
    wider.max[i] = std::max(range.max[i], shape[i]);
  }
  return fmt::format("rebuild with --profile \"{}={}:{}:{}\"", name, dashed(wider.min), dashed(wider.opt),
                     dashed(wider.max));
}

std::string describe(const ProfileShapes& range) {
  return range.min == range.max ? to_string(range.min)
                                : fmt::format("{} to {}", to_string(range.min), to_string(range.max));
}

[[noreturn]] void throw_outside(const EngineData& data, size_t input, const Shape& shape) {
  const std::string& name = data.plans[0].inputs[input].name;
  const SymShape& declared = data.plans[0].values[static_cast<size_t>(data.plans[0].inputs[input].value)].shape;
  const ProfileShapes range = range_of(data.plans[0], input);
  check(shape.rank() == range.min.rank(), ErrorCode::kInvalidArgument, "input '{}' has {} dimensions, not {}: {}", name,
        range.min.rank(), shape.rank(), to_string(declared));
  for (int i = 0; i < shape.rank(); ++i) {
    const Dim& d = declared[static_cast<size_t>(i)];
    check(!d.is_constant() || d.is(shape[i]), ErrorCode::kInvalidArgument,
          "input '{}': dimension {} is {}, but the model fixes it to {}", name, i, shape[i], to_string(d));
  }
  std::string allowed;
  for (const Plan& plan : data.plans) allowed += (allowed.empty() ? "" : ", or ") + describe(range_of(plan, input));
  std::string culprit = fmt::format("shape {}", to_string(shape));
  for (int i = 0; data.plans.size() == 1 && i < shape.rank(); ++i) {
    if (shape[i] >= range.min[i] && shape[i] <= range.max[i]) continue;
    culprit =
        fmt::format("dimension {} ({}) of shape {}", i, to_string(declared[static_cast<size_t>(i)]), to_string(shape));
    break;
  }
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("input '{}': {} is outside what the engine was built for: {}", name, culprit, allowed))
      .with_hint(wider_profile(name, range, shape));
}

/// What decides between plans that allow the shapes: less is better.
struct Fit {
  double distance = 0;  // from the shapes that it is tuned for
  double width = 0;     // of its range
  auto operator<=>(const Fit&) const = default;
};

/// nullopt when the profile does not allow the shapes.
std::optional<Fit> fit_of(const Plan& plan, const std::vector<Shape>& shapes) {
  Fit fit;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const ProfileShapes range = range_of(plan, i);
    if (!allows(range, shapes[i])) return std::nullopt;
    fit.distance += log_distance(shapes[i], range.opt);
    fit.width += log_distance(range.min, range.max);
  }
  return fit;
}

// Inputs that name a dimension alike must agree on it: the plan counts on that.
void check_symbols(const Plan& plan, const std::vector<Shape>& shapes) {
  std::map<std::string, std::pair<int64_t, const std::string*>> known;
  for (size_t i = 0; i < shapes.size(); ++i) {
    const Binding& b = plan.inputs[i];
    const SymShape& declared = plan.values[static_cast<size_t>(b.value)].shape;
    for (int d = 0; d < shapes[i].rank(); ++d) {
      const Dim& dim = declared[static_cast<size_t>(d)];
      if (dim.is_constant()) continue;
      const auto [at, is_new] = known.try_emplace(to_string(dim), shapes[i][d], &b.name);
      check(is_new || at->second.first == shapes[i][d], ErrorCode::kInvalidArgument,
            "inputs '{}' and '{}' share the dimension '{}', but it is {} in one and {} in the other",
            *at->second.second, b.name, at->first, at->second.first, shapes[i][d]);
    }
  }
}

}  // namespace

ProfileShapes range_of(const Plan& plan, size_t input) {
  const Binding& b = plan.inputs[input];
  const auto at = plan.profile.inputs.find(b.name);
  if (at != plan.profile.inputs.end()) return at->second;
  const Shape fixed = to_concrete(plan.values[static_cast<size_t>(b.value)].shape).value();
  return {fixed, fixed, fixed};
}

std::optional<Shape> only_shape(const EngineData& data, const std::string& input) {
  std::optional<Shape> only;
  for (const Plan& plan : data.plans) {
    for (size_t i = 0; i < plan.inputs.size(); ++i) {
      if (plan.inputs[i].name != input) continue;
      const ProfileShapes range = range_of(plan, i);
      if (!(range.min == range.max) || (only && !(*only == range.min))) return std::nullopt;
      only = range.min;
    }
  }
  return only;
}

void check_shape(const EngineData& data, size_t input, const Shape& shape) {
  const bool allowed = std::any_of(data.plans.begin(), data.plans.end(),
                                   [&](const Plan& plan) { return allows(range_of(plan, input), shape); });
  if (!allowed) throw_outside(data, input, shape);
}

double log_distance(const Shape& a, const Shape& b) {
  double distance = 0;
  for (int i = 0; i < a.rank(); ++i) {
    if (a[i] == b[i]) continue;
    const auto log = [](int64_t d) { return std::log2(static_cast<double>(std::max<int64_t>(d, 1))); };
    distance += std::abs(log(a[i]) - log(b[i]));
  }
  return distance;
}

const Plan& choose_plan(const EngineData& data, const std::vector<Shape>& shapes) {
  const Plan* best = nullptr;
  Fit best_fit;
  for (const Plan& plan : data.plans) {
    const auto fit = fit_of(plan, shapes);
    if (!fit || (best != nullptr && !(*fit < best_fit))) continue;
    best = &plan;
    best_fit = *fit;
  }
  if (best != nullptr) {
    check_symbols(*best, shapes);
    return *best;
  }
  std::string set;
  for (size_t i = 0; i < shapes.size(); ++i) {
    set += fmt::format("{}{}={}", set.empty() ? "" : ", ", data.plans[0].inputs[i].name, dashed(shapes[i]));
  }
  throw Error(ErrorCode::kInvalidArgument, fmt::format("no profile of the engine allows {} together", set))
      .with_hint("rebuild with a --profile that covers them");
}

}  // namespace burnish
