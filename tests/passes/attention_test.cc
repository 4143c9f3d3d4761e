// fuse_attention and fuse_qkv.
#include <gtest/gtest.h>

#include "ir/text.h"
#include "pass_tester.h"

namespace burnish {
namespace {

const std::vector<std::string_view> kCleanUp = {"eliminate_dead_code", "canonicalise_views", "eliminate_identities",
                                                "eliminate_common_subexpressions", "eliminate_dead_code"};

/// Heads of three tensors split, scores, whatever makes %p of %scores, and the heads merged again.
std::string block(const std::string& middle, const std::string& extra_inputs = "") {
  return R"(graph "g" {
    input %q: float32[b,s,6]
    input %k: float32[b,t,6]
    input %v: float32[b,t,8]
)" + extra_inputs +
         R"(
    const %root: float32[] = {0.5}
    const %heads: int64[4] = {0, 0, 2, 3}
    const %value_heads: int64[4] = {0, 0, 2, 4}
    const %merged: int64[3] = {0, 0, 8}
    const %zero: float32[] = {0}
    %q4 = Reshape(%q, %heads)
    %k4 = Reshape(%k, %heads)
    %v4 = Reshape(%v, %value_heads)
    %qt = Transpose(%q4) {perm=[0,2,1,3]}
    %kt = Transpose(%k4) {perm=[0,2,3,1]}
    %vt = Transpose(%v4) {perm=[0,2,1,3]}
)" + middle +
         R"(
    %o = MatMul(%p, %vt)
    %ot = Transpose(%o) {perm=[0,2,1,3]}
    %y = Reshape(%ot, %merged)
    output "y" = %y
  })";
}

TEST(FuseAttention, PlainWithScaleOnScores) {
  expect_rewrite("fuse_attention", block(R"(
    %scores = MatMul(%qt, %kt)
    %scaled = Mul(%scores, %root)
    %p = Softmax(%scaled) {axis=-1}
)"),
                 {"%0 = FusedAttention(q, k, v) {num_heads=2, scale=0.5}", "y = %0"}, kCleanUp);
}

TEST(FuseAttention, RootOfTheScaleOnBothSidesAndMaskAdded) {
  expect_rewrite("fuse_attention",
                 block(R"(
    %qs = Mul(%qt, %root)
    %ks = Mul(%kt, %root)
    %scores = MatMul(%qs, %ks)
    %masked = Add(%scores, %mask)
    %p = Softmax(%masked) {axis=3}
)",
                       "    input %mask: float32[b,1,1,t]\n"),
                 {"%0 = FusedAttention(q, k, v, mask) {num_heads=2, scale=0.25}", "y = %0"}, kCleanUp);
}

TEST(FuseAttention, GuardedAgainstFullyMaskedRows) {
  expect_rewrite("fuse_attention",
                 block(R"(
    const %never: float32[] = {-inf}
    const %true: bool[1,1,1,1] = {1}
    %scores = MatMul(%qt, %kt)
    const %to: int64[4] = {1, 2, 1, 1}
    %both = And(%true, %keep)
    %wide = Expand(%both, %to)
    %mask = Where(%wide, %zero, %never)
    %masked = Add(%scores, %mask)
    %soft = Softmax(%masked) {axis=-1}
    %bad = IsNaN(%soft)
    %p = Where(%bad, %zero, %soft)
)",
                       "    input %keep: bool[b,1,1,t]\n"),
                 {"%0 = Where(keep, {0}, {-inf})",
                  "%1 = FusedAttention(q, k, v, %0) {masked_rows_zero=1, num_heads=2, scale=1.0}", "y = %1"},
                 kCleanUp);
}

TEST(FuseAttention, MaskFilledIn) {
  expect_rewrite(
      "fuse_attention",
      block(R"(
    const %never: float32[1] = {-1e10}
    %scores = MatMul(%qt, %kt)
    %masked = Where(%keep, %scores, %never)
    %p = Softmax(%masked) {axis=-1}
)",
            "    input %keep: bool[b,1,1,t]\n"),
      {"%0 = Where(keep, {0}, {-1e+10})", "%1 = FusedAttention(q, k, v, %0) {num_heads=2, scale=1.0}", "y = %1"},
      kCleanUp);
}

TEST(FuseAttention, ProbabilitiesThatAreReadStay) {
  const std::string text = block(R"(
    %scores = MatMul(%qt, %kt)
    %p = Softmax(%scores) {axis=-1}
    output "p" = %p
)");
  expect_unchanged("fuse_attention", text);
}

TEST(FuseAttention, SoftmaxAlongAnotherAxisStays) {
  expect_unchanged("fuse_attention", block(R"(
    %scores = MatMul(%qt, %kt)
    %p = Softmax(%scores) {axis=1}
)"));
}

TEST(FuseQkv, ThreeProductsBecomeOne) {
  expect_rewrite("fuse_qkv", R"(graph "g" {
    input %x: float32[b,s,4]
    const %wq: float32[4,6]
    const %wk: float32[4,6]
    const %wv: float32[4,6]
    const %bq: float32[6]
    const %bv: float32[6]
    %q = FusedMatMul(%x, %wq, %bq)
    %k = FusedMatMul(%x, %wk)
    %v = FusedMatMul(%x, %wv, %bv)
    %y = FusedAttention(%q, %k, %v) {num_heads=2, scale=0.5}
    output "y" = %y
  })",
                 {"%0 = FusedMatMul(x, float32[4,18], float32[18])",
                  "%1 = FusedAttention(%0) {num_heads=2, packed_qkv=1, scale=0.5}", "y = %1"});
}

TEST(FuseQkv, TransposedWeights) {
  expect_rewrite("fuse_qkv", R"(graph "g" {
    input %x: float32[b,s,4]
    input %mask: float32[b,1,s,s]
    const %wq: float32[6,4]
    const %wk: float32[6,4]
    const %wv: float32[6,4]
    %q = FusedMatMul(%x, %wq) {transB=1}
    %k = FusedMatMul(%x, %wk) {transB=1}
    %v = FusedMatMul(%x, %wv) {transB=1}
    %y = FusedAttention(%q, %k, %v, %mask) {num_heads=3, scale=1.0}
    output "y" = %y
  })",
                 {"%0 = FusedMatMul(x, float32[4,18], float32[18])",
                  "%1 = FusedAttention(%0, _, _, mask) {num_heads=3, packed_qkv=1, scale=1.0}", "y = %1"});
}

TEST(FuseQkv, CrossAttentionStays) {
  expect_unchanged("fuse_qkv", R"(graph "g" {
    input %x: float32[b,s,4]
    input %z: float32[b,s,4]
    const %wq: float32[4,6]
    const %wk: float32[4,6]
    const %wv: float32[4,6]
    %q = FusedMatMul(%x, %wq)
    %k = FusedMatMul(%z, %wk)
    %v = FusedMatMul(%z, %wv)
    %y = FusedAttention(%q, %k, %v) {num_heads=2, scale=0.5}
    output "y" = %y
  })");
}

/// As vision transformers write it: one product, split in five dimensions.
TEST(FuseQkv, SlicesOfAnOwnJoinAreReadInPlace) {
  Graph original = parse_graph(R"(graph "g" {
    input %x: float32[b,s,4]
    const %w: float32[4,18]
    const %five: int64[5] = {0, 0, 3, 2, 3}
    const %merged: int64[3] = {0, 0, 6}
    const %i0: int64[] = {0}
    const %i1: int64[] = {1}
    const %i2: int64[] = {2}
    const %c: float32[] = {0.5}
    %m = MatMul(%x, %w)
    %r = Reshape(%m, %five)
    %t = Transpose(%r) {perm=[2,0,3,1,4]}
    %q = Gather(%t, %i0) {axis=0}
    %k = Gather(%t, %i1) {axis=0}
    %v = Gather(%t, %i2) {axis=0}
    %kt = Transpose(%k) {perm=[0,1,3,2]}
    %qs = Mul(%q, %c)
    %z = MatMul(%qs, %kt)
    %p = Softmax(%z) {axis=-1}
    %o = MatMul(%p, %v)
    %ot = Transpose(%o) {perm=[0,2,1,3]}
    %y = Reshape(%ot, %merged)
    output "y" = %y
  })");
  original.infer();
  Graph graph = original;
  run_passes(graph);
  EXPECT_EQ(lines_of(graph), (Lines{"%0 = FusedMatMul(x, float32[4,18])",
                                    "%1 = FusedAttention(%0) {num_heads=2, packed_qkv=1, scale=0.5}", "y = %1"}));
  expect_same_numbers(original, graph, random_inputs(original));
}

TEST(FuseQkv, PartsOfASplitAreReadInPlace) {
  expect_rewrite("fuse_qkv", R"(graph "g" {
    input %x: float32[b,s,18]
    %q, %k, %v = Split(%x) {axis=-1, num_outputs=3}
    %y = FusedAttention(%q, %k, %v) {num_heads=2, scale=0.5}
    output "y" = %y
  })",
                 {"%0 = FusedAttention(x) {num_heads=2, packed_qkv=1, scale=0.5}", "y = %0"});
}

}  // namespace
}  // namespace burnish
