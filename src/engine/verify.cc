#include "engine/verify.h"

#include <algorithm>
#include <limits>
#include <set>

#include "base/checked.h"
#include "ops/op.h"

namespace burnish {
namespace {

// Keeps ids in 32 bits and the work of a check bounded.
constexpr size_t kMaxValues = 1U << 24;
constexpr size_t kMaxPlans = 1024;
// Values that share one memory by way of each other.
constexpr int kMaxSharing = 4096;

template <typename... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  check(condition, ErrorCode::kCorrupt, format, std::forward<Args>(args)...);
}

void verify_blob(const Blob& blob, size_t index) {
  if (blob.dtype == DType::kUndefined) return;
  const int64_t bytes = checked_mul(blob.shape.num_elements(), static_cast<int64_t>(size_of(blob.dtype)));
  require(static_cast<uint64_t>(bytes) == blob.num_bytes, "blob {}: {} {} takes {} bytes, but {} are stored", index,
          name_of(blob.dtype), to_string(blob.shape), bytes, blob.num_bytes);
  if (blob.dtype != DType::kBool) return;
  const bool boolean =
      std::all_of(blob.data, blob.data + blob.num_bytes, [](std::byte b) { return b <= std::byte{1}; });
  require(boolean, "blob {}: a bool is neither 0 nor 1", index);
}

class PlanVerifier {
 public:
  PlanVerifier(const Plan& plan, const std::vector<Blob>& blobs)
      : plan_(plan), blobs_(blobs), num_values_(static_cast<int64_t>(plan.values.size())) {}

  void run() {
    require(plan_.values.size() <= kMaxValues && plan_.steps.size() <= kMaxValues,
            "a plan has too many values or steps");
    for (size_t i = 0; i < plan_.values.size(); ++i) verify_value(i);
    verify_inputs();
    verify_steps();
    for (size_t i = 0; i < plan_.values.size(); ++i) verify_storage(static_cast<PlanValueId>(i));
    for (const PlanStep& step : plan_.steps) verify_writes(step);
    verify_outputs();
    for (const auto& [name, shapes] : plan_.profile.inputs) verify_profile(name, shapes);
  }

 private:
  const PlanValue& value(PlanValueId id) const { return plan_.values[static_cast<size_t>(id)]; }
  bool in_range(PlanValueId id) const { return id >= 0 && id < num_values_; }

  void verify_value(size_t id) const {
    const PlanValue& v = plan_.values[id];
    require(v.dtype != DType::kUndefined, "value {} '{}' has no element type", id, v.name);
    require(v.kind == ValueKind::kIntermediate || v.storage == Storage::kOwn,
            "value {} '{}' is an input or constant in another value's memory", id, v.name);
    for (const Dim& d : v.shape) {
      require(!d.is_constant() || d.value() >= 0, "value {} '{}' has the shape {}", id, v.name, to_string(v.shape));
    }
    if (v.kind == ValueKind::kConstant) verify_constant(id, v);
  }

  void verify_constant(size_t id, const PlanValue& v) const {
    const auto shape = v.has_shape ? to_concrete(v.shape) : std::nullopt;
    require(shape.has_value(), "constant {} '{}' has no fixed shape", id, v.name);
    shape->num_elements();
    require(v.blob >= -1 && v.blob < static_cast<int64_t>(blobs_.size()), "constant {} '{}' is blob {} of {}", id,
            v.name, v.blob, blobs_.size());
    if (v.blob < 0) return;
    const Blob& blob = blobs_[static_cast<size_t>(v.blob)];
    require(blob.dtype == v.dtype && blob.shape == *shape, "constant {} '{}' is {} {}, but its blob is {} {}", id,
            v.name, name_of(v.dtype), to_string(*shape), name_of(blob.dtype), to_string(blob.shape));
  }

  void verify_inputs() {
    std::set<std::string_view> names;
    available_.assign(plan_.values.size(), false);
    for (const Binding& b : plan_.inputs) {
      require(in_range(b.value) && value(b.value).kind == ValueKind::kInput, "input '{}' is no input value", b.name);
      require(!b.name.empty() && names.insert(b.name).second, "two inputs are called '{}'", b.name);
      require(!available_[static_cast<size_t>(b.value)], "input '{}' is bound twice", b.name);
      require(value(b.value).has_shape, "input '{}' has no shape", b.name);
      available_[static_cast<size_t>(b.value)] = true;
    }
    for (size_t i = 0; i < plan_.values.size(); ++i) {
      if (plan_.values[i].kind == ValueKind::kConstant) available_[i] = true;
      require(plan_.values[i].kind != ValueKind::kInput || available_[i], "input value '{}' is not bound",
              plan_.values[i].name);
    }
  }

  void verify_steps() {
    for (size_t s = 0; s < plan_.steps.size(); ++s) {
      const PlanStep& step = plan_.steps[s];
      with_frame([&] { return fmt::format("step {} '{}' ({})", s, step.name, step.op); }, [&] { verify_step(step); });
    }
  }

  void verify_step(const PlanStep& step) {
    verify_signature(step);
    for (const PlanValueId id : step.inputs) {
      require(id == kAbsent || in_range(id), "input {} of {} values", id, num_values_);
      require(id == kAbsent || available_[static_cast<size_t>(id)], "value '{}' is read before it is produced",
              id == kAbsent ? "" : value(id).name);
    }
    for (const PlanValueId id : step.outputs) {
      if (id == kAbsent) continue;
      require(in_range(id) && value(id).kind == ValueKind::kIntermediate, "output {} cannot be written", id);
      require(!available_[static_cast<size_t>(id)], "value '{}' is produced twice", value(id).name);
      available_[static_cast<size_t>(id)] = true;
    }
    for (const int32_t blob : step.packed) {
      require(blob >= 0 && static_cast<size_t>(blob) < blobs_.size(), "packed blob {} of {}", blob, blobs_.size());
    }
  }

  static void verify_signature(const PlanStep& step) {
    const OpDescriptor* op = find_op(step.op);
    if (op == nullptr) {
      throw Error(ErrorCode::kMismatch, fmt::format("this version of Burnish has no operator '{}'", step.op))
          .with_hint("rebuild the engine with this version's `burnish build`");
    }
    const auto fits = [](size_t n, int min, int max) {
      return n >= static_cast<size_t>(min) && (max < 0 || n <= static_cast<size_t>(max));
    };
    require(fits(step.inputs.size(), op->min_inputs, op->max_inputs), "{} inputs", step.inputs.size());
    require(fits(step.outputs.size(), op->min_outputs, op->max_outputs), "{} outputs", step.outputs.size());
    const bool variadic = op->max_inputs < 0;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      const bool optional = !variadic && i >= static_cast<size_t>(op->min_inputs);
      require(optional || step.inputs[i] != kAbsent, "input {} is missing", i);
    }
    require(step.kind == StepKind::kKernel ? !step.tactic.empty() : true, "no tactic is named");
    if (step.kind != StepKind::kView) return;
    require(!step.inputs.empty() && !step.outputs.empty() && step.outputs[0] != kAbsent, "a view of nothing");
  }

  // Aliases and slices lead to a value with memory of its own, without a cycle.
  void verify_storage(PlanValueId id) const {
    const PlanValue& v = value(id);
    if (v.storage == Storage::kOwn) return;
    require(in_range(v.root) && v.root != id, "value '{}' shares the memory of value {}", v.name, v.root);
    PlanValueId at = id;
    for (int hops = 0; value(at).storage != Storage::kOwn; ++hops) {
      require(hops < kMaxSharing && in_range(value(at).root), "value '{}' shares memory in a circle", v.name);
      at = value(at).root;
    }
    require(available_[static_cast<size_t>(at)], "value '{}' shares memory that does not exist", v.name);
    if (v.storage == Storage::kSlice) verify_slice(id, v);
  }

  void verify_slice(PlanValueId id, const PlanValue& v) const {
    require(v.slice_step >= 0 && static_cast<size_t>(v.slice_step) < plan_.steps.size(),
            "value '{}' is a slice made by step {}", v.name, v.slice_step);
    const PlanStep& concat = plan_.steps[static_cast<size_t>(v.slice_step)];
    const bool is_input = concat.op == "Concat" && v.slice_position >= 0 &&
                          static_cast<size_t>(v.slice_position) < concat.inputs.size() &&
                          concat.inputs[static_cast<size_t>(v.slice_position)] == id;
    require(is_input && concat.outputs[0] == v.root, "value '{}' is no slice of step '{}'", v.name, concat.name);
    require(value(v.root).storage == Storage::kOwn && value(v.root).dtype == v.dtype,
            "value '{}' is a slice of '{}', which cannot hold it", v.name, value(v.root).name);
  }

  // Nothing but a view may lead to the memory of an input or a constant: nobody writes there.
  void verify_writes(const PlanStep& step) const {
    if (step.kind == StepKind::kView) {
      const PlanValue& out = value(step.outputs[0]);
      require(
          out.storage == Storage::kAlias && memory_root(plan_, step.outputs[0]) == memory_root(plan_, step.inputs[0]),
          "the view '{}' does not lie in its input's memory", out.name);
      return;
    }
    for (const PlanValueId id : step.outputs) {
      if (id == kAbsent) continue;
      const PlanValue& root = value(memory_root(plan_, id));
      require(root.kind == ValueKind::kIntermediate, "step '{}' writes into '{}'", step.name, root.name);
      require(step.kind != StepKind::kShape || value(id).storage == Storage::kOwn,
              "the shape-time value '{}' lies in another value's memory", value(id).name);
    }
  }

  void verify_outputs() const {
    std::set<std::string_view> names;
    for (const Binding& b : plan_.outputs) {
      require(!b.name.empty() && names.insert(b.name).second, "two outputs are called '{}'", b.name);
      require(in_range(b.value) && available_[static_cast<size_t>(b.value)], "output '{}' is not produced", b.name);
      require(value(b.value).kind != ValueKind::kConstant || has_data(value(b.value)), "output '{}' has no data",
              b.name);
    }
  }

  void verify_profile(const std::string& name, const ProfileShapes& shapes) const {
    const auto input = std::find_if(plan_.inputs.begin(), plan_.inputs.end(), [&](auto& b) { return b.name == name; });
    require(input != plan_.inputs.end(), "the profile names the input '{}', which is not there", name);
    const SymShape& declared = value(input->value).shape;
    const int rank = static_cast<int>(declared.size());
    require(shapes.min.rank() == rank && shapes.opt.rank() == rank && shapes.max.rank() == rank,
            "the profile of '{}' has another rank than {}", name, to_string(declared));
    for (int i = 0; i < rank; ++i) {
      const Dim& d = declared[static_cast<size_t>(i)];
      require(0 <= shapes.min[i] && shapes.min[i] <= shapes.opt[i] && shapes.opt[i] <= shapes.max[i],
              "dimension {} of '{}' ranges over {}:{}:{}", i, name, shapes.min[i], shapes.opt[i], shapes.max[i]);
      require(!d.is_constant() || (d.is(shapes.min[i]) && d.is(shapes.max[i])),
              "dimension {} of '{}' is {}, but ranges over {}:{}:{}", i, name, to_string(d), shapes.min[i],
              shapes.opt[i], shapes.max[i]);
    }
  }

  const Plan& plan_;
  const std::vector<Blob>& blobs_;
  int64_t num_values_;
  std::vector<bool> available_;  // by value: constant, input, or produced so far
};

void verify_profiles_cover_inputs(const Plan& plan) {
  for (const Binding& b : plan.inputs) {
    const SymShape& shape = plan.values[static_cast<size_t>(b.value)].shape;
    require(to_concrete(shape).has_value() || plan.profile.inputs.contains(b.name),
            "the profile says nothing of the input '{}' {}", b.name, to_string(shape));
  }
}

// All plans serve the same inputs and outputs.
void verify_same_interface(const Plan& a, const Plan& b) {
  const auto same = [&](const std::vector<Binding>& x, const std::vector<Binding>& y) {
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), [&](const Binding& l, const Binding& r) {
      return l.name == r.name &&
             a.values[static_cast<size_t>(l.value)].dtype == b.values[static_cast<size_t>(r.value)].dtype;
    });
  };
  require(same(a.inputs, b.inputs) && same(a.outputs, b.outputs), "its inputs or outputs differ from plan 0's");
}

}  // namespace

PlanValueId memory_root(const Plan& plan, PlanValueId value) {
  while (plan.values[static_cast<size_t>(value)].storage != Storage::kOwn) {
    value = plan.values[static_cast<size_t>(value)].root;
  }
  return value;
}

void verify_engine(const EngineData& data) {
  require(!data.plans.empty() && data.plans.size() <= kMaxPlans, "the engine has {} plans", data.plans.size());
  for (size_t i = 0; i < data.blobs.size(); ++i) verify_blob(data.blobs[i], i);
  for (size_t i = 0; i < data.plans.size(); ++i) {
    with_frame([&] { return fmt::format("plan {}", i); },
               [&] {
                 PlanVerifier(data.plans[i], data.blobs).run();
                 verify_profiles_cover_inputs(data.plans[i]);
                 verify_same_interface(data.plans[0], data.plans[i]);
               });
  }
}

}  // namespace burnish
