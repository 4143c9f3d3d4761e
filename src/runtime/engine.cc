#include <burnish/engine.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "kernels/cuda/device.h"
#include "runtime/arena.h"
#include "runtime/boundary.h"
#include "runtime/context_impl.h"
#include "runtime/device_copies.h"
#include "runtime/engine_choice.h"
#include "runtime/engine_impl.h"
#include "runtime/lookup.h"
#include "runtime/shape_choice.h"

namespace burnish {
namespace {

[[noreturn]] void throw_mismatch(const std::string& message) {
  throw Error(ErrorCode::kMismatch, message).with_hint("rebuild the engine on this machine with `burnish build`");
}

// Machine code runs on the architecture that it was compiled for, and needs a driver that knows its version of CUDA.
Target gpu_for(const EngineData& data, int device) {
  if (device < 0) throw_mismatch(fmt::format("the engine was built for {}, not for the CPU", data.target_isa));
  Target target = detect_cuda(device, num_available_cores());
  const std::string here = fmt::format("sm_{}", target.sm);
  if (data.target_isa != here) {
    throw_mismatch(fmt::format("the engine was built for {} ({}), GPU {} is {} ({})", data.target_isa,
                               data.target_fingerprint, device, here, target.gpu_name));
  }
  const auto built = data.metadata.find("cuda.version");
  const int major = built == data.metadata.end() ? 0 : std::atoi(built->second.c_str());
  if (target.driver_version / 1000 < major) {
    throw_mismatch(fmt::format("the engine was built with CUDA {}, this machine's driver knows CUDA {}.{}",
                               built->second, target.driver_version / 1000, target.driver_version % 1000 / 10));
  }
  return target;
}

// Kernels are prepared for the instruction set of the build, so that packed weights mean the same.
Target target_for(const EngineData& data, int device) {
  if (data.target_kind == "cuda") return gpu_for(data, device);
  Target target = detect_cpu(num_available_cores());
  if (data.target_kind != target.kind) {
    throw_mismatch(
        fmt::format("the engine was built for the target '{}', this version knows 'cpu' and 'cuda'", data.target_kind));
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

struct PublicType {
  DataType type;
  DType internal;
};
constexpr PublicType kPublicTypes[] = {{DataType::kFloat32, DType::kFloat32},
                                       {DataType::kFloat64, DType::kFloat64},
                                       {DataType::kFloat16, DType::kFloat16},
                                       {DataType::kBFloat16, DType::kBFloat16},
                                       {DataType::kInt8, DType::kInt8},
                                       {DataType::kInt16, DType::kInt16},
                                       {DataType::kInt32, DType::kInt32},
                                       {DataType::kInt64, DType::kInt64},
                                       {DataType::kUInt8, DType::kUInt8},
                                       {DataType::kUInt16, DType::kUInt16},
                                       {DataType::kUInt32, DType::kUInt32},
                                       {DataType::kUInt64, DType::kUInt64},
                                       {DataType::kBool, DType::kBool},
                                       {DataType::kFloat8E4M3FN, DType::kFloat8E4M3FN},
                                       {DataType::kFloat8E4M3FNUZ, DType::kFloat8E4M3FNUZ},
                                       {DataType::kFloat8E5M2, DType::kFloat8E5M2},
                                       {DataType::kFloat8E5M2FNUZ, DType::kFloat8E5M2FNUZ},
                                       {DataType::kFloat8E8M0, DType::kFloat8E8M0},
                                       {DataType::kFloat4E2M1, DType::kFloat4E2M1},
                                       {DataType::kInt4, DType::kInt4},
                                       {DataType::kUInt4, DType::kUInt4},
                                       {DataType::kInt2, DType::kInt2},
                                       {DataType::kUInt2, DType::kUInt2}};

std::vector<int64_t> to_vector(const Shape& shape) {
  return {shape.begin(), shape.end()};
}

}  // namespace

DataType public_type_of(DType dtype) {
  const auto row = std::ranges::find(kPublicTypes, dtype, &PublicType::internal);
  check(row != std::end(kPublicTypes), ErrorCode::kInternal, "{} is no type of inputs or outputs", name_of(dtype));
  return row->type;
}

DType dtype_of(DataType type) {
  const auto row = std::ranges::find(kPublicTypes, type, &PublicType::type);
  check(row != std::end(kPublicTypes), ErrorCode::kInvalidArgument, "there is no data type {}", static_cast<int>(type));
  return row->internal;
}

Engine::Impl::Impl(EngineData engine_data, TacticLookup lookup, int device)
    : data(std::move(engine_data)), find(lookup), target(target_for(data, device)) {
  if (target.is_cuda()) upload_blobs();
  describe_bindings();
}

Engine::Impl::Impl(EngineData engine_data, std::exception_ptr reason)
    : data(std::move(engine_data)), find(&find_tactic), why_not_here(std::move(reason)) {
  describe_bindings();
}

void Engine::Impl::describe_bindings() {
  inputs = describe(data, data.plans[0].inputs);
  outputs = describe(data, data.plans[0].outputs);
  weight_bytes = stored_bytes(data.blobs);
}

void Engine::Impl::upload_blobs() {
  const cuda::DeviceScope scope(target.device);
  std::vector<std::span<const std::byte>> ranges;
  for (const Blob& blob : data.blobs) ranges.emplace_back(blob.data, blob.num_bytes);
  DeviceCopies copies = copy_to_device(ranges, target);
  for (size_t i = 0; i < ranges.size(); ++i) data.blobs[i].device = copies.addresses[i];
  device_blobs = std::move(copies.owner);
}

Engine Engine::load(const std::string& path, int device) {
  return at_boundary(
      [&] { return Engine(std::make_shared<const Impl>(choose_engine(path, device), &find_tactic, device)); });
}

Engine Engine::deserialize(std::span<const std::byte> bytes, int device) {
  return at_boundary([&] {
    const std::shared_ptr<void> copy = allocate_large(bytes.size());
    if (!bytes.empty()) std::memcpy(copy.get(), bytes.data(), bytes.size());
    const std::span<const std::byte> aligned(static_cast<const std::byte*>(copy.get()), bytes.size());
    return Engine(
        std::make_shared<const Impl>(choose_engine(aligned, copy, "in memory", device), &find_tactic, device));
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
  return at_boundary([&] {
    if (impl_->why_not_here) std::rethrow_exception(impl_->why_not_here);
    return ExecutionContext(std::make_unique<ExecutionContext::Impl>(impl_, num_threads));
  });
}

}  // namespace burnish
