#pragma once
// FusedAttention as the tests of its GPU tactics pose it.
#include <utility>

#include "cuda/cuda_case.h"

namespace burnish::testing {

struct AttentionSizes {
  int64_t batch, queries, keys, heads, q_size, v_size;
};

/// Operands and result in this type.
inline ProblemCase attention(const AttentionSizes& s, DType type, Tensor mask = {}) {
  const Encoding encoding{type};
  ProblemCase c{.op = "FusedAttention",
                .inputs = {encoded(random_floats({s.batch, s.queries, s.heads * s.q_size}, 1), encoding),
                           encoded(random_floats({s.batch, s.keys, s.heads * s.q_size}, 2), encoding),
                           encoded(random_floats({s.batch, s.keys, s.heads * s.v_size}, 3), encoding)}};
  if (mask.defined()) c.inputs.push_back(std::move(mask));
  c.attrs.set("num_heads", s.heads);
  c.attrs.set("scale", 0.37F);
  set_output_encoding(c.attrs, encoding);
  return c;
}

/// Q, K and V side by side in one tensor.
inline ProblemCase packed_attention(int64_t batch, int64_t queries, int64_t heads, int64_t size, DType type) {
  const Encoding encoding{type};
  ProblemCase c{.op = "FusedAttention",
                .inputs = {encoded(random_floats({batch, queries, 3 * heads * size}, 1), encoding)}};
  c.attrs.set("num_heads", heads);
  c.attrs.set("packed_qkv", int64_t{1});
  c.attrs.set("scale", 0.125F);
  set_output_encoding(c.attrs, encoding);
  return c;
}

}  // namespace burnish::testing
