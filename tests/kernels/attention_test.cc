#include <gtest/gtest.h>

#include <limits>

#include "kernels/problem_set.h"

namespace burnish::testing {
namespace {

constexpr std::string_view kTactic = "cpu.f32_attention";

struct Sizes {
  int64_t batch, queries, keys, heads, q_size, v_size;
};

ProblemCase attention(const Sizes& s, Tensor mask = {}) {
  ProblemCase c{.op = "FusedAttention",
                .inputs = {random_floats({s.batch, s.queries, s.heads * s.q_size}, 1),
                           random_floats({s.batch, s.keys, s.heads * s.q_size}, 2),
                           random_floats({s.batch, s.keys, s.heads * s.v_size}, 3)}};
  if (mask.defined()) c.inputs.push_back(std::move(mask));
  c.attrs.set("num_heads", s.heads);
  c.attrs.set("scale", 0.37F);
  return c;
}

TEST(Attention, MatchesTheReferenceForAnySize) {
  for (const Sizes& s : {Sizes{2, 128, 128, 3, 64, 64}, Sizes{1, 7, 7, 2, 32, 32}, Sizes{2, 65, 33, 3, 24, 40},
                         Sizes{1, 1, 50, 2, 16, 96}, Sizes{3, 20, 1, 1, 1, 1}, Sizes{1, 100, 130, 2, 31, 17},
                         Sizes{1, 48, 384, 1, 64, 70}}) {
    SCOPED_TRACE(fmt::format("{} queries, {} keys", s.queries, s.keys));
    expect_matches_reference(kTactic, attention(s), {.tolerance = 5e-6});
  }
}

TEST(Attention, AddsAndAppliesMasks) {
  const Sizes s{2, 37, 41, 3, 16, 16};
  const float inf = std::numeric_limits<float>::infinity();
  for (const Shape& shape : {Shape{41}, Shape{2, 1, 1, 41}, Shape{37, 41}, Shape{2, 3, 37, 41}, Shape{1, 3, 1, 1},
                             Shape{2, 1, 37, 1}, Shape{}}) {
    SCOPED_TRACE(to_string(shape));
    Tensor mask = random_floats(shape, 4);
    expect_matches_reference(kTactic, attention(s, mask), {.tolerance = 5e-6});
    if (shape.rank() > 0 && shape.back() > 1) {
      for (int64_t i = 0; i < mask.num_elements(); i += 3) mask.as<float>()[i] = -inf;
      expect_matches_reference(kTactic, attention(s, mask), {.tolerance = 5e-6});
      expect_matches_reference(kTactic, attention(s, random_tensor(DType::kBool, shape, 5)), {.tolerance = 5e-6});
    }
  }
}

TEST(Attention, AQueryWithoutKeysGivesNanOrZeros) {
  const Sizes s{1, 19, 8, 2, 8, 8};
  Tensor mask = random_tensor(DType::kBool, {19, 8}, 1);
  for (int64_t t = 0; t < 8; ++t) mask.as<uint8_t>()[5 * 8 + t] = 0;
  ProblemCase c = attention(s, mask);
  expect_matches_reference(kTactic, c);
  c.attrs.set("masked_rows_zero", int64_t{1});
  expect_matches_reference(kTactic, c);
}

TEST(Attention, ReadsPackedOperandsAndRowsApart) {
  ProblemCase c{.op = "FusedAttention", .inputs = {random_floats({2, 70, 3 * 4 * 24}, 1)}};
  c.attrs.set("num_heads", int64_t{4});
  c.attrs.set("packed_qkv", int64_t{1});
  expect_matches_reference(kTactic, c, {.tolerance = 5e-6});
  c.inputs = {c.inputs[0], Tensor{}, Tensor{}, random_floats({2, 1, 1, 70}, 2)};
  expect_matches_reference(kTactic, c, {.tolerance = 5e-6});
  c = attention({2, 33, 17, 2, 16, 8});
  c.input_strides = {48, 35, 20};
  c.output_strides = {19};
  expect_matches_reference(kTactic, c, {.tolerance = 5e-6});
}

}  // namespace
}  // namespace burnish::testing
