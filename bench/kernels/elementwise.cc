// Times the steps between the products of real models: attention, normalisation, pointwise chains, poolings, copies.
//
//   bench_elementwise [--threads N] [--rounds N] [FILTER]
//
// One line a case: the median time, bytes that must move and operations that must be done per second.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "kernels/tactic.h"
#include "ops/fused.h"

namespace burnish {
namespace {

struct Case {
  std::string name;
  std::string_view tactic;
  std::string op;
  AttributeMap attrs;
  std::vector<Shape> inputs;
  Shape output;
  double flop = 0;
  std::vector<Tensor> constants = {};  // by input; undefined: not constant
  std::vector<DType> types = {};       // by input; missing: FLOAT
  DType output_type = DType::kFloat32;

  DType type(size_t input) const { return input < types.size() ? types[input] : DType::kFloat32; }
};

/// The case with its first inputs and its output stored as this type.
Case stored_as(Case c, DType dtype, size_t num_inputs = 1) {
  c.name += fmt::format(" {}", name_of(dtype));
  for (size_t i = 0; i < num_inputs; ++i) {
    set_input_encoding(c.attrs, static_cast<int>(i), static_cast<int>(c.inputs.size()), {dtype, 0.01F, 100});
  }
  c.types.assign(num_inputs, dtype);
  set_output_encoding(c.attrs, {dtype, 0.02F, 90});
  c.output_type = dtype;
  return c;
}

double now_us() {
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Tensor filled(DType dtype, const Shape& shape) {
  Tensor t(DType::kFloat32, shape);
  for (int64_t i = 0; i < t.num_elements(); ++i) t.as<float>()[i] = static_cast<float>(i * 7919 % 1009) / 500.0F - 1;
  Tensor stored(dtype, shape);
  encode(t.as<float>(), {dtype, 0.01F, 100}, stored.view());
  return stored;
}

Case attention(int64_t batch, int64_t length, int64_t heads, int64_t size) {
  const int64_t width = heads * size;
  Case c{fmt::format("attention b{} s{} h{} d{}", batch, length, heads, size),
         "cpu.attention",
         std::string(kFusedAttention),
         {},
         {{batch, length, 3 * width}, {}, {}, {batch, 1, 1, length}},
         {batch, length, width}};
  c.attrs.set("num_heads", heads);
  c.attrs.set("packed_qkv", int64_t{1});
  c.attrs.set("scale", 0.125F);
  c.flop = 4.0 * static_cast<double>(batch * heads * length * length * size);
  return c;
}

Case pointwise(std::string name, std::vector<std::string> program, std::vector<Shape> inputs, const Shape& output) {
  Case c{std::move(name), "cpu.pointwise", std::string(kPointwise), {}, std::move(inputs), output};
  c.flop = static_cast<double>(output.num_elements()) * static_cast<double>(program.size());
  c.attrs.set("program", std::move(program));
  return c;
}

Case pool(const char* op, const Shape& x, const Shape& y, int64_t kernel, int64_t stride, int64_t pad) {
  Case c{fmt::format("{} {}x{} of {}", op, kernel, kernel, to_string(x)), "cpu.pool", op, {}, {x}, y};
  c.attrs.set("layout", std::string("NHWC"));
  c.attrs.set("kernel_shape", std::vector<int64_t>{kernel, kernel});
  c.attrs.set("strides", std::vector<int64_t>{stride, stride});
  c.attrs.set("pads", std::vector<int64_t>{pad, pad, pad, pad});
  return c;
}

Case plain(std::string_view tactic, const char* op, std::vector<Shape> inputs, const Shape& output) {
  return {fmt::format("{} {}", op, to_string(inputs[0])), tactic, op, {}, std::move(inputs), output};
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const int64_t b : {1, 8}) {
    for (const int64_t s : {128, 384}) {
      cases.push_back(attention(b, s, 12, 64));
      cases.push_back(attention(b, s, 12, 32));
    }
  }
  for (const DType t : {DType::kBFloat16, DType::kUInt8}) {
    cases.push_back(stored_as(attention(1, 128, 12, 64), t));
    cases.push_back(stored_as(attention(1, 384, 12, 64), t));
  }
  const Shape text{1024, 768}, image{8, 56, 56, 256};
  const DType narrow[] = {DType::kBFloat16, DType::kUInt8};
  cases.push_back(plain("cpu.normalization", "LayerNormalization", {text, {768}, {768}}, text));
  for (const DType t : narrow)
    cases.push_back(stored_as(plain("cpu.normalization", "LayerNormalization", {text, {768}, {768}}, text), t));
  cases.push_back(plain("cpu.softmax", "Softmax", {{12288, 128}}, {12288, 128}));
  for (const DType t : narrow)
    cases.push_back(stored_as(plain("cpu.softmax", "Softmax", {{12288, 128}}, {12288, 128}), t));
  cases.push_back(pointwise("add of images", {"add i0 i1"}, {image, image}, image));
  for (const DType t : narrow)
    cases.push_back(stored_as(pointwise("add of images", {"add i0 i1"}, {image, image}, image), t, 2));
  cases.push_back(pointwise("requantise", {"none i0"}, {image}, image));
  cases.back().tactic = "cpu.convert";
  for (const DType t : narrow) {
    cases.push_back(stored_as(pointwise("requantise", {"none i0"}, {image}, image), t));
    cases.back().tactic = "cpu.convert";
  }
  cases.push_back(pointwise("quantise", {"none i0"}, {image}, image));
  cases.back().tactic = "cpu.convert";
  set_output_encoding(cases.back().attrs, {cases.back().output_type = DType::kUInt8, 0.02F, 90});
  cases.push_back(pointwise("add bias, silu", {"add i0 i1", "silu t0"}, {image, {256}}, image));
  for (const DType t : narrow)
    cases.push_back(stored_as(pointwise("add bias, silu", {"add i0 i1", "silu t0"}, {image, {256}}, image), t));
  cases.push_back(pointwise("gelu", {"gelu i0"}, {{1024, 3072}}, {1024, 3072}));
  cases.push_back(pointwise("box decoding", {"sigmoid i0", "mul t0 #2", "add t1 i1", "mul t2 i2"},
                            {{1, 3, 80, 80, 2}, {1, 3, 80, 80, 2}, {}}, {1, 3, 80, 80, 2}));
  cases.push_back(pool("MaxPool", {1, 112, 112, 64}, {1, 56, 56, 64}, 3, 2, 1));
  cases.push_back(pool("MaxPool", {1, 20, 20, 256}, {1, 20, 20, 256}, 5, 1, 2));
  for (size_t i = 0, n = cases.size(); i < 2; ++i) {
    for (const DType t : narrow) cases.push_back(stored_as(cases[n - 2 + i], t));
  }
  cases.push_back(plain("cpu.reduce", "GlobalAveragePool", {{1, 7, 7, 2048}}, {1, 1, 1, 2048}));
  cases.back().attrs.set("layout", std::string("NHWC"));
  const Case global_pool = cases.back();
  for (const DType t : narrow) cases.push_back(stored_as(global_pool, t));
  const std::pair<std::vector<int64_t>, Shape> orders[] = {{{0, 2, 3, 1}, {1, 3, 640, 640}},
                                                           {{0, 3, 1, 2}, {1, 640, 640, 3}},
                                                           {{0, 2, 3, 1}, {1, 256, 56, 56}},
                                                           {{0, 3, 1, 2}, {1, 56, 56, 256}},
                                                           {{0, 2, 1, 3}, {8, 128, 12, 64}}};
  for (const auto& [order, shape] : orders) {
    Shape out = shape;
    for (size_t i = 0; i < order.size(); ++i) out[static_cast<int>(i)] = shape[static_cast<int>(order[i])];
    cases.push_back(plain("cpu.copy", "Transpose", {shape}, out));
    cases.back().attrs.set("perm", order);
    const Case floats = cases.back();
    for (const DType t : narrow) cases.push_back(stored_as(floats, t));
  }
  cases.push_back(plain("cpu.copy", "Concat", {{1, 80, 80, 64}, {1, 80, 80, 64}}, {1, 80, 80, 128}));
  cases.back().attrs.set("axis", int64_t{-1});
  cases.push_back(plain("cpu.resize_nearest", "Resize", {{1, 40, 40, 128}, {}, {4}}, {1, 80, 80, 128}));
  cases.back().attrs.set("layout", std::string("NHWC"));
  cases.back().constants = {Tensor{}, Tensor{}, Tensor::from_floats(std::vector<float>{1, 1, 2, 2})};
  return cases;
}

Problem problem_of(const Case& c) {
  Problem p;
  p.op = c.op;
  p.attrs = &c.attrs;
  const bool optional = c.op == kFusedAttention || c.op == "Resize";  // an empty shape there is an absent input
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    const bool absent = optional && c.inputs[i].rank() == 0;
    p.inputs.push_back({absent ? DType::kUndefined : c.type(i), c.inputs[i]});
    p.constants.push_back(i < c.constants.size() ? c.constants[i] : Tensor{});
    p.is_constant.push_back(p.constants.back().defined());
  }
  p.outputs.push_back({c.output_type, c.output});
  return p;
}

void run_case(const Case& c, const Target& target, ThreadPool& pool, int rounds) {
  const Problem p = problem_of(c);
  const Tactic* tactic = find_tactic(c.tactic);
  if (tactic == nullptr || !tactic->supports(p, target)) return fmt::print("{:44} not supported\n", c.name);
  const auto kernel = tactic->prepare(p, "", {}, target);
  std::vector<Tensor> inputs;
  std::vector<const void*> pointers;
  const Tensor output(c.output_type, c.output);
  auto bytes = static_cast<double>(output.num_bytes());
  for (const TensorDesc& d : p.inputs) {
    inputs.push_back(d.present() ? filled(d.dtype, d.shape) : Tensor{});
    pointers.push_back(inputs.back().data());
    bytes += static_cast<double>(inputs.back().num_bytes());
  }
  void* const out = output.data();
  const auto scratch = allocate_aligned(kernel->scratch_bytes());
  std::vector<double> times;
  for (int i = 0; i < rounds + 3; ++i) {
    const double start = now_us();
    kernel->run({pointers, {&out, 1}, scratch.get(), &pool});
    if (i >= 3) times.push_back(now_us() - start);
  }
  std::nth_element(times.begin(), times.begin() + static_cast<long>(times.size() / 2), times.end());
  const double us = times[times.size() / 2];
  fmt::print("{:44} {:9.1f} us {:7.1f} GB/s {:7.1f} GFLOP/s\n", c.name, us, bytes / us * 1e-3, c.flop / us * 1e-3);
}

int run(int argc, char** argv) {
  int threads = num_available_cores(), rounds = 50;
  std::string filter;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--threads" && i + 1 < argc) {
      threads = std::atoi(argv[++i]);
    } else if (argument == "--rounds" && i + 1 < argc) {
      rounds = std::atoi(argv[++i]);
    } else {
      filter = argument;
    }
  }
  ThreadPool pool(std::max(1, threads));
  const Target target = detect_cpu(pool.num_threads());
  fmt::print("{} threads, {}\n", pool.num_threads(), target.fingerprint());
  for (const Case& c : all_cases()) {
    if (c.name.find(filter) != std::string::npos) run_case(c, target, pool, std::max(1, rounds));
  }
  return 0;
}

}  // namespace
}  // namespace burnish

int main(int argc, char** argv) {
  try {
    return burnish::run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    return 1;
  }
}
