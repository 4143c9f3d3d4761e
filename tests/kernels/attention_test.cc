#include <gtest/gtest.h>

#include <limits>

#include "kernels/problem_set.h"

namespace burnish::testing {
namespace {

constexpr std::string_view kTactic = "cpu.attention";

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

const Encoding kEncodings[] = {
    {DType::kFloat32}, {DType::kBFloat16}, {DType::kFloat16}, {DType::kUInt8, 0.017F, 120}, {DType::kInt8, 0.018F, -3}};

/// Operands and result in these encodings.
ProblemCase encode_attention(ProblemCase c, const Encoding& q, const Encoding& k, const Encoding& v,
                             const Encoding& y) {
  const int num_inputs = static_cast<int>(c.inputs.size());
  const Encoding* operands[] = {&q, &k, &v};
  for (int i = 0; i < 3; ++i) {
    Tensor& x = c.inputs[static_cast<size_t>(i)];
    x = encoded(x, *operands[i]);
    set_input_encoding(c.attrs, i, num_inputs, *operands[i]);
  }
  set_output_encoding(c.attrs, y);
  return c;
}

/// Products of bfloat16 round probabilities to eight bits.
const CheckOptions kNarrow{.tolerance = 4e-3, .steps = 1};

TEST(Attention, ReadsAndWritesAnyEncoding) {
  const Sizes s{2, 37, 41, 3, 16, 24};
  for (const Encoding& x : kEncodings) {
    for (const Encoding& y : kEncodings) {
      SCOPED_TRACE(fmt::format("{} to {}", name_of(x.dtype), name_of(y.dtype)));
      expect_matches_reference(kTactic, encode_attention(attention(s), x, x, x, y), kNarrow);
      expect_matches_reference(kTactic, encode_attention(attention(s), x, y, kEncodings[1], y), kNarrow);
    }
  }
}

TEST(Attention, MultipliesNarrowOperandsOfAnySize) {
  for (const Sizes& s : {Sizes{2, 128, 128, 3, 64, 64}, Sizes{1, 7, 7, 2, 32, 32}, Sizes{2, 65, 33, 3, 24, 40},
                         Sizes{1, 1, 50, 2, 16, 96}, Sizes{3, 20, 1, 1, 1, 1}, Sizes{1, 100, 131, 2, 31, 17},
                         Sizes{1, 48, 384, 1, 64, 70}}) {
    for (const Encoding& x : {kEncodings[1], kEncodings[3]}) {
      SCOPED_TRACE(fmt::format("{} queries, {} keys, {}", s.queries, s.keys, name_of(x.dtype)));
      expect_matches_reference(kTactic, encode_attention(attention(s), x, x, x, {}), kNarrow);
    }
  }
}

TEST(Attention, MasksNarrowOperands) {
  const Sizes s{1, 19, 9, 2, 8, 8};
  Tensor mask = random_tensor(DType::kBool, {19, 9}, 1);
  for (int64_t t = 0; t < 9; ++t) mask.as<uint8_t>()[5 * 9 + t] = 0;
  for (const Encoding& x : {kEncodings[1], kEncodings[3]}) {
    ProblemCase c = encode_attention(attention(s, mask), x, x, x, {DType::kBFloat16});
    expect_matches_reference(kTactic, c, kNarrow);
    c.attrs.set("masked_rows_zero", int64_t{1});
    expect_matches_reference(kTactic, c, kNarrow);
    c.inputs[3] = random_floats({2, 1, 9}, 4);
    expect_matches_reference(kTactic, c, kNarrow);
  }
}

TEST(Attention, ReadsPackedNarrowOperandsAndRowsApart) {
  for (const Encoding& x : {kEncodings[1], kEncodings[2], kEncodings[3]}) {
    ProblemCase c{.op = "FusedAttention", .inputs = {encoded(random_floats({2, 70, 3 * 4 * 24}, 1), x)}};
    set_input_encoding(c.attrs, 0, 1, x);
    set_output_encoding(c.attrs, x);
    c.attrs.set("num_heads", int64_t{4});
    c.attrs.set("packed_qkv", int64_t{1});
    expect_matches_reference(kTactic, c, kNarrow);
    c = encode_attention(attention({2, 33, 17, 2, 16, 8}), x, x, x, x);
    c.input_strides = {48, 35, 21};
    c.output_strides = {19};
    expect_matches_reference(kTactic, c, kNarrow);
  }
}

}  // namespace
}  // namespace burnish::testing
