#if BURNISH_WITH_ONEDNN
#include <gtest/gtest.h>

#include "kernels/encoded_case.h"

namespace burnish::testing {
namespace {

using Ints = std::vector<int64_t>;

/// oneDNN chooses its instruction set itself, so that only the machine's own can be held against the reference.
CheckOptions options() {
  return {.threads = {1, 2, 3}, .isas = {detect_cpu(1).isa}, .tolerance = 1e-5};
}

ProblemCase conv(const Shape& x, const Shape& w, Ints strides, Ints pads, int64_t group, Residual residual,
                 ActivationKind activation) {
  ProblemCase c{.op = "FusedConv",
                .inputs = {random_floats(x, 1), random_floats(w, 2, -0.3F, 0.3F), random_floats({w[0]}, 3)},
                .constant = {false, true, true}};
  for (const char* name : {"input_layout", "output_layout"}) c.attrs.set(name, std::string("NHWC"));
  c.attrs.set("kernel_shape", Ints{w[2], w[3]});
  c.attrs.set("strides", strides);
  c.attrs.set("pads", pads);
  c.attrs.set("group", group);
  set_activation(c.attrs, {activation, -0.25F, 0.75F});
  if (residual != Residual::kNone) {
    const int64_t h = (x[1] + pads[0] + pads[2] - w[2]) / strides[0] + 1;
    const int64_t width = (x[2] + pads[1] + pads[3] - w[3]) / strides[1] + 1;
    c.inputs.push_back(random_floats({x[0], h, width, w[0]}, 4));
    c.attrs.set("residual", std::string(residual == Residual::kBefore ? "before" : "after"));
  }
  return c;
}

TEST(OnednnConv, MatchesTheReference) {
  for (const int64_t batch : {1, 2, 3}) {
    SCOPED_TRACE(batch);
    expect_matches_reference(
        "cpu.onednn_conv",
        conv({batch, 13, 11, 32}, {64, 32, 3, 3}, {1, 1}, {1, 1, 1, 1}, 1, Residual::kBefore, ActivationKind::kRelu),
        options());
    expect_matches_reference(
        "cpu.onednn_conv",
        conv({batch, 14, 9, 48}, {32, 48, 1, 1}, {2, 2}, {0, 0, 0, 0}, 1, Residual::kNone, ActivationKind::kSilu),
        options());
    expect_matches_reference(
        "cpu.onednn_conv",
        conv({batch, 12, 17, 32}, {32, 1, 3, 3}, {2, 1}, {1, 1, 0, 1}, 32, Residual::kNone, ActivationKind::kClip),
        options());
    expect_matches_reference(
        "cpu.onednn_conv",
        conv({batch, 9, 8, 64}, {64, 32, 3, 5}, {1, 1}, {1, 2, 1, 2}, 2, Residual::kAfter, ActivationKind::kGelu),
        options());
  }
}

TEST(OnednnConv, RunsEveryActivation) {
  for (const ActivationKind kind :
       {ActivationKind::kNone, ActivationKind::kRelu, ActivationKind::kClip, ActivationKind::kLeakyRelu,
        ActivationKind::kSigmoid, ActivationKind::kTanh, ActivationKind::kSilu, ActivationKind::kGelu,
        ActivationKind::kGeluTanh, ActivationKind::kHardSwish}) {
    SCOPED_TRACE(name_of(kind));
    for (const Residual residual : {Residual::kNone, Residual::kBefore, Residual::kAfter}) {
      expect_matches_reference("cpu.onednn_conv",
                               conv({1, 6, 5, 16}, {32, 16, 3, 3}, {1, 1}, {1, 1, 1, 1}, 1, residual, kind), options());
    }
  }
}

TEST(OnednnConv, PackedWeightsDependOnNeitherBatchNorThreads) {
  const Tactic& tactic = *find_tactic("cpu.onednn_conv");
  std::vector<PackedBlob> first;
  for (const int64_t batch : {1, 5}) {
    const ProblemCase c = conv({batch, 9, 7, 32}, {64, 32, 3, 3}, {1, 1}, {1, 1, 1, 1}, 1, Residual::kNone, {});
    const Problem p = make_problem(c, {random_floats({batch, 9, 7, 64}, 1)});
    const std::string config = tactic.candidates(p, detect_cpu(static_cast<int>(batch))).at(0);
    const auto packed = tactic.pack(p, config);
    if (first.empty()) first = packed;
    EXPECT_EQ(packed, first) << config;
  }
}

ProblemCase matmul(const Shape& a, int64_t n, bool transposed, Residual residual, ActivationKind activation) {
  const Shape w = transposed ? Shape{n, a.back()} : Shape{a.back(), n};
  ProblemCase c{.op = "FusedMatMul",
                .inputs = {random_floats(a, 1), random_floats(w, 2), random_floats({n}, 3)},
                .constant = {false, true, true}};
  set_activation(c.attrs, {activation, 0, 0});
  c.attrs.set("alpha", 0.5F);
  if (transposed) c.attrs.set("transB", int64_t{1});
  if (residual != Residual::kNone) {
    Shape y = a;
    y[y.rank() - 1] = n;
    c.inputs.push_back(random_floats(y, 4));
    c.attrs.set("residual", std::string(residual == Residual::kBefore ? "before" : "after"));
  }
  return c;
}

TEST(OnednnMatmul, MatchesTheReference) {
  for (const int64_t n : {64, 96, 65, 384}) {
    for (const Shape& a : {Shape{7, 64}, Shape{2, 65, 80}, Shape{1, 33}}) {
      SCOPED_TRACE(fmt::format("{} by {}", to_string(a), n));
      expect_matches_reference("cpu.onednn_matmul", matmul(a, n, false, Residual::kNone, ActivationKind::kGelu),
                               options());
      expect_matches_reference("cpu.onednn_matmul", matmul(a, n, true, Residual::kBefore, ActivationKind::kNone),
                               options());
      expect_matches_reference("cpu.onednn_matmul", matmul(a, n, false, Residual::kAfter, ActivationKind::kRelu),
                               options());
    }
  }
}

bool has(Isa isa) {
  return detect_cpu(1).isa >= isa;
}
CheckOptions narrow_options() {
  CheckOptions o = options();
  o.steps = 1;
  return o;
}

TEST(OnednnConv, TakesIntegers) {
  if (!has(Isa::kAvx512Vnni)) GTEST_SKIP() << "this machine has no VNNI";
  for (const Encoding& y : {Encoding{DType::kUInt8, 32, 100}, Encoding{}, Encoding{DType::kBFloat16}}) {
    for (const Residual residual : {Residual::kNone, Residual::kBefore, Residual::kAfter}) {
      SCOPED_TRACE(fmt::format("{} {}", name_of(y.dtype), static_cast<int>(residual)));
      EncodedCase e{.x = {DType::kUInt8, 0.125F, 0}, .y = y};
      e.r = y.is_integer() ? Encoding{DType::kUInt8, 8, 31} : y;
      const ProblemCase padded =
          conv({2, 13, 11, 32}, {64, 32, 3, 3}, {1, 1}, {1, 1, 1, 1}, 1, residual, ActivationKind::kRelu);
      expect_matches_reference("cpu.onednn_conv", encode_case(padded, e), narrow_options());
      e.x.zero = 117;
      const ProblemCase bare =
          conv({2, 13, 11, 32}, {64, 32, 1, 1}, {2, 1}, {0, 0, 0, 0}, 1, residual, ActivationKind::kNone);
      expect_matches_reference("cpu.onednn_conv", encode_case(bare, e), narrow_options());
    }
  }
  // What stands for zero is not what oneDNN would pad with.
  const ProblemCase c = encode_case(
      conv({2, 13, 11, 32}, {64, 32, 3, 3}, {1, 1}, {1, 1, 1, 1}, 1, Residual::kNone, ActivationKind::kRelu), {});
  EXPECT_FALSE(find_tactic("cpu.onednn_conv")->supports(make_problem(c, reference_of(c)), detect_cpu(1)));
}

TEST(OnednnConv, TakesBFloat16) {
  if (!has(Isa::kAvx512Bf16)) GTEST_SKIP() << "this machine has no bfloat16 instructions";
  const Encoding narrow{DType::kBFloat16};
  for (const Encoding& y : {narrow, Encoding{}}) {
    for (const Residual residual : {Residual::kNone, Residual::kBefore, Residual::kAfter}) {
      const ProblemCase c =
          conv({2, 13, 11, 32}, {64, 32, 3, 3}, {2, 1}, {1, 1, 1, 1}, 1, residual, ActivationKind::kSilu);
      expect_matches_reference("cpu.onednn_conv", encode_case(c, {narrow, narrow, y, y, false}), narrow_options());
    }
  }
}

TEST(OnednnMatmul, TakesNarrowTypes) {
  if (!has(Isa::kAvx512Bf16)) GTEST_SKIP() << "this machine has no bfloat16 instructions";
  const Encoding narrow{DType::kBFloat16};
  for (const Shape& a : {Shape{7, 64}, Shape{2, 65, 128}, Shape{1, 64}}) {
    for (const Residual residual : {Residual::kNone, Residual::kBefore, Residual::kAfter}) {
      ProblemCase c = matmul(a, 128, false, residual, ActivationKind::kGelu);
      expect_matches_reference("cpu.onednn_matmul", encode_case(c, {.y = {DType::kUInt8, 64, 9}}), narrow_options());
      c.attrs.set("alpha", 1.0F);
      expect_matches_reference("cpu.onednn_matmul", encode_case(c, {narrow, narrow, narrow, narrow, false}),
                               narrow_options());
    }
  }
}

}  // namespace
}  // namespace burnish::testing
#endif
