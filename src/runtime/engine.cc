#include <burnish/engine.h>

#include <cstring>
#include <set>

#include "engine/engine_file.h"
#include "runtime/boundary.h"
#include "runtime/context_impl.h"
#include "runtime/engine_impl.h"
#include "runtime/lookup.h"
#include "runtime/shape_choice.h"

namespace burnish {
namespace {

[[noreturn]] void throw_mismatch(const std::string& message) {
  throw Error(ErrorCode::kMismatch, message).with_hint("rebuild the engine on this machine with `burnish build`");
}

// Kernels are prepared for the instruction set of the build, so that packed weights mean the same.
Target target_for(const EngineData& data) {
  Target target = detect_cpu(num_available_cores());
  if (data.target_kind != target.kind) {
    throw_mismatch(fmt::format("the engine was built for the target '{}', this program runs on '{}'", data.target_kind,
                               target.kind));
  }
  Isa isa = Isa::kScalar;
  try {
    isa = parse_isa(data.target_isa);
  } catch (const Error&) {
    throw_mismatch(fmt::format("the engine was built for the instruction set '{}', which this version does not know",
                               data.target_isa));
  }
  if (isa > target.isa) {
    throw_mismatch(fmt::format("the engine was built for {} ({}), this machine has only {}", data.target_isa,
                               data.target_fingerprint, name_of(target.isa)));
  }
  target.isa = isa;
  return target;
}

std::vector<int64_t> public_shape_of(const EngineData& data, const Binding& binding) {
  std::vector<int64_t> shape;
  const PlanValue& value = data.plans[0].values[static_cast<size_t>(binding.value)];
  for (const Dim& d : value.shape) shape.push_back(d.is_constant() ? d.value() : -1);
  if (const auto fixed = only_shape(data, binding.name)) shape.assign(fixed->begin(), fixed->end());
  return shape;
}

std::vector<BindingInfo> describe(const EngineData& data, const std::vector<Binding>& bindings) {
  std::vector<BindingInfo> infos;
  for (const Binding& b : bindings) {
    const DType dtype = data.plans[0].values[static_cast<size_t>(b.value)].dtype;
    infos.push_back({b.name, public_type_of(dtype), public_shape_of(data, b)});
  }
  return infos;
}

// Blobs that share their bytes count once.
size_t stored_bytes(const std::vector<Blob>& blobs) {
  std::set<const std::byte*> seen;
  size_t bytes = 0;
  for (const Blob& b : blobs) bytes += seen.insert(b.data).second ? b.num_bytes : 0;
  return bytes;
}

std::vector<int64_t> to_vector(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

}  // namespace

DataType public_type_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return DataType::kFloat32;
    case DType::kFloat64:
      return DataType::kFloat64;
    case DType::kFloat16:
      return DataType::kFloat16;
    case DType::kBFloat16:
      return DataType::kBFloat16;
    case DType::kInt8:
      return DataType::kInt8;
    case DType::kInt16:
      return DataType::kInt16;
    case DType::kInt32:
      return DataType::kInt32;
    case DType::kInt64:
      return DataType::kInt64;
    case DType::kUInt8:
      return DataType::kUInt8;
    case DType::kUInt16:
      return DataType::kUInt16;
    case DType::kUInt32:
      return DataType::kUInt32;
    case DType::kUInt64:
      return DataType::kUInt64;
    case DType::kBool:
      return DataType::kBool;
    default:
      return DataType::kOther;
  }
}

Engine::Impl::Impl(EngineData engine_data, TacticLookup lookup)
    : data(std::move(engine_data)), find(lookup), target(target_for(data)) {
  inputs = describe(data, data.plans[0].inputs);
  outputs = describe(data, data.plans[0].outputs);
  weight_bytes = stored_bytes(data.blobs);
}

Engine Engine::load(const std::string& path) {
  return at_boundary([&] { return Engine(std::make_shared<const Impl>(read_engine(path))); });
}

Engine Engine::deserialize(std::span<const std::byte> bytes) {
  return at_boundary([&] {
    const std::shared_ptr<void> copy = allocate_aligned(bytes.size());
    if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
    const std::span<const std::byte> aligned(static_cast<const std::byte*>(copy.get()), bytes.size());
    return Engine(std::make_shared<const Impl>(parse_engine(aligned, copy, "in memory")));
  });
}

const std::vector<BindingInfo>& Engine::inputs() const {
  return impl_->inputs;
}
const std::vector<BindingInfo>& Engine::outputs() const {
  return impl_->outputs;
}
size_t Engine::num_profiles() const {
  return impl_->data.plans.size();
}
size_t Engine::weight_bytes() const {
  return impl_->weight_bytes;
}

ShapeRange Engine::input_range(std::string_view name, size_t profile) const {
  return at_boundary([&] {
    check(profile < num_profiles(), ErrorCode::kInvalidArgument, "profile {} of {}", profile, num_profiles());
    const Plan& plan = impl_->data.plans[profile];
    const ProfileShapes range = range_of(plan, index_of(plan.inputs, name, "input"));
    return ShapeRange{to_vector(range.min), to_vector(range.opt), to_vector(range.max)};
  });
}

ExecutionContext Engine::create_context(int num_threads) const {
  return at_boundary([&] { return ExecutionContext(std::make_unique<ExecutionContext::Impl>(impl_, num_threads)); });
}

}  // namespace burnish
