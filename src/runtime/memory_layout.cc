#include "runtime/memory_layout.h"

#include <algorithm>

#include "base/checked.h"
#include "engine/memory_planner.h"
#include "engine/verify.h"

namespace burnish {
namespace {

class PlaceFinder {
 public:
  PlaceFinder(const Plan& plan, const ResolvedShapes& resolved) : plan_(plan), resolved_(resolved) {
    layout_.places.resize(plan.values.size());
    layout_.root_bytes.assign(plan.values.size(), 0);
  }

  MemoryLayout run() {
    for (const Binding& b : plan_.inputs) own(b.value, Region::kInput);
    for (size_t i = 0; i < plan_.values.size(); ++i) {
      if (has_data(plan_.values[i])) own(static_cast<PlanValueId>(i), Region::kConstant);
    }
    for (size_t s = 0; s < plan_.steps.size(); ++s) own_outputs(s);
    for (size_t s = 0; s < resolved_.first_late_step; ++s) {
      for (const PlanValueId id : plan_.steps[s].outputs) share(id);
    }
    return std::move(layout_);
  }

 private:
  const PlanValue& value(PlanValueId id) const { return plan_.values[static_cast<size_t>(id)]; }
  Place& place(PlanValueId id) { return layout_.places[static_cast<size_t>(id)]; }
  const Shape& shape(PlanValueId id) const { return *resolved_.shapes[static_cast<size_t>(id)]; }

  void own(PlanValueId id, Region region) {
    place(id) = {region, id, 0, 0};
    if (region != Region::kLate) layout_.root_bytes[static_cast<size_t>(id)] = dense_bytes(value(id).dtype, shape(id));
  }

  bool is_late(const PlanValue& v) const { return static_cast<size_t>(v.slice_step) >= resolved_.first_late_step; }

  void own_outputs(size_t s) {
    const bool late = s >= resolved_.first_late_step;
    const Region region =
        late ? Region::kLate : (plan_.steps[s].kind == StepKind::kShape ? Region::kConstant : Region::kArena);
    for (const PlanValueId id : plan_.steps[s].outputs) {
      if (id == kAbsent) continue;
      const PlanValue& v = value(id);
      // A concat that has to wait for data copies its inputs.
      const bool owns = v.storage == Storage::kOwn || (v.storage == Storage::kSlice && is_late(v));
      if (late || owns) own(id, region);
    }
  }

  // Aliases and slices; the chain of their roots is free of cycles.
  void share(PlanValueId id) {
    if (id == kAbsent || place(id).region != Region::kNowhere) return;
    const PlanValue& v = value(id);
    const PlanValueId root = v.root;
    share(root);
    check(place(root).region != Region::kLate, ErrorCode::kCorrupt,
          "'{}' shares the memory of '{}', whose shape depends on data", v.name, value(root).name);
    if (place(root).region == Region::kNowhere) return;
    place(id) = v.storage == Storage::kSlice ? slice_of(v, place(root)) : alias_of(id, place(root));
    grow_root(id);
  }

  Place alias_of(PlanValueId id, Place at) const {
    if (at.row_stride == 0) return at;
    const Shape& of = shape(value(id).root);
    const Shape& self = shape(id);
    const bool same_rows = self.rank() > 0 && self.back() == of.back() && self.num_elements() == of.num_elements() &&
                           size_of(value(id).dtype) == size_of(value(value(id).root).dtype);
    check(same_rows, ErrorCode::kCorrupt, "'{}' is a view of '{}', whose rows stand apart", value(id).name,
          value(value(id).root).name);
    return at;
  }

  Place slice_of(const PlanValue& v, Place at) const {
    const PlanStep& concat = plan_.steps[static_cast<size_t>(v.slice_step)];
    const Shape& whole = shape(v.root);
    const int axis = normalize_axis(concat.attrs.get_int("axis", 0), whole.rank());
    const bool dense = whole.product(0, axis) <= 1;
    check(dense || axis == whole.rank() - 1, ErrorCode::kCorrupt, "'{}' is no range of rows or columns of '{}'", v.name,
          value(v.root).name);
    int64_t before = 0;
    for (int32_t i = 0; i < v.slice_position; ++i) {
      before = checked_add(before, shape(concat.inputs[static_cast<size_t>(i)]).product(axis, whole.rank()));
    }
    at.offset_bytes += checked_mul(before, static_cast<int64_t>(size_of(v.dtype)));
    at.row_stride = dense ? 0 : whole.back();
    return at;
  }

  // The memory must hold every value in it; that of inputs and constants is as large as it is.
  void grow_root(PlanValueId id) {
    const Place& at = place(id);
    const Shape& self = shape(id);
    int64_t elements = self.num_elements();
    if (at.row_stride > 0 && elements > 0) {
      elements = checked_add(checked_mul(elements / self.back() - 1, at.row_stride), self.back());
    }
    const int64_t end =
        checked_add(at.offset_bytes, checked_mul(elements, static_cast<int64_t>(size_of(value(id).dtype))));
    int64_t& bytes = layout_.root_bytes[static_cast<size_t>(at.root)];
    check(at.region == Region::kArena || end <= bytes, ErrorCode::kCorrupt, "'{}' is larger than '{}', which holds it",
          value(id).name, value(at.root).name);
    bytes = std::max(bytes, end);
  }

  const Plan& plan_;
  const ResolvedShapes& resolved_;
  MemoryLayout layout_;
};

class Lifetimes {
 public:
  Lifetimes(const Plan& plan, const MemoryLayout& layout)
      : layout_(layout), first_(plan.values.size(), -1), last_(plan.values.size(), -1) {
    const auto end = static_cast<int32_t>(plan.steps.size());
    for (int32_t s = 0; s < end; ++s) {
      for (const PlanValueId id : plan.steps[static_cast<size_t>(s)].outputs) touch(id, s);
      for (const PlanValueId id : plan.steps[static_cast<size_t>(s)].inputs) touch(id, s);
    }
    for (const Binding& b : plan.outputs) touch(b.value, end);
  }
  BufferRequest request(size_t root) const { return {layout_.root_bytes[root], first_[root], last_[root]}; }

 private:
  void touch(PlanValueId id, int32_t step) {
    if (id == kAbsent || layout_.places[static_cast<size_t>(id)].region != Region::kArena) return;
    const auto root = static_cast<size_t>(layout_.places[static_cast<size_t>(id)].root);
    if (first_[root] < 0) first_[root] = step;
    last_[root] = std::max(last_[root], step);
  }
  const MemoryLayout& layout_;
  std::vector<int32_t> first_, last_;  // by root
};

// Outputs that are strided, or that lie in the caller's inputs, are copied to a place of their own at the end.
bool needs_staging(const Place& place) {
  return place.region == Region::kInput || place.row_stride > 0;
}

}  // namespace

int64_t dense_bytes(DType dtype, const Shape& shape) {
  return checked_mul(shape.num_elements(), static_cast<int64_t>(size_of(dtype)));
}

MemoryLayout find_places(const Plan& plan, const ResolvedShapes& resolved) {
  return PlaceFinder(plan, resolved).run();
}

void assign_offsets(const Plan& plan, const ResolvedShapes& resolved, const std::vector<size_t>& scratch_bytes,
                    MemoryLayout& layout) {
  const Lifetimes lifetimes(plan, layout);
  std::vector<BufferRequest> requests;
  std::vector<int64_t*> results;
  const auto add = [&](const BufferRequest& request, int64_t& offset) {
    requests.push_back(request);
    results.push_back(&offset);
  };
  layout.arena_offsets.assign(plan.values.size(), -1);
  layout.staging.assign(plan.outputs.size(), -1);
  layout.scratch.assign(plan.steps.size(), 0);
  for (size_t i = 0; i < plan.values.size(); ++i) {
    const Place& p = layout.places[i];
    if (p.region == Region::kArena && p.root == static_cast<PlanValueId>(i)) {
      add(lifetimes.request(i), layout.arena_offsets[i]);
    }
  }
  const auto end = static_cast<int32_t>(plan.steps.size());
  for (size_t i = 0; i < plan.outputs.size(); ++i) {
    const auto id = static_cast<size_t>(plan.outputs[i].value);
    if (!needs_staging(layout.places[id])) continue;
    add({dense_bytes(plan.values[id].dtype, *resolved.shapes[id]), end, end}, layout.staging[i]);
  }
  for (size_t s = 0; s < scratch_bytes.size(); ++s) {
    const auto step = static_cast<int32_t>(s);
    if (scratch_bytes[s] > 0) add({static_cast<int64_t>(scratch_bytes[s]), step, step}, layout.scratch[s]);
  }
  const MemoryPlan memory = plan_memory(requests);
  for (size_t i = 0; i < results.size(); ++i) *results[i] = memory.offsets[i];
  layout.arena_bytes = memory.arena_bytes;
}

}  // namespace burnish
