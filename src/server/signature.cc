#include "server/signature.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "runtime/engine_impl.h"
#include "runtime/shape_choice.h"
#include "server/inference_server.h"

namespace burnish::server {
namespace {

using Symbols = std::map<std::string, int64_t, std::less<>>;

std::vector<TensorSpec> specs_of(const EngineData& data, const std::vector<Binding>& bindings,
                                 const std::vector<BindingInfo>& infos, std::string_view kind) {
  std::vector<TensorSpec> specs;
  for (size_t i = 0; i < bindings.size(); ++i) {
    const PlanValue& value = data.plans[0].values[static_cast<size_t>(bindings[i].value)];
    const size_t bytes = element_bytes(infos[i].dtype);
    check(bytes > 0, ErrorCode::kUnsupported, "{} '{}' is {}, which the protocol has no name for: cast it in the model",
          kind, infos[i].name, name_of(value.dtype));
    specs.push_back({infos[i].name, infos[i].dtype, bytes, value.has_shape, value.shape, infos[i].shape});
  }
  return specs;
}

const TensorSpec* find_in(const std::vector<TensorSpec>& specs, std::string_view name) {
  const auto at = std::ranges::find(specs, name, &TensorSpec::name);
  return at == specs.end() ? nullptr : &*at;
}

bool is_plain_symbol(const Dim& dim) {
  if (dim.is_constant()) return false;
  std::vector<std::string> names;
  dim.collect_symbols(names);
  return names.size() == 1 && dim == Dim::symbol(names[0]);
}

bool within(const ProfileShapes& range, const Shape& shape, int first) {
  if (shape.rank() != range.min.rank()) return false;
  for (int d = first; d < shape.rank(); ++d) {
    if (shape[d] < range.min[d] || shape[d] > range.max[d]) return false;
  }
  return true;
}

}  // namespace

Signature::Signature(const Engine& engine) {
  const EngineData& data = engine.impl()->data;
  predicted_us_ = data.plans[0].predicted_us;
  is_for_gpu_ = data.target_kind != "cpu";
  inputs_ = specs_of(data, data.plans[0].inputs, engine.inputs(), "input");
  outputs_ = specs_of(data, data.plans[0].outputs, engine.outputs(), "output");
  for (const Plan& plan : data.plans) {
    profiles_.emplace_back();
    for (size_t i = 0; i < inputs_.size(); ++i) profiles_.back().push_back(range_of(plan, i));
  }
  std::set<std::string> seen;
  for (const TensorSpec& input : inputs_) {
    for (const Dim& d : input.shape) {
      if (is_plain_symbol(d) && !seen.insert(to_string(d)).second) shares_symbols_ = true;
      d.collect_symbols(input_symbols_);
    }
  }
  find_batch();
}

const TensorSpec* Signature::find_input(std::string_view name) const {
  return find_in(inputs_, name);
}
const TensorSpec* Signature::find_output(std::string_view name) const {
  return find_in(outputs_, name);
}

void Signature::find_batch() {
  batch_obstacle_ = obstacle_of_inputs();
  if (batch_obstacle_.empty()) batch_obstacle_ = obstacle_of_outputs();
  if (!batch_obstacle_.empty()) return;
  for (const auto& profile : profiles_) {
    int64_t most = INT64_MAX;
    for (const ProfileShapes& range : profile) most = std::min(most, range.max[0]);
    max_batch_ = std::max(max_batch_, most);
  }
}

std::string Signature::obstacle_of_inputs() {
  if (inputs_.empty()) return "the engine has no inputs";
  for (const TensorSpec& input : inputs_) {
    if (input.shape.empty() || !is_plain_symbol(input.shape[0])) {
      return fmt::format("the first dimension of input '{}' {} is not free", input.name, dims_text(input.dims));
    }
    if (!is_batch_symbol(input.shape[0])) batch_symbols_.push_back(input.shape[0]);
  }
  return "";
}

std::string Signature::obstacle_of_outputs() const {
  const auto mixes = [&](const Dim& d) {
    std::vector<std::string> names;
    d.collect_symbols(names);
    return std::ranges::any_of(names, [&](const std::string& n) { return is_batch_symbol(Dim::symbol(n)); });
  };
  for (size_t o = 0; o < outputs_.size(); ++o) {
    const TensorSpec& output = outputs_[o];
    if (depends_on_data(o)) return fmt::format("the shape of output '{}' depends on data", output.name);
    if (output.shape.empty() || !is_batch_symbol(output.shape[0])) {
      return fmt::format("the first dimension of output '{}' {} is not the inputs' first one", output.name,
                         to_string(output.shape));
    }
    if (std::any_of(output.shape.begin() + 1, output.shape.end(), mixes)) {
      return fmt::format("output '{}' {} has the batch in more than its first dimension", output.name,
                         to_string(output.shape));
    }
  }
  return "";
}

bool Signature::is_batch_symbol(const Dim& dim) const {
  return std::ranges::find(batch_symbols_, dim) != batch_symbols_.end();
}

bool Signature::depends_on_data(size_t output) const {
  if (!outputs_[output].has_shape) return true;
  std::vector<std::string> names;
  for (const Dim& d : outputs_[output].shape) d.collect_symbols(names);
  return std::ranges::any_of(
      names, [&](const std::string& n) { return std::ranges::find(input_symbols_, n) == input_symbols_.end(); });
}

bool Signature::allows(std::span<const Shape> shapes) const {
  return std::ranges::any_of(profiles_, [&](const std::vector<ProfileShapes>& profile) {
    for (size_t i = 0; i < shapes.size(); ++i) {
      if (!within(profile[i], shapes[i], 0)) return false;
    }
    return true;
  });
}

int64_t Signature::allowed_batch(std::span<const Shape> shapes, int64_t items) const {
  int64_t best = 0;
  for (const auto& profile : profiles_) {
    int64_t least = items, most = INT64_MAX;
    bool fits = true;
    for (size_t i = 0; i < shapes.size() && fits; ++i) {
      fits = within(profile[i], shapes[i], 1);
      if (!fits) break;
      least = std::max(least, profile[i].min[0]);
      most = std::min(most, profile[i].max[0]);
    }
    if (fits && least <= most && (best == 0 || least < best)) best = least;
  }
  return best;
}

int64_t Signature::min_of(size_t input, int dimension) const {
  int64_t least = INT64_MAX;
  for (const auto& profile : profiles_) least = std::min(least, profile[input].min[dimension]);
  return least;
}

int64_t Signature::max_of(size_t input, int dimension) const {
  int64_t most = 0;
  for (const auto& profile : profiles_) most = std::max(most, profile[input].max[dimension]);
  return most;
}

Symbols Signature::symbols_of(std::span<const Shape> shapes) const {
  Symbols symbols;
  std::map<std::string, size_t> owner;
  for (size_t i = 0; i < shapes.size(); ++i) {
    for (int d = 0; d < shapes[i].rank(); ++d) {
      const Dim& dim = inputs_[i].shape[static_cast<size_t>(d)];
      if (!is_plain_symbol(dim)) continue;
      std::vector<std::string> names;
      dim.collect_symbols(names);
      const auto [at, is_new] = symbols.try_emplace(names[0], shapes[i][d]);
      if (is_new) owner[names[0]] = i;
      check(is_new || at->second == shapes[i][d], ErrorCode::kInvalidArgument,
            "inputs '{}' and '{}' share the dimension '{}', but it is {} in one and {} in the other",
            inputs_[owner[names[0]]].name, inputs_[i].name, names[0], at->second, shapes[i][d]);
    }
  }
  return symbols;
}

Shape Signature::output_shape(size_t output, const Symbols& symbols) const {
  Shape shape;
  for (const Dim& d : outputs_[output].shape) {
    const auto value = d.evaluate(symbols);
    check(value.has_value(), ErrorCode::kInvalidArgument, "the shape of output '{}' depends on data",
          outputs_[output].name);
    shape.push_back(*value);
  }
  return shape;
}

std::string dims_text(std::span<const int64_t> dims) {
  return fmt::format("[{}]", fmt::join(dims, ","));
}

}  // namespace burnish::server
