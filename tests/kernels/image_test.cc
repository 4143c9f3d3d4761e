#include <gtest/gtest.h>

#include <limits>

#include "kernels/problem_set.h"

namespace burnish::testing {
namespace {

using Ints = std::vector<int64_t>;

ProblemCase pool(const char* op, const Shape& x, Ints kernel, Ints strides, Ints pads) {
  ProblemCase c{.op = op, .inputs = {random_floats(x, 1)}};
  c.attrs.set("layout", std::string("NHWC"));
  c.attrs.set("kernel_shape", std::move(kernel));
  c.attrs.set("strides", std::move(strides));
  c.attrs.set("pads", std::move(pads));
  return c;
}

TEST(Pool, MatchesTheReference) {
  for (const char* op : {"MaxPool", "AveragePool"}) {
    for (const int64_t channels : {3, 16, 37, 64}) {
      SCOPED_TRACE(fmt::format("{} of {} channels", op, channels));
      const Shape x{2, 17, 13, channels};
      expect_matches_reference("cpu.pool", pool(op, x, {3, 3}, {2, 2}, {1, 1, 1, 1}));
      expect_matches_reference("cpu.pool", pool(op, x, {5, 5}, {1, 1}, {2, 2, 2, 2}));
      expect_matches_reference("cpu.pool", pool(op, x, {2, 3}, {1, 2}, {0, 1, 1, 0}));
      expect_matches_reference("cpu.pool", pool(op, x, {2, 2}, {2, 2}, {0, 0, 0, 0}));
      expect_matches_reference("cpu.pool", pool(op, {2, 29, channels}, {4}, {3}, {1, 2}));
      ProblemCase c = pool(op, x, {3, 2}, {2, 3}, {1, 0, 1, 1});
      c.attrs.set("ceil_mode", int64_t{1});
      c.attrs.set("count_include_pad", int64_t{1});
      c.attrs.set("dilations", Ints{2, 1});
      expect_matches_reference("cpu.pool", c);
    }
  }
}

TEST(Pool, AcceptsRowsApart) {
  for (const Ints& strides : {Ints{1, 1}, Ints{2, 2}}) {
    ProblemCase c = pool("MaxPool", {2, 9, 11, 24}, {5, 5}, strides, {2, 2, 2, 2});
    c.output_strides = {96};
    expect_matches_reference("cpu.pool", c);
    c.input_strides = {72};
    expect_matches_reference("cpu.pool", c);
  }
}

TEST(Pool, FindsTheLargestOfAnyType) {
  for (const DType dtype : {DType::kUInt8, DType::kInt8, DType::kBFloat16, DType::kFloat16}) {
    for (const int64_t channels : {3, 33, 64, 130}) {
      SCOPED_TRACE(fmt::format("{} of {} channels", name_of(dtype), channels));
      const auto check = [&](Ints kernel, Ints strides, Ints pads, int64_t x_step) {
        ProblemCase c = pool("MaxPool", {2, 17, 13, channels}, std::move(kernel), std::move(strides), std::move(pads));
        const float low = dtype == DType::kUInt8 ? 0 : -128;
        c.inputs[0] = random_tensor(dtype, {2, 17, 13, channels}, 5, low, low + 255);
        c.input_strides = {x_step};
        c.output_strides = {x_step};
        expect_matches_reference("cpu.pool", c);
      };
      check({3, 3}, {2, 2}, {1, 1, 1, 1}, 0);
      check({5, 5}, {1, 1}, {2, 2, 2, 2}, 0);
      check({2, 2}, {2, 2}, {0, 0, 0, 0}, channels + 5);
      check({3, 2}, {1, 1}, {0, 1, 1, 0}, channels + 5);
    }
  }
}

TEST(Pool, ANanWinsWhateverItsSign) {
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const float values[] = {nan, -nan, inf, -inf, -1, 0.5F, -nan, 1e-30F, -1e-6F, 3};
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
    Tensor x = random_floats({1, 6, 5, 70}, 1);
    for (int64_t i = 0; i < x.num_elements(); i += 7) x.as<float>()[i] = values[i / 7 % 10];
    ProblemCase c = pool("MaxPool", x.shape(), {2, 2}, {2, 1}, {0, 0, 0, 0});
    c.inputs[0] = encoded(x, {dtype});
    expect_matches_reference("cpu.pool", c, {.steps = 1});
  }
}

TEST(Pool, AveragesAnyEncoding) {
  const Encoding encodings[] = {
      {DType::kFloat32}, {DType::kBFloat16}, {DType::kFloat16}, {DType::kUInt8, 0.02F, 103}, {DType::kInt8, 0.017F, 9}};
  for (const Encoding& from : encodings) {
    for (const Encoding& to : encodings) {
      SCOPED_TRACE(fmt::format("{} to {}", name_of(from.dtype), name_of(to.dtype)));
      ProblemCase c = pool("AveragePool", {2, 11, 9, 37}, {3, 2}, {2, 1}, {1, 1, 1, 0});
      c.inputs[0] = encoded(c.inputs[0], from);
      set_input_encoding(c.attrs, 0, 1, from);
      set_output_encoding_like(c.attrs, to, from.dtype);
      expect_matches_reference("cpu.pool", c, {.steps = 1});
      c.input_strides = {40};
      c.output_strides = {41};
      c.attrs.set("count_include_pad", int64_t{1});
      expect_matches_reference("cpu.pool", c, {.steps = 1});
    }
  }
}

TEST(Pool, FollowsAutoPad) {
  for (const char* mode : {"SAME_UPPER", "SAME_LOWER", "VALID"}) {
    ProblemCase c{.op = "AveragePool", .inputs = {random_floats({1, 10, 7, 20}, 1)}};
    c.attrs.set("layout", std::string("NHWC"));
    c.attrs.set("kernel_shape", Ints{3, 3});
    c.attrs.set("strides", Ints{2, 2});
    c.attrs.set("auto_pad", std::string(mode));
    expect_matches_reference("cpu.pool", c);
  }
}

ProblemCase resize(int64_t factor, DType dtype = DType::kFloat32) {
  const auto f = static_cast<float>(factor);
  ProblemCase c{.op = "Resize",
                .inputs = {random_tensor(dtype, {2, 5, 7, 24}, 1, -50, 50), Tensor{},
                           Tensor::from_floats(std::vector<float>{1, 1, f, f})},
                .constant = {false, false, true}};
  c.attrs.set("layout", std::string("NHWC"));
  c.attrs.set("mode", std::string("nearest"));
  return c;
}

TEST(Resize, RepeatsPixels) {
  for (const int64_t factor : {1, 2, 3, 4}) {
    ProblemCase c = resize(factor);
    for (const char* place : {"half_pixel", "asymmetric"}) {
      c.attrs.set("coordinate_transformation_mode", std::string(place));
      c.attrs.set("nearest_mode", std::string(place[0] == 'a' ? "floor" : "round_prefer_floor"));
      expect_matches_reference("cpu.resize_nearest", c);
    }
  }
  ProblemCase c = resize(2);
  c.output_strides = {40};
  c.input_strides = {31};
  expect_matches_reference("cpu.resize_nearest", c);
  for (const DType dtype : {DType::kInt8, DType::kUInt8, DType::kBFloat16, DType::kFloat16}) {
    expect_matches_reference("cpu.resize_nearest", resize(2, dtype));
  }
}

}  // namespace
}  // namespace burnish::testing
