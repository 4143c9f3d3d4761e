#include <gtest/gtest.h>

#include <limits>

#include "cuda/cuda_case.h"
#include "kernels/cuda/device.h"

namespace burnish::testing {
namespace {

constexpr std::string_view kTactic = "cuda.pointwise";

ProblemCase chain(std::vector<std::string> program, std::vector<Tensor> inputs) {
  ProblemCase c{.op = "Pointwise", .inputs = std::move(inputs)};
  c.attrs.set("program", std::move(program));
  return c;
}

ProblemCase plain(const char* op, std::vector<Tensor> inputs) {
  return {.op = op, .inputs = std::move(inputs)};
}

Tensor halves(const Shape& shape, uint64_t seed) {
  return random_tensor(DType::kFloat16, shape, seed);
}

TEST(CudaPointwise, RunsEveryFunction) {
  const std::vector<std::vector<std::string>> programs = {
      {"neg i0", "abs t0", "sqrt i1", "exp i0", "log i1", "add t1 t2", "sub t5 t3", "mul t6 t4"},
      {"reciprocal i1", "floor i0", "ceil i0", "round i0", "erf i0", "min t0 t1", "max t5 t2", "div t3 i1", "add t6 t7",
       "add t8 t4"},
      {"relu i0", "clip i0 #-0.5 #1.25", "leaky_relu i0 #0.1", "hardswish i0", "hardsigmoid i0 #0.3 #0.4", "add t0 t1",
       "add t5 t2", "sub t6 t3", "mul t7 t4"},
      {"sigmoid i0", "tanh i0", "silu i0", "gelu i0", "gelu_tanh i0", "add t0 t1", "mul t2 t3", "sub t5 t6",
       "add t7 t4"},
      {"pow i1 i0", "pow i0 #2", "pow i1 #0.5", "div t1 t2", "sub #1 t0", "add t3 t4"}};
  for (const auto& program : programs) {
    SCOPED_TRACE(program[0]);
    const Tensor x = random_floats({3, 1237}, 1, -2, 2), y = random_floats({3, 1237}, 2, 0.1F, 3);
    expect_gpu_matches(kTactic, chain(program, {x, y}), {.check = {.tolerance = 5e-6}});
  }
}

TEST(CudaPointwise, KeepsSpecialValues) {
  const float inf = std::numeric_limits<float>::infinity();
  const Tensor x = Tensor::from_floats(std::vector<float>{0, -0.0F, inf, -inf, 1e-40F, 1e38F, -1e38F, 3, 0.5F, 1, 2});
  expect_gpu_matches(kTactic, chain({"relu i0", "min t0 #4", "max t1 #-1", "clip t2 #-1 #2"}, {x}));
}

TEST(CudaPointwise, LooksAtInputsThroughTransposesAndSlices) {
  struct Case {
    Shape x;
    std::string view;
    Shape other;
  };
  const std::vector<Case> cases = {{{2, 6, 5, 24}, "perm 0 2 1 3;slice 3 2 16", {16}},
                                   {{3, 4, 8}, "perm 2 0 1", {8, 1, 4}},
                                   {{2, 9, 32}, "slice 2 8 8", {2, 9, 8}},
                                   {{5, 7}, "slice 0 1 3;perm 1 0;slice 0 2 1", {4, 3}}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.view);
    for (const DType dtype : {DType::kFloat32, DType::kFloat16}) {
      ProblemCase p = chain({"sub i0 i1", "mul t0 #0.5"}, {random_tensor(dtype, c.x, 1), random_floats(c.other, 2)});
      p.attrs.set("views", std::vector<std::string>{c.view, ""});
      expect_gpu_matches(kTactic, p);
    }
  }
}

TEST(CudaPointwise, BroadcastsInEveryWay) {
  const std::vector<std::pair<Shape, Shape>> shapes = {
      {{7, 128}, {128}}, {{7, 129}, {7, 1}}, {{5, 1, 24}, {3, 1}},       {{2, 3, 5, 8}, {3, 1, 1}},
      {{}, {40}},        {{4, 1}, {1, 4}},   {{2, 1, 6, 1}, {5, 1, 16}}, {{0, 4}, {4}}};
  for (const auto& [a, b] : shapes) {
    SCOPED_TRACE(fmt::format("{} and {}", to_string(a), to_string(b)));
    expect_gpu_matches(kTactic, chain({"mul i0 i1", "add t0 i0"}, {random_floats(a, 1), random_floats(b, 2)}));
    expect_gpu_matches(kTactic, plain("Sub", {random_floats(b, 1), random_floats(a, 2)}));
  }
}

TEST(CudaPointwise, TakesRowsApartAndAnyAlignment) {
  ProblemCase c = chain({"add i0 i1", "relu t0"}, {halves({6, 9, 64}, 1), halves({6, 9, 64}, 2)});
  c.attrs.set("output_dtype", std::string("float16"));
  c.input_strides = {96, 0};
  c.output_strides = {72};
  for (const int misalign : {0, 1}) {
    expect_gpu_matches(kTactic, c,
                       {.check = {.steps = 1}, .free_inputs = {1, 1}, .free_outputs = {1}, .misalign = misalign});
  }
  c.input_strides = {67, 65};
  c.output_strides = {71};
  expect_gpu_matches(kTactic, c, {.check = {.steps = 1}});
}

TEST(CudaPointwise, ReadsAndWritesEveryEncoding) {
  const Shape shape{5, 72};
  const Encoding encodings[] = {
      {DType::kFloat32}, {DType::kFloat16}, {DType::kBFloat16}, {DType::kUInt8, 0.03F, 120}, {DType::kInt8, 0.02F, -3}};
  for (size_t i = 0; i < std::size(encodings); ++i) {
    const Encoding &a = encodings[i], &b = encodings[(i + 1) % 5], &y = encodings[(i + 3) % 5];
    SCOPED_TRACE(fmt::format("{} and {} to {}", name_of(a.dtype), name_of(b.dtype), name_of(y.dtype)));
    ProblemCase c = chain({"add i0 i1"}, {encoded(random_floats(shape, 1), a), encoded(random_floats({72}, 2), b)});
    set_input_encoding(c.attrs, 0, 2, a);
    set_input_encoding(c.attrs, 1, 2, b);
    set_output_encoding(c.attrs, y);
    expect_gpu_matches(kTactic, c, {.check = {.tolerance = 1e-5, .steps = 1}});
  }
}

TEST(CudaPointwise, ComputesWithIntegers) {
  for (const DType t : {DType::kInt64, DType::kInt32, DType::kUInt8, DType::kInt8}) {
    const Tensor a = random_tensor(t, {7, 33}, 1, -100, 100), b = random_tensor(t, {7, 33}, 2, -3, 4);
    for (const char* op : {"Add", "Mul", "Div", "Mod", "Max"}) {
      SCOPED_TRACE(fmt::format("{} of {}", op, name_of(t)));
      expect_gpu_matches(kTactic, plain(op, {a, b}));
    }
  }
  expect_gpu_matches(kTactic, plain("Abs", {random_tensor(DType::kInt64, {19}, 1, -9, 9)}));
}

TEST(CudaPointwise, ComparesAndChooses) {
  for (const DType t : {DType::kInt64, DType::kFloat32, DType::kFloat16}) {
    const Tensor a = random_tensor(t, {6, 40}, 1, -2, 3), b = random_tensor(t, {40}, 2, -2, 3);
    for (const char* op : {"Equal", "LessOrEqual", "Greater"}) expect_gpu_matches(kTactic, plain(op, {a, b}));
    expect_gpu_matches(kTactic, plain("Where", {random_tensor(DType::kBool, {6, 1}, 3), a, b}));
  }
  const Tensor p = random_tensor(DType::kBool, {3, 50}, 1), q = random_tensor(DType::kBool, {50}, 2);
  for (const char* op : {"And", "Or", "Xor", "Equal"}) expect_gpu_matches(kTactic, plain(op, {p, q}));
  expect_gpu_matches(kTactic, plain("Not", {p}));
}

TEST(CudaPointwise, CastsBetweenTypes) {
  // ONNX's numbers of element types.
  const std::pair<int64_t, DType> types[] = {{1, DType::kFloat32}, {10, DType::kFloat16}, {16, DType::kBFloat16},
                                             {3, DType::kInt8},    {2, DType::kUInt8},    {6, DType::kInt32},
                                             {7, DType::kInt64},   {9, DType::kBool}};
  for (size_t i = 0; i < std::size(types); ++i) {
    for (const size_t step : {1, 3, 6}) {
      const auto& [number, to] = types[(i + step) % std::size(types)];
      SCOPED_TRACE(fmt::format("{} to {}", name_of(types[i].second), name_of(to)));
      ProblemCase c = plain("Cast", {random_tensor(types[i].second, {5, 56}, 1, -100, 100)});
      c.attrs.set("to", number);
      expect_gpu_matches(kTactic, c, {.check = {.steps = 1}});
    }
  }
}

TEST(CudaPointwise, QuantizesPerTensorAndPerAxis) {
  for (const DType t : {DType::kUInt8, DType::kInt8}) {
    const Tensor zero = random_tensor(t, {12}, 3, 0, 9), one_zero = random_tensor(t, {}, 4, 0, 9);
    const Tensor scales = random_floats({12}, 2, 0.01F, 0.1F), scale = random_floats({}, 2, 0.01F, 0.1F);
    expect_gpu_matches(kTactic, plain("QuantizeLinear", {random_floats({3, 12, 40}, 1, -3, 3), scale, one_zero}),
                       {.check = {.steps = 1}});
    for (const int64_t axis : {1, -1}) {
      const Shape shape = axis == 1 ? Shape{3, 12, 40} : Shape{3, 40, 12};
      ProblemCase q = plain("QuantizeLinear", {random_floats(shape, 1, -3, 3), scales, zero});
      q.attrs.set("axis", axis);
      expect_gpu_matches(kTactic, q, {.check = {.steps = 1}});
      ProblemCase d = plain("DequantizeLinear", {random_tensor(t, shape, 1, 0, 100), scales, zero});
      d.attrs.set("axis", axis);
      expect_gpu_matches(kTactic, d);
    }
  }
}

TEST(CudaPointwise, PlainOperatorsOfNarrowFloats) {
  const Tensor x = halves({4, 9, 32}, 1), y = halves({9, 32}, 2);
  for (const char* op : {"Add", "Div"}) expect_gpu_matches(kTactic, plain(op, {x, y}), {.check = {.steps = 1}});
  for (const char* op : {"Relu", "Sigmoid", "Gelu", "Swish", "Sqrt"}) {
    const Tensor positive = random_tensor(DType::kBFloat16, {4, 9, 31}, 1, 0.1F, 3);
    expect_gpu_matches(kTactic, plain(op, {positive}), {.check = {.steps = 1}});
  }
  const Tensor low = random_tensor(DType::kFloat16, {}, 3, -1, 0), high = random_tensor(DType::kFloat16, {}, 4, 0, 1);
  expect_gpu_matches(kTactic, plain("Clip", {x, low, high}));
  expect_gpu_matches(kTactic, plain("Clip", {x, Tensor{}, high}));
}

TEST(CudaPointwise, LargeTensorsForTiming) {
  if (cuda::num_devices() == 0) GTEST_SKIP() << "no GPU";
  ProblemCase c = chain({"add i0 i1", "relu t0"}, {halves({128, 56 * 56, 64}, 1), halves({128, 56 * 56, 64}, 2)});
  c.attrs.set("output_dtype", std::string("float16"));
  expect_gpu_matches(kTactic, c, {.check = {.steps = 1}});
  c = chain({"silu i0"}, {halves({32, 80 * 80, 256}, 1)});
  c.attrs.set("output_dtype", std::string("float16"));
  expect_gpu_matches(kTactic, c, {.check = {.steps = 1}});
  ProblemCase cast = plain("Cast", {random_floats({128, 3, 224, 224}, 1)});
  cast.attrs.set("to", int64_t{10});
  expect_gpu_matches(kTactic, cast, {.check = {.steps = 1}});
  expect_gpu_matches(kTactic, plain("Add", {halves({128, 768}, 1), halves({768}, 2)}), {.check = {.steps = 1}});
}

}  // namespace
}  // namespace burnish::testing
