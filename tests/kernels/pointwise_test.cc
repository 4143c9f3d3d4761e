#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "kernels/problem_set.h"

namespace burnish::testing {
namespace {

constexpr std::string_view kTactic = "cpu.pointwise";

ProblemCase chain(std::vector<std::string> program, std::vector<Tensor> inputs) {
  ProblemCase c{.op = "Pointwise", .inputs = std::move(inputs)};
  c.attrs.set("program", std::move(program));
  return c;
}

TEST(Pointwise, RunsEveryFunction) {
  for (const char* fn : {"neg i0",
                         "abs i0",
                         "sqrt i1",
                         "exp i0",
                         "log i1",
                         "reciprocal i1",
                         "floor i0",
                         "ceil i0",
                         "round i0",
                         "erf i0",
                         "relu i0",
                         "clip i0 #-0.5 #1.25",
                         "leaky_relu i0 #0.1",
                         "sigmoid i0",
                         "tanh i0",
                         "silu i0",
                         "gelu i0",
                         "gelu_tanh i0",
                         "hardswish i0",
                         "hardsigmoid i0 #0.3 #0.4",
                         "add i0 i1",
                         "sub i0 i1",
                         "mul i0 i1",
                         "div i0 i1",
                         "pow i1 i0",
                         "pow i0 #2",
                         "pow i0 #3",
                         "pow i1 #0.5",
                         "pow i1 #-1",
                         "pow i1 #1.7",
                         "min i0 i1",
                         "max i0 i1",
                         "sub #1 i0"}) {
    SCOPED_TRACE(fn);
    expect_matches_reference(kTactic,
                             chain({fn}, {random_floats({3, 1237}, 1, -6, 6), random_floats({3, 1237}, 2, 0.1F, 9)}));
  }
}

TEST(Pointwise, KeepsSpecialValues) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = Tensor::from_floats(std::vector<float>{0, -0.0F, inf, -inf, nan, 1e-40F, 1e38F, -1e38F, 3, 0.5F, 1});
  for (const char* fn : {"exp i0", "log i0", "abs i0", "neg i0", "sqrt i0", "floor i0", "relu i0", "tanh i0", "erf i0",
                         "sigmoid i0", "max i0 #1", "max #1 i0", "min i0 #1", "min #1 i0", "clip i0 #-1 #2"}) {
    SCOPED_TRACE(fn);
    const ProblemCase c = chain({fn}, {x});
    const Tensor expected = reference_of(c)[0];
    for (const Isa isa : testable_isas()) {
      PreparedCase prepared(*find_tactic(kTactic), c, {expected}, "", isa, 1);
      const Tensor actual = prepared.output(0);
      for (int64_t i = 0; i < x.num_elements(); ++i) {
        const float a = actual.as<float>()[i], e = expected.as<float>()[i];
        EXPECT_TRUE(a == e || (std::isnan(a) && std::isnan(e)) || std::abs(a - e) <= 1e-6F * std::abs(e))
            << x.as<float>()[i] << ": " << a << " instead of " << e;
      }
    }
  }
}

TEST(Pointwise, BroadcastsInEveryWay) {
  const std::vector<std::pair<Shape, Shape>> shapes = {{{7, 129}, {129}},
                                                       {{7, 129}, {7, 1}},
                                                       {{2, 5, 3, 200}, {5, 1, 200}},
                                                       {{2, 5, 3, 11}, {5, 1, 11}},
                                                       {{2, 5, 3, 11}, {5, 3, 1}},
                                                       {{4, 1, 6}, {1, 5, 1}},
                                                       {{3, 1}, {1, 1000}},
                                                       {{2, 3000}, {}},
                                                       {{1}, {1, 1, 1}},
                                                       {{}, {}},
                                                       {{2, 3, 85}, {2, 1, 85}},
                                                       {{50, 2}, {2}},
                                                       {{1000, 3}, {1000, 1}},
                                                       {{2, 0, 3}, {3}},
                                                       {{2, 3, 0}, {3, 1}},
                                                       {{4, 3, 2, 1}, {3, 1, 7}},
                                                       {{40, 40, 2}, {40, 1, 2}}};
  for (const auto& [a, b] : shapes) {
    SCOPED_TRACE(to_string(a) + " and " + to_string(b));
    expect_matches_reference(kTactic, chain({"mul i0 #2", "sub i1 #0.5", "add t0 t1", "mul t2 i0"},
                                            {random_floats(a, 1), random_floats(b, 2)}));
    expect_matches_reference(kTactic, {.op = "Add", .inputs = {random_floats(b, 3), random_floats(a, 4)}});
  }
}

TEST(Pointwise, AcceptsRowsApart) {
  for (const int64_t columns : {5, 160}) {
    ProblemCase c = chain({"add i0 i1", "silu t0"}, {random_floats({2, 33, columns}, 1), random_floats({columns}, 2)});
    c.input_strides = {192};
    expect_matches_reference(kTactic, c);
    c.output_strides = {192};
    expect_matches_reference(kTactic, c);
    c.input_strides = {};
    c.output_strides = {columns + 3};
    expect_matches_reference(kTactic, c);
  }
}

TEST(Pointwise, ReusesBuffersOverLongChains) {
  std::vector<std::string> program = {"mul i0 #1.01", "add i0 i1"};
  for (int i = 0; i < 60; ++i) {
    program.push_back(fmt::format("{} t{} t{}", i % 3 == 0 ? "max" : "min", i + 1, i));
  }
  program.push_back("add t0 t61");
  expect_matches_reference(kTactic, chain(program, {random_floats({5, 777}, 1), random_floats({777}, 2)}));
}

TEST(Pointwise, RunsPlainOperators) {
  const Tensor x = random_floats({3, 401}, 1), y = random_floats({401}, 2, 0.5F, 2);
  for (const char* op : {"Add", "Sub", "Mul", "Div", "Pow", "Min", "Max", "Sum", "PRelu"}) {
    SCOPED_TRACE(op);
    const Tensor base = std::string_view(op) == "Pow" ? random_floats({3, 401}, 1, 0.1F, 3) : x;
    expect_matches_reference(kTactic, {.op = op, .inputs = {base, y}});
  }
  expect_matches_reference(kTactic, {.op = "Max", .inputs = {x, y, random_floats({3, 1}, 4)}});
  for (const char* op : {"Neg", "Abs", "Exp", "Floor", "Ceil", "Round", "Erf", "Relu", "Sigmoid", "Tanh", "LeakyRelu",
                         "HardSigmoid", "HardSwish", "Gelu", "Swish"}) {
    SCOPED_TRACE(op);
    expect_matches_reference(kTactic, {.op = op, .inputs = {x}});
  }
  const Tensor low = Tensor::scalar(DType::kFloat32, -0.5F), high = Tensor::scalar(DType::kFloat32, 0.75F);
  expect_matches_reference(kTactic, {.op = "Clip", .inputs = {x, low, high}, .constant = {false, true, false}});
  expect_matches_reference(kTactic, {.op = "Clip", .inputs = {x, Tensor{}, high}});
  expect_matches_reference(kTactic, {.op = "Clip", .inputs = {x, low}});
}

/// Every encoding, integers with a scale and zero point that leave no clamp untested.
const std::vector<Encoding> kEncodings = {
    {DType::kFloat32}, {DType::kBFloat16}, {DType::kFloat16}, {DType::kUInt8, 0.031F, 117}, {DType::kInt8, 0.027F, -5}};

TEST(Pointwise, ReadsAndWritesAnyEncoding) {
  for (const Encoding& a : kEncodings) {
    for (const Encoding& b : kEncodings) {
      for (const Encoding& y : kEncodings) {
        SCOPED_TRACE(fmt::format("{} and {} to {}", name_of(a.dtype), name_of(b.dtype), name_of(y.dtype)));
        for (const Shape& shape : {Shape{5, 1031}, Shape{1031}, Shape{5, 1}, Shape{1}}) {
          ProblemCase c = chain({"mul i0 i1", "sub t0 #0.5", "relu t1"},
                                {encoded(random_floats({5, 1031}, 1), a), encoded(random_floats(shape, 2), b)});
          set_input_encoding(c.attrs, 0, 2, a);
          set_input_encoding(c.attrs, 1, 2, b);
          set_output_encoding(c.attrs, y);
          expect_matches_reference(kTactic, c);
        }
      }
    }
  }
}

TEST(Pointwise, ReadsAndWritesEncodedRowsThatStandApart) {
  const Encoding a{DType::kUInt8, 0.02F, 100}, b{DType::kBFloat16}, y{DType::kInt8, 0.01F, 3};
  for (const int64_t columns : {5, 160}) {
    ProblemCase c = chain({"add i0 i1", "tanh t0"}, {encoded(random_floats({2, 33, columns}, 1), a),
                                                     encoded(random_floats({2, 33, columns}, 2), b)});
    set_input_encoding(c.attrs, 0, 2, a);
    set_output_encoding(c.attrs, y);
    c.input_strides = {192, columns + 1};
    c.output_strides = {columns + 3};
    expect_matches_reference(kTactic, c, {.steps = 1});
  }
}

TEST(Pointwise, RunsPlainOperatorsOnNarrowFloats) {
  for (const DType dtype : {DType::kBFloat16, DType::kFloat16}) {
    const Tensor x = random_tensor(dtype, {3, 401}, 1), y = random_tensor(dtype, {401}, 2, 0.5F, 2);
    for (const char* op : {"Add", "Sub", "Mul", "Div", "Min", "Max", "PRelu"}) {
      SCOPED_TRACE(op);
      expect_matches_reference(kTactic, {.op = op, .inputs = {x, y}}, {.steps = 1});
    }
    for (const char* op : {"Neg", "Abs", "Exp", "Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSwish", "Gelu"}) {
      SCOPED_TRACE(op);
      expect_matches_reference(kTactic, {.op = op, .inputs = {x}}, {.steps = 1});
    }
    const Tensor low = random_tensor(dtype, {}, 1, -1, 0);
    expect_matches_reference(kTactic, {.op = "Clip", .inputs = {x, low}});
  }
}

TEST(Pointwise, RefusesOtherTypes) {
  for (const DType dtype : {DType::kInt32, DType::kUInt8, DType::kFloat64}) {
    const Tensor x = random_tensor(dtype, {8}, 1);
    EXPECT_FALSE(find_tactic(kTactic)->supports(make_problem({.op = "Add", .inputs = {x, x}}, {x}), detect_cpu(1)));
  }
}

}  // namespace
}  // namespace burnish::testing
