#include "engine/plan_codec.h"

#include <cstring>

namespace burnish {
namespace {

// Bounds the recursion of parse_dim on hostile text.
constexpr size_t kMaxDimText = 4096;

template <typename T, typename F>
std::vector<T> read_list(BytesReader& in, size_t min_bytes, const F& read) {
  const size_t n = in.count(min_bytes);
  std::vector<T> list;
  list.reserve(n);
  for (size_t i = 0; i < n; ++i) list.push_back(read());
  return list;
}

// --- dimensions: 0 and the number, or 1 and the text of the expression ------------------------------------------

void write_dim(BytesWriter& out, const Dim& dim) {
  out.u8(dim.is_constant() ? 0 : 1);
  if (dim.is_constant()) {
    out.svarint(dim.value());
  } else {
    out.string(to_string(dim));
  }
}

Dim read_dim(BytesReader& in) {
  const uint8_t tag = in.u8();
  if (tag == 0) return {in.svarint()};
  if (tag != 1) in.fail("unknown form of a dimension");
  const std::string text = in.string();
  if (text.size() > kMaxDimText) in.fail("the expression of a dimension is too long");
  return parse_dim(text);
}

// --- tensors among the attributes -------------------------------------------------------------------------------

void write_tensor(BytesWriter& out, const Tensor& tensor) {
  out.u8(static_cast<uint8_t>(tensor.dtype()));
  if (!tensor.defined()) return;
  out.shape(tensor.shape());
  out.raw(tensor.data(), tensor.num_bytes());
}

Tensor read_tensor(BytesReader& in) {
  const auto dtype = in.enumerator<DType>(kNumDTypes, "element type");
  if (dtype == DType::kUndefined) return {};
  const Shape shape = in.shape();
  const int64_t elements = shape.num_elements();
  if (elements > static_cast<int64_t>(in.remaining())) in.fail("a tensor is larger than the section");
  Tensor tensor(dtype, shape);
  const auto bytes = in.raw(tensor.num_bytes());
  if (!bytes.empty()) std::memcpy(tensor.data(), bytes.data(), bytes.size());
  if (dtype == DType::kBool) {
    for (int64_t i = 0; i < elements; ++i) tensor.as<uint8_t>()[i] = tensor.as<uint8_t>()[i] != 0 ? 1 : 0;
  }
  return tensor;
}

// --- attributes: the index of the variant's alternative, then the value --------------------------------------------

struct AttributeWriter {
  BytesWriter& out;
  void operator()(int64_t value) const { out.svarint(value); }
  void operator()(float value) const { out.f32(value); }
  void operator()(const std::string& value) const { out.string(value); }
  void operator()(const Tensor& value) const { write_tensor(out, value); }
  template <typename T>
  void operator()(const std::vector<T>& values) const {
    out.list(values, *this);
  }
};

Attribute read_attribute(BytesReader& in) {
  switch (in.u8()) {
    case 0:
      return in.svarint();
    case 1:
      return in.f32();
    case 2:
      return in.string();
    case 3:
      return read_list<int64_t>(in, 1, [&] { return in.svarint(); });
    case 4:
      return read_list<float>(in, 4, [&] { return in.f32(); });
    case 5:
      return read_list<std::string>(in, 1, [&] { return in.string(); });
    case 6:
      return read_tensor(in);
    default:
      in.fail("unknown type of an attribute");
  }
}

void write_attributes(BytesWriter& out, const AttributeMap& attrs) {
  out.list(attrs.values(), [&](const auto& entry) {
    out.string(entry.first);
    out.u8(static_cast<uint8_t>(entry.second.index()));
    std::visit(AttributeWriter{out}, entry.second);
  });
}

AttributeMap read_attributes(BytesReader& in) {
  AttributeMap attrs;
  for (size_t n = in.count(2); n > 0; --n) {
    std::string name = in.string();
    attrs.set(std::move(name), read_attribute(in));
  }
  return attrs;
}

// --- values -----------------------------------------------------------------------------------------------------

void write_value(BytesWriter& out, const PlanValue& value) {
  out.string(value.name);
  out.u8(static_cast<uint8_t>(value.dtype));
  out.u8(value.has_shape ? 1 : 0);
  if (value.has_shape) out.list(value.shape, [&](const Dim& d) { write_dim(out, d); });
  out.u8(static_cast<uint8_t>(value.kind));
  out.svarint(value.blob);
  out.u8(static_cast<uint8_t>(value.storage));
  out.svarint(value.root);
  out.svarint(value.slice_step);
  out.svarint(value.slice_position);
}

PlanValue read_value(BytesReader& in) {
  PlanValue value;
  value.name = in.string();
  value.dtype = in.enumerator<DType>(kNumDTypes, "element type");
  value.has_shape = in.enumerator<int>(2, "flag") != 0;
  if (value.has_shape) value.shape = read_list<Dim>(in, 2, [&] { return read_dim(in); });
  if (value.shape.size() > static_cast<size_t>(kMaxRank)) in.fail("a shape has too many dimensions");
  value.kind = in.enumerator<ValueKind>(static_cast<int>(ValueKind::kIntermediate) + 1, "kind of value");
  value.blob = in.s32();
  value.storage = in.enumerator<Storage>(static_cast<int>(Storage::kSlice) + 1, "storage");
  value.root = in.s32();
  value.slice_step = in.s32();
  value.slice_position = in.s32();
  return value;
}

// --- steps ------------------------------------------------------------------------------------------------------

void write_ids(BytesWriter& out, const std::vector<int32_t>& ids) {
  out.list(ids, [&](int32_t id) { out.svarint(id); });
}

std::vector<int32_t> read_ids(BytesReader& in) {
  return read_list<int32_t>(in, 1, [&] { return in.s32(); });
}

void write_step(BytesWriter& out, const PlanStep& step) {
  out.u8(static_cast<uint8_t>(step.kind));
  out.string(step.op);
  out.string(step.name);
  write_attributes(out, step.attrs);
  write_ids(out, step.inputs);
  write_ids(out, step.outputs);
  out.string(step.tactic);
  out.svarint(step.tactic_version);
  out.string(step.config);
  write_ids(out, step.packed);
  out.f64(step.predicted_us);
}

PlanStep read_step(BytesReader& in) {
  PlanStep step;
  step.kind = in.enumerator<StepKind>(static_cast<int>(StepKind::kShape) + 1, "kind of step");
  step.op = in.string();
  step.name = in.string();
  step.attrs = read_attributes(in);
  step.inputs = read_ids(in);
  step.outputs = read_ids(in);
  step.tactic = in.string();
  step.tactic_version = in.s32();
  step.config = in.string();
  step.packed = read_ids(in);
  step.predicted_us = in.f64();
  return step;
}

// --- bindings and profile ---------------------------------------------------------------------------------------

void write_bindings(BytesWriter& out, const std::vector<Binding>& bindings) {
  out.list(bindings, [&](const Binding& b) {
    out.string(b.name);
    out.svarint(b.value);
  });
}

std::vector<Binding> read_bindings(BytesReader& in) {
  return read_list<Binding>(in, 2, [&] {
    Binding b;
    b.name = in.string();
    b.value = in.s32();
    return b;
  });
}

void write_profile(BytesWriter& out, const OptimizationProfile& profile) {
  out.list(profile.inputs, [&](const auto& entry) {
    out.string(entry.first);
    for (const Shape* s : {&entry.second.min, &entry.second.opt, &entry.second.max}) out.shape(*s);
  });
}

OptimizationProfile read_profile(BytesReader& in) {
  OptimizationProfile profile;
  for (size_t n = in.count(4); n > 0; --n) {
    const std::string name = in.string();
    ProfileShapes shapes;
    for (Shape* s : {&shapes.min, &shapes.opt, &shapes.max}) *s = in.shape();
    profile.inputs[name] = shapes;
  }
  return profile;
}

}  // namespace

void write_plan(BytesWriter& out, const Plan& plan) {
  write_profile(out, plan.profile);
  out.list(plan.values, [&](const PlanValue& v) { write_value(out, v); });
  out.list(plan.steps, [&](const PlanStep& s) { write_step(out, s); });
  write_bindings(out, plan.inputs);
  write_bindings(out, plan.outputs);
  out.svarint(plan.predicted_arena_bytes);
  out.f64(plan.predicted_us);
}

Plan read_plan(BytesReader& in) {
  Plan plan;
  plan.profile = read_profile(in);
  plan.values = read_list<PlanValue>(in, 9, [&] { return read_value(in); });
  plan.steps = read_list<PlanStep>(in, 17, [&] { return read_step(in); });
  plan.inputs = read_bindings(in);
  plan.outputs = read_bindings(in);
  plan.predicted_arena_bytes = in.svarint();
  plan.predicted_us = in.f64();
  return plan;
}

}  // namespace burnish
