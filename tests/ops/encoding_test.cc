#include "ops/encoding.h"

#include <limits>

#include "ops/op_tester.h"

namespace burnish {
namespace {

TEST(Encoding, RoundsTiesToEvenAndClamps) {
  const Encoding e{DType::kUInt8, 0.5F, 10};
  EXPECT_EQ(quantize(0.25F, e), 10);  // 0.5 → 0
  EXPECT_EQ(quantize(0.75F, e), 12);  // 1.5 → 2
  EXPECT_EQ(quantize(-100.0F, e), 0);
  EXPECT_EQ(quantize(1e30F, e), 255);
  EXPECT_EQ(quantize(std::numeric_limits<float>::quiet_NaN(), e), 0);
  EXPECT_EQ(quantize(-1e30F, {DType::kInt8, 0.5F, 3}), -128);
}

TEST(Encoding, LivesInAttributesOnlyWhereNeeded) {
  AttributeMap attrs;
  set_input_encoding(attrs, 1, 3, {});
  set_output_encoding(attrs, {});
  EXPECT_TRUE(attrs.values().empty());
  const Encoding u8{DType::kUInt8, 0.25F, 7};
  set_input_encoding(attrs, 1, 3, u8);
  set_output_encoding(attrs, {DType::kInt8, 2.0F, -3});
  EXPECT_EQ(input_encoding(attrs, 1, DType::kUInt8), u8);
  EXPECT_EQ(input_encoding(attrs, 0, DType::kFloat32), Encoding{});
  EXPECT_EQ(output_encoding(attrs), (Encoding{DType::kInt8, 2.0F, -3}));
  set_output_encoding(attrs, {DType::kBFloat16});
  EXPECT_EQ(output_encoding(attrs), Encoding{DType::kBFloat16});
}

TEST(Encoding, RefusesScalesThatMakeNoSense) {
  AttributeMap attrs;
  EXPECT_THROW(input_encoding(attrs, 0, DType::kUInt8), Error);
  set_input_encoding(attrs, 0, 1, {DType::kUInt8, 0.0F, 0});
  EXPECT_THROW(input_encoding(attrs, 0, DType::kUInt8), Error);
  set_input_encoding(attrs, 0, 1, {DType::kUInt8, 1.0F, 256});
  EXPECT_THROW(input_encoding(attrs, 0, DType::kUInt8), Error);
  attrs = attributes({{"output_dtype", std::string("float99")}});
  EXPECT_THROW(output_encoding(attrs), Error);
}

/// x = 2·(q − 3), w = (q)·S, S by output channel.
TEST(FusedConv, DecodesIntegersAndEncodesItsResult) {
  const Tensor x = make_tensor(DType::kUInt8, {1, 2, 1, 2}, {4, 5, 3, 2});
  const Tensor w = make_tensor(DType::kInt8, {2, 2, 1, 1}, {1, 2, -3, 4});
  const Tensor b = make_floats({2}, {0.5, 0}), s = make_floats({2}, {0.5, 0.25});
  AttributeMap attrs;
  set_input_encoding(attrs, 0, 5, {DType::kUInt8, 2.0F, 3});
  // x = {{2, 4}, {0, -2}}; products {2, 0} and {-6, -20}, times S: {1, 0} and {-1.5, -5}.
  EXPECT_THAT(values_of(run("FusedConv", {x, w, b, Tensor(), s}, attrs)), near(0, {1.5, 0.5, -1.5, -5}));
  set_output_encoding(attrs, {DType::kUInt8, 0.5F, 8});
  const Tensor y = run("FusedConv", {x, w, b, Tensor(), s}, attrs);
  EXPECT_EQ(y.dtype(), DType::kUInt8);
  EXPECT_THAT(values_of(y), near(0, {11, 9, 5, 0}));
}

TEST(FusedMatMul, DecodesIntegersAndEncodesItsResult) {
  const Tensor a = make_tensor(DType::kUInt8, {1, 2}, {4, 2}), w = make_tensor(DType::kInt8, {2, 2}, {1, 2, 3, 4});
  const Tensor s = make_floats({2}, {1, 0.5}), r = make_tensor(DType::kUInt8, {1, 2}, {9, 0});
  AttributeMap attrs = attributes({{"residual", std::string("before")}});
  set_input_encoding(attrs, 0, 5, {DType::kUInt8, 1.0F, 3});
  set_input_encoding(attrs, 3, 5, {DType::kUInt8, 10.0F, 8});
  set_output_encoding(attrs, {DType::kBFloat16});
  // a = {1, -1}: products {-2, -2}, times S {-2, -1}, plus {10, -80}.
  const Tensor y = run("FusedMatMul", {a, w, Tensor(), r, s}, attrs);
  EXPECT_EQ(y.dtype(), DType::kBFloat16);
  EXPECT_THAT(values_of(y), near(0, {8, -81}));
}

TEST(Pointwise, ReadsAndWritesEveryEncoding) {
  const Tensor a = make_tensor(DType::kInt8, {2}, {-4, 6}), b = make_tensor(DType::kFloat16, {1}, {0.5});
  AttributeMap attrs = attributes({{"program", std::vector<std::string>{"add i0 i1"}}});
  set_input_encoding(attrs, 0, 2, {DType::kInt8, 0.25F, 2});
  set_output_encoding(attrs, {DType::kUInt8, 0.5F, 100});
  EXPECT_THAT(values_of(run("Pointwise", {a, b}, attrs)), near(0, {98, 103}));
}

/// What output 0's type is inferred as, or throws.
DType inferred(const char* op, DType x, const AttributeMap& attrs) {
  std::vector<TypeInfo> types = {{x, to_symbolic({1, 2, 4, 4})}, {DType::kFloat32, to_symbolic({4})}};
  if (std::string_view(op) != "LayerNormalization") types.pop_back();
  const std::vector<ValueInfo> values(types.size());
  InferContext c(attrs, types, values, 1);
  find_op(op)->infer(c);
  return c.outputs()[0].dtype;
}

TEST(Encoding, OperatorsOfOnnxKeepTheirTypeUnlessToldOtherwise) {
  for (const char* op : {"AveragePool", "GlobalAveragePool", "LayerNormalization", "Softmax"}) {
    SCOPED_TRACE(op);
    AttributeMap attrs = attributes({{"kernel_shape", std::vector<int64_t>{2, 2}}});
    for (const DType x : {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBFloat16}) {
      EXPECT_EQ(inferred(op, x, attrs), x);
    }
    EXPECT_THROW(inferred(op, DType::kUInt8, attrs), Error);
    EXPECT_THROW(inferred(op, DType::kInt32, attrs), Error);
    set_input_encoding(attrs, 0, 1, {DType::kUInt8, 0.5F, 3});
    EXPECT_EQ(inferred(op, DType::kUInt8, attrs), DType::kFloat32);
    set_output_encoding_like(attrs, {DType::kInt8, 0.5F, 3}, DType::kUInt8);
    EXPECT_EQ(inferred(op, DType::kUInt8, attrs), DType::kInt8);
    set_output_encoding_like(attrs, {}, DType::kBFloat16);
    EXPECT_EQ(inferred(op, DType::kBFloat16, attrs), DType::kFloat32);
    set_output_encoding_like(attrs, {}, DType::kFloat32);
    EXPECT_FALSE(attrs.has("output_dtype"));
  }
}

/// x = (q − 4)/2.
TEST(Encoding, OperatorsOfOnnxDecodeAndEncode) {
  AttributeMap attrs = attributes({{"kernel_shape", std::vector<int64_t>{1, 2}}});
  set_input_encoding(attrs, 0, 1, {DType::kUInt8, 0.5F, 4});
  const Tensor x = make_tensor(DType::kUInt8, {1, 1, 1, 2}, {6, 10});
  EXPECT_THAT(values_of(run("AveragePool", {x}, attrs)), near(0, {2}));
  set_output_encoding(attrs, {DType::kInt8, 0.25F, -1});
  EXPECT_THAT(values_of(run("AveragePool", {x}, attrs)), near(0, {7}));
  EXPECT_THAT(values_of(run("GlobalAveragePool", {x}, attrs)), near(0, {7}));
  EXPECT_THAT(values_of(run("Softmax", {x}, attrs)), near(0, {-1, 3}));  // 0.12 and 0.88
  EXPECT_THAT(values_of(run("LayerNormalization", {x, make_floats({2}, {1, 3})}, attrs)), near(0, {-5, 11}));
}

}  // namespace
}  // namespace burnish
