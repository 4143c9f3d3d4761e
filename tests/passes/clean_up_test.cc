// fold_shapes, fold_constants, canonicalise_views, eliminate_*.
#include <gtest/gtest.h>

#include "ir/text.h"
#include "pass_tester.h"

namespace burnish {
namespace {

TEST(EliminateDeadCode, RemovesWhatNoOutputNeeds) {
  expect_rewrite("eliminate_dead_code", R"(graph "g" {
    input %x: float32[n,4]
    %unused = Exp(%x)
    %more = Neg(%unused)
    %y = Relu(%x)
    output "y" = %y
  })",
                 {"%0 = Relu(x)", "y = %0"});
}

TEST(FoldConstants, EvaluatesWhatDependsOnConstantsOnly) {
  expect_rewrite("fold_constants", R"(graph "g" {
    input %x: float32[2]
    const %a: float32[2] = {1, 2}
    const %b: float32[] = {3}
    %s = Add(%a, %b)
    %p = Mul(%s, %b)
    %y = Mul(%x, %p)
    output "y" = %y
  })",
                 {"%0 = Mul(x, {12,15})", "y = %0"});
}

TEST(FoldConstants, LeavesRandomNodesAlone) {
  expect_unchanged("fold_constants", R"(graph "g" {
    %y = RandomNormal() {shape=[2,3]}
    output "y" = %y
  })");
}

TEST(FoldConstants, LeavesLargeExpansionsToRunTime) {
  expect_unchanged("fold_constants", R"(graph "g" {
    const %one: float32[1] = {1}
    const %shape: int64[3] = {512, 1024, 1024}
    %y = Expand(%one, %shape)
    output "y" = %y
  })");
}

TEST(FoldShapes, KnownSizesBecomeConstants) {
  expect_rewrite("fold_shapes", R"(graph "g" {
    input %x: float32[n,4,5]
    %s = Shape(%x) {start=1}
    %y = Cast(%s) {to=1}
    output "y" = %y
  })",
                 {"%0 = Cast({4,5}) {to=1}", "y = %0"});
}

TEST(FoldShapes, ReshapeTargetsUseZeroAndMinusOne) {
  expect_rewrite("fold_shapes", R"(graph "g" {
    input %x: float32[batch,seq,12]
    const %heads: int64[2] = {3, 4}
    %s = Shape(%x) {start=0, end=2}
    %target = Concat(%s, %heads) {axis=0}
    %split = Reshape(%x, %target)
    output "y" = %split
  })",
                 {"%0 = Reshape(x, {0,0,3,4})", "y = %0"});
}

TEST(FoldShapes, JoinedDimensionsFollow) {
  expect_rewrite("fold_shapes", R"(graph "g" {
    input %x: float32[batch,seq,12]
    const %axis: int64[1] = {0}
    const %first: int64[] = {0}
    const %second: int64[] = {1}
    const %last: int64[1] = {12}
    %s = Shape(%x)
    %b = Gather(%s, %first)
    %t = Gather(%s, %second)
    %product = Mul(%b, %t)
    %rows = Unsqueeze(%product, %axis)
    %target = Concat(%rows, %last) {axis=0}
    %y = Reshape(%x, %target) {allowzero=1}
    output "y" = %y
  })",
                 {"%0 = Reshape(x, {-1,12})", "y = %0"}, {"eliminate_dead_code"});
}

TEST(FoldShapes, OneDimensionIsReadFromTheInput) {
  expect_rewrite("fold_shapes", R"(graph "g" {
    input %x: float32[batch,seq]
    const %index: int64[] = {1}
    const %zero: int64[1] = {0}
    const %axis: int64[1] = {1}
    const %table: int64[1,8] = {0, 1, 2, 3, 4, 5, 6, 7}
    %e = Exp(%x)
    %s = Shape(%e)
    %n = Gather(%s, %index)
    %end = Unsqueeze(%n, %zero)
    %y = Slice(%table, %zero, %end, %axis)
    output "y" = %y
  })",
                 {"%0 = Shape(x) {end=2, start=1}", "%1 = Slice({0,1,2,3,4,5,6,7}, {0}, %0, {1})", "y = %1"},
                 {"eliminate_dead_code", "canonicalise_views", "eliminate_identities", "eliminate_dead_code"});
}

TEST(CanonicaliseViews, EveryViewIsOneReshape) {
  expect_rewrite("canonicalise_views", R"(graph "g" {
    input %x: float32[n,6,1,1]
    const %axes: int64[2] = {2, 3}
    const %shape: int64[3] = {0, 2, 3}
    %a = Squeeze(%x, %axes)
    %b = Reshape(%a, %shape)
    %y = Relu(%b)
    output "y" = %y
  })",
                 {"%0 = Reshape(x, {0,2,3})", "%1 = Relu(%0)", "y = %1"});
}

TEST(CanonicaliseViews, TransposesOfOnesAreViews) {
  expect_rewrite("canonicalise_views", R"(graph "g" {
    input %x: float32[n,1,1,6]
    %a = Transpose(%x) {perm=[0,3,1,2]}
    %y = Flatten(%a) {axis=1}
    output "y" = %y
  })",
                 {"%0 = Reshape(x, {0,6})", "y = %0"});
}

TEST(CanonicaliseViews, JoiningForATransposeIsLeftOut) {
  expect_rewrite("canonicalise_views", R"(graph "g" {
    input %x: float32[b,4,s,8]
    const %join: int64[3] = {-1, 5, 8}
    const %split: int64[4] = {-1, 4, 8, 5}
    input %z: float32[b,4,5,8]
    %a = Reshape(%z, %join)
    %t = Transpose(%a) {perm=[0,2,1]}
    %y = Reshape(%t, %split)
    %u = Relu(%x)
    output "y" = %y
    output "u" = %u
  })",
                 {"%0 = Transpose(z) {perm=[0,1,3,2]}", "%1 = Relu(x)", "y = %0", "u = %1"});
}

TEST(EliminateIdentities, WhatChangesNothingGoes) {
  expect_rewrite("eliminate_identities", R"(graph "g" {
    input %x: float32[n,4]
    const %zero: float32[4] = {0, 0, 0, 0}
    const %one: float32[] = {1}
    const %pads: int64[4] = {0, 0, 0, 0}
    const %starts: int64[1] = {0}
    const %ends: int64[1] = {9}
    const %axes: int64[1] = {1}
    %a = Identity(%x)
    %b = Add(%a, %zero)
    %c = Mul(%one, %b)
    %d = Dropout(%c)
    %e = Pad(%d, %pads)
    %f = Slice(%e, %starts, %ends, %axes)
    %g = Concat(%f) {axis=0}
    %h = Cast(%g) {to=1}
    %i = Transpose(%h) {perm=[0,1]}
    %y = Relu(%i)
    output "y" = %y
  })",
                 {"%0 = Relu(x)", "y = %0"});
}

TEST(EliminateIdentities, KeepsWhatBroadcasts) {
  expect_unchanged("eliminate_identities", R"(graph "g" {
    input %x: float32[1,4]
    const %zero: float32[3,1] = {0, 0, 0}
    %y = Add(%x, %zero)
    output "y" = %y
  })");
}

TEST(EliminateIdentities, PairsOfTransposesAndCasts) {
  expect_rewrite(
      "eliminate_identities", R"(graph "g" {
    input %x: float32[2,3,4]
    input %m: bool[3]
    %a = Transpose(%x) {perm=[0,2,1]}
    %y = Transpose(%a) {perm=[2,0,1]}
    %b = Transpose(%a) {perm=[0,2,1]}
    %z = Neg(%b)
    %i = Cast(%m) {to=7}
    %w = Cast(%i) {to=1}
    output "y" = %y
    output "z" = %z
    output "w" = %w
  })",
      {"%0 = Transpose(x) {perm=[1,0,2]}", "%1 = Neg(x)", "%2 = Cast(m) {to=1}", "y = %0", "z = %1", "w = %2"});
}

TEST(EliminateIdentities, KeepsLossyCasts) {
  expect_unchanged("eliminate_identities", R"(graph "g" {
    input %x: float32[3]
    %i = Cast(%x) {to=7}
    %y = Cast(%i) {to=1}
    output "y" = %y
  })");
}

TEST(EliminateCommonSubexpressions, EqualNodesAndConstantsMerge) {
  expect_rewrite(
      "eliminate_common_subexpressions", R"(graph "g" {
    input %x: float32[n,2]
    const %a: float32[2] = {1, 2}
    const %b: float32[2] = {1, 2}
    const %c: int64[1] = {1}
    %p = Add(%x, %a)
    %q = Add(%x, %b)
    %r = Softmax(%p) {axis=1}
    %s = Softmax(%q) {axis=0}
    %y = Mul(%r, %s)
    output "y" = %y
  })",
      {"%0 = Add(x, {1,2})", "%1 = Softmax(%0) {axis=1}", "%2 = Softmax(%0) {axis=0}", "%3 = Mul(%1, %2)", "y = %3"});
}

TEST(EliminateCommonSubexpressions, RandomNodesStayApart) {
  expect_unchanged("eliminate_common_subexpressions", R"(graph "g" {
    %a = RandomNormal() {shape=[2]}
    %b = RandomNormal() {shape=[2]}
    %y = Sub(%a, %b)
    output "y" = %y
  })");
}

}  // namespace
}  // namespace burnish
