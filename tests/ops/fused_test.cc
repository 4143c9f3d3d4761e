#include "ops/fused.h"

#include "ops/op_tester.h"

namespace burnish {
namespace {

Attribute text(const char* s) {
  return std::string(s);
}
std::vector<int64_t> ints(std::vector<int64_t> v) {
  return v;
}
Tensor transposed(const Tensor& t, std::vector<int64_t> perm) {
  return run("Transpose", {t}, attributes({{"perm", std::move(perm)}}));
}

// --- FusedConv -------------------------------------------------------------------------------------------------------

TEST(FusedConv, AppliesItsEpilogueInOrder) {
  const Tensor x = random_floats({2, 3, 5, 4}, 1), w = random_floats({6, 3, 3, 3}, 2), b = random_floats({6}, 3);
  AttributeMap attrs = attributes({{"pads", ints({1, 1, 1, 1})}, {"strides", ints({2, 1})}});
  const auto plain = values_of(run("Conv", {x, w, b}, attrs));
  const Tensor r = random_floats({2, 6, 3, 4}, 4);
  const auto residual = values_of(r);
  for (const char* kind : {"before", "after"}) {
    attrs.set("activation", text("relu"));
    attrs.set("residual", text(kind));
    std::vector<double> expected;
    for (size_t i = 0; i < plain.size(); ++i)
      expected.push_back(std::string_view(kind) == "before" ? std::max(0.0, plain[i] + residual[i])
                                                            : std::max(0.0, plain[i]) + residual[i]);
    EXPECT_THAT(values_of(run("FusedConv", {x, w, b, r}, attrs)), near(1e-5, expected)) << kind;
  }
}

TEST(FusedConv, TakesEveryPairOfLayouts) {
  const Tensor x = random_floats({2, 4, 5, 3}, 1), w = random_floats({6, 2, 3, 2}, 2),
               r = random_floats({2, 6, 3, 2}, 3);
  AttributeMap attrs = attributes({{"group", int64_t{2}}, {"residual", text("before")}, {"activation", text("silu")}});
  const Tensor expected = run("FusedConv", {x, w, Tensor(), r}, attrs);
  const Tensor x_last = transposed(x, {0, 2, 3, 1}), r_last = transposed(r, {0, 2, 3, 1});
  for (const bool in : {false, true})
    for (const bool out : {false, true}) {
      attrs.set("input_layout", text(in ? "NHWC" : "NCHW"));
      attrs.set("output_layout", text(out ? "NHWC" : "NCHW"));
      const Tensor y = run("FusedConv", {in ? x_last : x, w, Tensor(), out ? r_last : r}, attrs);
      EXPECT_THAT(values_of(out ? transposed(y, {0, 3, 1, 2}) : y), near(1e-5, values_of(expected))) << in << out;
    }
}

TEST(FusedConv, RefusesWhatDoesNotFit) {
  const Tensor x = random_floats({1, 2, 3, 3}, 1), w = random_floats({2, 2, 1, 1}, 2),
               r = random_floats({1, 2, 3, 3}, 3);
  EXPECT_THROW(run("FusedConv", {x, w, Tensor(), r}), Error);
  EXPECT_THROW(run("FusedConv", {x, w}, attributes({{"residual", text("after")}})), Error);
  EXPECT_THROW(
      run("FusedConv", {x, w, Tensor(), random_floats({1, 2, 3, 2}, 3)}, attributes({{"residual", text("after")}})),
      Error);
  EXPECT_THROW(run("FusedConv", {x, w}, attributes({{"activation", text("shrug")}})), Error);
  EXPECT_THROW(run("FusedConv", {x, w}, attributes({{"input_layout", text("CHWN")}})), Error);
  EXPECT_THROW(run("FusedConv", {x, w}, attributes({{"auto_pad", text("SAME_UPPER")}})), Error);
  EXPECT_THROW(
      run("FusedConv", {make_tensor(DType::kFloat64, {1, 1, 1}, {0}), make_tensor(DType::kFloat64, {1, 1, 1}, {0})}),
      Error);
}

// --- FusedMatMul -----------------------------------------------------------------------------------------------------

TEST(FusedMatMul, TransposesScalesAndBroadcasts) {
  const Tensor a = random_floats({2, 1, 3, 5}, 1), w = random_floats({4, 5, 7}, 2), b = random_floats({7}, 3);
  const auto product = values_of(run("MatMul", {a, w}));
  const auto bias = values_of(b);
  std::vector<double> expected;
  for (size_t i = 0; i < product.size(); ++i) expected.push_back(std::tanh(0.5 * product[i] + bias[i % 7]));
  const AttributeMap attrs = attributes({{"alpha", 0.5F}, {"activation", text("tanh")}});
  const Tensor y = run("FusedMatMul", {a, w, b}, attrs);
  EXPECT_EQ(y.shape(), (Shape{2, 4, 3, 7}));
  EXPECT_THAT(values_of(y), near(1e-5, expected));
  AttributeMap swapped = attrs;
  swapped.set("transA", int64_t{1});
  swapped.set("transB", int64_t{1});
  EXPECT_THAT(values_of(run("FusedMatMul", {transposed(a, {0, 1, 3, 2}), transposed(w, {0, 2, 1}), b}, swapped)),
              near(1e-5, expected));
}

TEST(FusedMatMul, RefusesWhatDoesNotFit) {
  const Tensor a = random_floats({3, 5}, 1), w = random_floats({5, 7}, 2);
  EXPECT_THROW(run("FusedMatMul", {a, a}), Error);
  EXPECT_THROW(run("FusedMatMul", {a, w, random_floats({3}, 1)}), Error);
  EXPECT_THROW(run("FusedMatMul", {a, w}, attributes({{"transB", int64_t{1}}})), Error);
  EXPECT_THROW(run("FusedMatMul", {random_floats({5}, 1), w}), Error);
}

// --- JoinedConv, JoinedMatMul
// -----------------------------------------------------------------------------------------

TEST(JoinedConv, GivesWhatItsSiblingsGive) {
  const Tensor x = random_floats({2, 4, 5, 3}, 1), b = random_floats({7}, 2);
  const Tensor w[] = {random_floats({2, 4, 3, 2}, 3), random_floats({5, 4, 3, 2}, 4)};
  const Tensor all = run("Concat", {w[0], w[1]}, attributes({{"axis", int64_t{0}}}));
  const std::vector<Tensor> bias =
      run_all("Split", {b, Tensor::from_ints(ints({2, 5}))}, attributes({{"axis", int64_t{0}}}), 2);
  for (const char* layout : {"NCHW", "NHWC"}) {
    const bool last = layout[1] == 'H';
    AttributeMap attrs = attributes({{"activation", text("silu")}, {"output_layout", text(layout)}});
    const Tensor first = run("FusedConv", {x, w[0], bias[0]}, attrs),
                 second = run("FusedConv", {x, w[1], bias[1]}, attrs);
    attrs.set("parts", ints({2, 5}));
    const auto joined = run_all("JoinedConv", {x, all, b}, attrs, 2);
    EXPECT_TRUE(joined[0].identical(first)) << layout;
    EXPECT_TRUE(joined[1].identical(second)) << layout;
    EXPECT_EQ(joined[1].shape()[last ? 3 : 1], 5);
  }
}

TEST(JoinedConv, RefusesWhatDoesNotFit) {
  const Tensor x = random_floats({1, 2, 3, 3}, 1), w = random_floats({4, 2, 1, 1}, 2);
  const auto refuses = [&](const AttributeMap& attrs, int num_outputs) {
    EXPECT_THROW(run_all("JoinedConv", {x, w}, attrs, num_outputs), Error);
  };
  refuses({}, 2);
  refuses(attributes({{"parts", ints({2, 3})}}), 2);
  refuses(attributes({{"parts", ints({4, 0})}}), 2);
  refuses(attributes({{"parts", ints({1, 1, 2})}}), 2);
  refuses(attributes({{"parts", ints({2, 2})}, {"residual", text("before")}}), 2);
  refuses(attributes({{"parts", ints({2, 2})}, {"group", int64_t{2}}}), 2);
}

TEST(JoinedMatMul, GivesWhatItsSiblingsGive) {
  const Tensor a = random_floats({2, 3, 5}, 1), v = random_floats({4, 5}, 2), w = random_floats({1, 5}, 3);
  const Tensor all = run("Concat", {v, w}, attributes({{"axis", int64_t{0}}}));
  AttributeMap attrs = attributes({{"transB", int64_t{1}}, {"alpha", 0.5F}});
  const Tensor first = run("FusedMatMul", {a, v}, attrs), second = run("FusedMatMul", {a, w}, attrs);
  attrs.set("parts", ints({4, 1}));
  const auto joined = run_all("JoinedMatMul", {a, all}, attrs, 2);
  EXPECT_TRUE(joined[0].identical(first));
  EXPECT_TRUE(joined[1].identical(second));
  attrs.erase("transB");
  EXPECT_THROW(run_all("JoinedMatMul", {a, random_floats({5, 5}, 4)}, attrs, 2), Error);
}

// --- FusedAttention --------------------------------------------------------------------------------------------------

/// Q, K, V [B, rows, H·D] -> what ONNX's own operator gives.
std::vector<double> plain_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& mask,
                                    int64_t heads, float scale) {
  return values_of(run("Attention", {q, k, v, mask},
                       attributes({{"q_num_heads", heads}, {"kv_num_heads", heads}, {"scale", scale}})));
}

TEST(FusedAttention, AgreesWithAttention) {
  const Tensor q = random_floats({2, 3, 8}, 1), k = random_floats({2, 5, 8}, 2), v = random_floats({2, 5, 12}, 3);
  const AttributeMap attrs = attributes({{"num_heads", int64_t{4}}, {"scale", 0.7F}});
  EXPECT_THAT(values_of(run("FusedAttention", {q, k, v}, attrs)),
              near(1e-5, plain_attention(q, k, v, Tensor(), 4, 0.7F)));
  const Tensor mask = random_floats({2, 1, 1, 5}, 4);
  EXPECT_THAT(values_of(run("FusedAttention", {q, k, v, mask}, attrs)),
              near(1e-5, plain_attention(q, k, v, mask, 4, 0.7F)));
  const Tensor keep = make_tensor(DType::kBool, {3, 5}, {1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 1, 1, 1, 1, 1});
  EXPECT_THAT(values_of(run("FusedAttention", {q, k, v, keep}, attrs)),
              near(1e-5, plain_attention(q, k, v, keep, 4, 0.7F)));
}

TEST(FusedAttention, ReadsPackedColumns) {
  const Tensor q = random_floats({2, 3, 8}, 1), k = random_floats({2, 3, 8}, 2), v = random_floats({2, 3, 8}, 3);
  const Tensor packed = run("Concat", {q, k, v}, attributes({{"axis", int64_t{2}}}));
  AttributeMap attrs = attributes({{"num_heads", int64_t{2}}, {"scale", 0.5F}});
  const auto expected = values_of(run("FusedAttention", {q, k, v}, attrs));
  attrs.set("packed_qkv", int64_t{1});
  EXPECT_THAT(values_of(run("FusedAttention", {packed}, attrs)), near(1e-6, expected));
}

TEST(FusedAttention, FullyMaskedRowsAreNanOrZero) {
  const Tensor q = random_floats({1, 1, 2}, 1), k = random_floats({1, 2, 2}, 2);
  const Tensor none = make_tensor(DType::kBool, {1, 2}, {0, 0});
  AttributeMap attrs = attributes({{"num_heads", int64_t{1}}});
  EXPECT_TRUE(std::isnan(values_of(run("FusedAttention", {q, k, k, none}, attrs))[0]));
  attrs.set("masked_rows_zero", int64_t{1});
  EXPECT_EQ(values_of(run("FusedAttention", {q, k, k, none}, attrs)), (std::vector<double>{0, 0}));
}

TEST(FusedAttention, RefusesWhatDoesNotFit) {
  const Tensor q = random_floats({1, 3, 8}, 1);
  const auto with_heads = [](int64_t n) { return attributes({{"num_heads", n}}); };
  EXPECT_THROW(run("FusedAttention", {q, q, q}), Error);
  EXPECT_THROW(run("FusedAttention", {q, q, q}, with_heads(3)), Error);
  EXPECT_THROW(run("FusedAttention", {q}, with_heads(2)), Error);
  EXPECT_THROW(run("FusedAttention", {q, q, random_floats({1, 2, 8}, 1)}, with_heads(2)), Error);
  EXPECT_THROW(run("FusedAttention", {q, q, q, random_floats({2, 3}, 1)}, with_heads(2)), Error);
}

// --- Pointwise -------------------------------------------------------------------------------------------------------

AttributeMap program(std::vector<std::string> lines) {
  return attributes({{"program", std::move(lines)}});
}

TEST(Pointwise, RunsAChainOverBroadcastInputs) {
  const Tensor a = make_floats({2, 1}, {1, 2}), b = make_floats({3}, {10, 20, 30});
  const Tensor y = run("Pointwise", {a, b}, program({"mul i0 #2", "add t0 i1", "clip t1 #13 #32.5"}));
  EXPECT_EQ(y.shape(), (Shape{2, 3}));
  EXPECT_EQ(values_of(y), (std::vector<double>{13, 22, 32, 14, 24, 32.5}));
}

TEST(Pointwise, KnowsItsFunctions) {
  const Tensor x = make_floats({2}, {0.25, -1.5});
  const auto of = [&](const char* line) { return values_of(run("Pointwise", {x}, program({line}))); };
  EXPECT_EQ(of("neg i0"), (std::vector<double>{-0.25, 1.5}));
  EXPECT_EQ(of("round i0"), (std::vector<double>{0, -2}));
  EXPECT_EQ(of("floor i0"), (std::vector<double>{0, -2}));
  EXPECT_EQ(of("max i0 #0"), (std::vector<double>{0.25, 0}));
  EXPECT_EQ(of("leaky_relu i0 #0.5"), (std::vector<double>{0.25, -0.75}));
  EXPECT_THAT(of("erf i0"), near(1e-6, {std::erf(0.25), std::erf(-1.5)}));
  EXPECT_THAT(of("pow i0 #2"), near(1e-6, {0.0625, 2.25}));
  EXPECT_THAT(of("silu i0"), near(1e-6, {0.25 / (1 + std::exp(-0.25)), -1.5 / (1 + std::exp(1.5))}));
}

TEST(Pointwise, NamesTheWrongInstruction) {
  const Tensor x = make_floats({1}, {0});
  for (const char* line : {"", "add i0", "add i0 i1", "add i0 t0", "add i0 x", "nothing i0", "add i0 #", "add i0 #1x",
                           "clip i0 i0 #1", "neg i-1", "neg i99999999999"})
    EXPECT_THROW(run("Pointwise", {x}, program({line})), Error) << line;
  EXPECT_THROW(run("Pointwise", {x}, program({})), Error);
  try {
    run("Pointwise", {x}, program({"neg i0", "add t1 i0"}));
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("add t1 i0"), std::string::npos);
  }
}

}  // namespace
}  // namespace burnish
