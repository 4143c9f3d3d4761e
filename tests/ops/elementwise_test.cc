#include <cmath>
#include <limits>

#include "base/error.h"
#include "ops/op_tester.h"

namespace burnish {
namespace {

using testing::ElementsAre;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

struct UnaryCase {
  const char* op;
  std::vector<double> x, y;
  AttributeMap attrs = {};
};

// Values from the formulas of ONNX's operator pages, worked out by hand.
const std::vector<UnaryCase>& unary_cases() {
  static const std::vector<UnaryCase> cases{
      {"Abs", {-2, 0, 3}, {2, 0, 3}},
      {"Neg", {-2, 0, 3}, {2, 0, -3}},
      {"Sign", {-2, 0, 3}, {-1, 0, 1}},
      {"Ceil", {-1.5, 1.2}, {-1, 2}},
      {"Floor", {-1.5, 1.2}, {-2, 1}},
      {"Round", {0.5, 1.5, 2.5, -2.5}, {0, 2, 2, -2}},
      {"Sqrt", {4, 2}, {2, 1.41421356}},
      {"Reciprocal", {4, -0.5}, {0.25, -2}},
      {"Exp", {0, 1}, {1, 2.71828183}},
      {"Log", {1, 10}, {0, 2.30258509}},
      {"Erf", {0, 0.5}, {0, 0.52049988}},
      {"Sin", {1}, {0.84147098}},
      {"Acosh", {2}, {1.31695790}},
      {"Tanh", {0.5}, {0.46211716}},
      {"Relu", {-1, 2}, {0, 2}},
      {"Sigmoid", {0, 1, -100}, {0.5, 0.73105858, 0}},
      {"Softplus", {0, 100}, {0.69314718, 100}},
      {"Softsign", {-3, 1}, {-0.75, 0.5}},
      {"Mish", {1}, {0.86509839}},
      {"Swish", {2}, {1.46211716}, attributes({{"alpha", 0.5F}})},
      {"Gelu", {1, -2}, {0.84134475, -0.04550026}},
      {"Gelu", {1}, {0.84119199}, attributes({{"approximate", std::string("tanh")}})},
      {"HardSwish", {-4, 1, 4}, {0, 0.66666667, 4}},
      {"HardSigmoid", {-4, 1, 4}, {0, 0.7, 1}},
      {"LeakyRelu", {-1, 2}, {-0.1, 2}, attributes({{"alpha", 0.1F}})},
      {"ThresholdedRelu", {1, 2}, {0, 2}},
      {"Elu", {-1, 2}, {-1.26424112, 2}, attributes({{"alpha", 2.0F}})},
      {"Celu", {-1, 2}, {-0.78693868, 2}, attributes({{"alpha", 2.0F}})},
      {"Selu", {-1, 2}, {-1.11133072, 2.10140204}},
      {"Shrink", {-2, 0.2, 3}, {-1.5, 0, 2.5}, attributes({{"bias", 0.5F}})},
  };
  return cases;
}

TEST(Unary, LiteralValues) {
  for (const UnaryCase& c : unary_cases())
    for (const DType dtype : {DType::kFloat32, DType::kFloat64, DType::kFloat16, DType::kBFloat16}) {
      const double tolerance = dtype == DType::kBFloat16 ? 1e-2 : dtype == DType::kFloat16 ? 2e-3 : 1e-6;
      const Tensor y = run(c.op, {make_tensor(dtype, Shape{static_cast<int64_t>(c.x.size())}, c.x)}, c.attrs);
      EXPECT_EQ(y.dtype(), dtype) << c.op;
      EXPECT_THAT(values_of(y), near(tolerance, c.y)) << c.op << name_of(dtype);
    }
}

TEST(Unary, IntegersWrapAndBitsFlip) {
  EXPECT_THAT(values_of(run("Abs", {make_tensor(DType::kInt8, Shape{2}, {-128, 5})})), ElementsAre(-128, 5));
  EXPECT_THAT(values_of(run("Neg", {make_tensor(DType::kInt32, Shape{1}, {7})})), ElementsAre(-7));
  EXPECT_THAT(values_of(run("BitwiseNot", {make_tensor(DType::kUInt8, Shape{2}, {0, 240})})), ElementsAre(255, 15));
  EXPECT_THAT(values_of(run("Not", {make_tensor(DType::kBool, Shape{2}, {0, 1})})), ElementsAre(1, 0));
}

TEST(Unary, TestsOfNumbers) {
  const Tensor x = make_floats(Shape{4}, {kNaN, kInf, -kInf, 1});
  EXPECT_THAT(values_of(run("IsNaN", {x})), ElementsAre(1, 0, 0, 0));
  EXPECT_THAT(values_of(run("IsInf", {x})), ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(values_of(run("IsInf", {x}, attributes({{"detect_negative", int64_t{0}}}))), ElementsAre(0, 1, 0, 0));
}

TEST(Unary, Clip) {
  const Tensor x = make_floats(Shape{4}, {-3, 0.5, 9, kNaN});
  const auto scalar = [](double v) { return make_floats(Shape{}, {v}); };
  EXPECT_THAT(values_of(run("Clip", {x, scalar(-1), scalar(6)})), near(0, {-1, 0.5, 6, kNaN}));
  EXPECT_THAT(values_of(run("Clip", {x, Tensor(), scalar(6)})), near(0, {-3, 0.5, 6, kNaN}));
  EXPECT_THAT(values_of(run("Clip", {x, scalar(5), scalar(2)})), near(0, {2, 2, 2, kNaN}));
  EXPECT_THROW(run("Clip", {x, make_floats(Shape{2}, {1, 2})}), Error);
}

TEST(Unary, IntegersAreRefusedWhereFloatsAreNeeded) {
  EXPECT_THROW(run("Exp", {make_ints({1})}), Error);
}

TEST(Binary, Arithmetic) {
  const Tensor a = make_tensor(DType::kInt32, Shape{4}, {7, -7, 7, -7});
  const Tensor b = make_tensor(DType::kInt32, Shape{4}, {2, 2, -2, 0});
  EXPECT_THAT(values_of(run("Add", {a, b})), ElementsAre(9, -5, 5, -7));
  EXPECT_THAT(values_of(run("Sub", {a, b})), ElementsAre(5, -9, 9, -7));
  EXPECT_THAT(values_of(run("Mul", {a, b})), ElementsAre(14, -14, -14, 0));
  EXPECT_THAT(values_of(run("Div", {a, b})), ElementsAre(3, -3, -3, 0));
  EXPECT_THAT(values_of(run("Mod", {a, b})), ElementsAre(1, 1, -1, 0));
  const AttributeMap fmod = attributes({{"fmod", int64_t{1}}});
  EXPECT_THAT(values_of(run("Mod", {a, b}, fmod)), ElementsAre(1, -1, 1, -7));
}

TEST(Binary, ExtremeIntegersDoNotTrap) {
  const Tensor a = make_ints({INT64_MIN, INT64_MAX});
  const Tensor b = make_ints({-1, -1});
  EXPECT_EQ(run("Div", {a, b}).as<int64_t>()[0], INT64_MIN);
  EXPECT_EQ(run("Mod", {a, b}).as<int64_t>()[0], 0);
  EXPECT_EQ(run("Mul", {a, b}).as<int64_t>()[0], INT64_MIN);
  EXPECT_EQ(run("Sub", {a, make_ints({1, 1})}).as<int64_t>()[0], INT64_MAX);
}

TEST(Binary, FloatRemainders) {
  const Tensor a = make_floats(Shape{4}, {5.5, -5.5, 3, -0.0});
  const Tensor b = make_floats(Shape{4}, {2, 2, -kInf, 3});
  EXPECT_THAT(values_of(run("Mod", {a, b})), near(0, {1.5, 0.5, -kInf, 0}));
  EXPECT_THAT(values_of(run("Mod", {a, b}, attributes({{"fmod", int64_t{1}}}))), near(0, {1.5, -1.5, 3, 0}));
}

TEST(Binary, Powers) {
  EXPECT_THAT(values_of(run("Pow", {make_ints({3, 2, -1, 2}), make_ints({4, 0, -3, -1})})), ElementsAre(81, 1, -1, 0));
  EXPECT_THAT(values_of(run("Pow", {make_floats(Shape{2}, {3, 4}), make_floats(Shape{}, {2})})), ElementsAre(9, 16));
  const Tensor mixed = run("Pow", {make_ints({4}), make_floats(Shape{}, {0.5})});
  EXPECT_EQ(mixed.dtype(), DType::kInt64);
  EXPECT_THAT(values_of(mixed), ElementsAre(2));
}

TEST(Binary, ComparisonsAndLogic) {
  const Tensor a = make_floats(Shape{3}, {1, 2, kNaN});
  const Tensor b = make_floats(Shape{3}, {2, 2, 2});
  EXPECT_THAT(values_of(run("Less", {a, b})), ElementsAre(1, 0, 0));
  EXPECT_THAT(values_of(run("LessOrEqual", {a, b})), ElementsAre(1, 1, 0));
  EXPECT_THAT(values_of(run("Equal", {a, b})), ElementsAre(0, 1, 0));
  EXPECT_THAT(values_of(run("Greater", {b, a})), ElementsAre(1, 0, 0));
  const Tensor p = make_tensor(DType::kBool, Shape{2, 1}, {0, 1});
  const Tensor q = make_tensor(DType::kBool, Shape{2}, {0, 1});
  EXPECT_THAT(values_of(run("And", {p, q})), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(values_of(run("Xor", {p, q})), ElementsAre(0, 1, 1, 0));
  EXPECT_THROW(run("And", {a, b}), Error);
  EXPECT_THROW(run("Add", {a, make_ints({1, 2, 3})}), Error);
}

TEST(Binary, Bits) {
  const Tensor x = make_tensor(DType::kInt8, Shape{4}, {-128, 64, 1, -1});
  const Tensor n = make_tensor(DType::kInt8, Shape{4}, {1, 1, 8, -1});
  const auto direction = [](const char* d) { return attributes({{"direction", std::string(d)}}); };
  EXPECT_THAT(values_of(run("BitShift", {x, n}, direction("RIGHT"))), ElementsAre(-64, 32, 0, -1));
  EXPECT_THAT(values_of(run("BitShift", {x, n}, direction("LEFT"))), ElementsAre(0, -128, 0, 0));
  EXPECT_THROW(run("BitShift", {x, n}), Error);
  EXPECT_THAT(values_of(run("BitwiseXor", {x, n})), ElementsAre(-127, 65, 9, 0));
}

TEST(Binary, GatedActivations) {
  const Tensor a = make_floats(Shape{2}, {-1, 2});
  EXPECT_THAT(values_of(run("PRelu", {a, make_floats(Shape{1}, {0.25})})), ElementsAre(-0.25, 2));
  EXPECT_THAT(values_of(run("SwiGLU", {a, make_floats(Shape{2}, {3, 0.5})})), near(1e-6, {-0.80682426, 0.88079708}));
}

TEST(Variadic, MaxMinSumMean) {
  const Tensor a = make_floats(Shape{2, 1}, {1, 4});
  const Tensor b = make_floats(Shape{2}, {3, kNaN});
  const Tensor c = make_floats(Shape{}, {2});
  EXPECT_THAT(values_of(run("Max", {a, b, c})), near(0, {3, kNaN, 4, kNaN}));
  EXPECT_THAT(values_of(run("Min", {a, c})), ElementsAre(1, 2));
  EXPECT_THAT(values_of(run("Sum", {a, a, c})), ElementsAre(4, 10));
  EXPECT_THAT(values_of(run("Mean", {a, c})), ElementsAre(1.5, 3));
}

TEST(Where, SelectsOfAnyType) {
  const Tensor condition = make_tensor(DType::kBool, Shape{2, 1}, {1, 0});
  for (const DType dtype : {DType::kInt8, DType::kFloat16, DType::kFloat32, DType::kInt64}) {
    const Tensor y = run("Where", {condition, make_tensor(dtype, Shape{2}, {1, 2}), make_tensor(dtype, Shape{}, {3})});
    EXPECT_THAT(values_of(y), ElementsAre(1, 2, 3, 3)) << name_of(dtype);
  }
}

TEST(Cast, Conversions) {
  const auto cast = [](const Tensor& x, DType to) {
    return values_of(run("Cast", {x}, attributes({{"to", std::string(name_of(to))}})));
  };
  const Tensor x = make_floats(Shape{5}, {-1.7, 1.7, 300, kNaN, kInf});
  EXPECT_THAT(cast(x, DType::kInt32), ElementsAre(-1, 1, 300, 0, -1));
  EXPECT_THAT(cast(x, DType::kUInt8), ElementsAre(255, 1, 44, 0, 255));
  EXPECT_THAT(cast(x, DType::kBool), ElementsAre(1, 1, 1, 1, 1));
  EXPECT_THAT(cast(make_ints({200}), DType::kInt8), ElementsAre(-56));
  EXPECT_THAT(cast(make_ints({9, -9}), DType::kInt4), ElementsAre(-7, 7));
  EXPECT_THAT(cast(make_floats(Shape{1}, {1e6}), DType::kFloat16), ElementsAre(kInf));
  EXPECT_THROW(run("Cast", {x}), Error);
}

TEST(Cast, BitsAndLikes) {
  const Tensor one = make_floats(Shape{1}, {1});
  EXPECT_EQ(run("BitCast", {one}, attributes({{"to", int64_t{6}}})).as<int32_t>()[0], 0x3f800000);
  EXPECT_THROW(run("BitCast", {one}, attributes({{"to", int64_t{7}}})), Error);
  EXPECT_EQ(run("CastLike", {one, make_ints({0})}).dtype(), DType::kInt64);
}

TEST(Symbolic, ShapeArithmeticIsFollowed) {
  const Dim b = Dim::symbol("b");
  const Dim s = Dim::symbol("s");
  const auto binary = [&](const char* op, Dim x, Dim y) {
    return infer(op, {int_vector(1), int_vector(1)}, {known({x}), known({y})}).dims.value()[0];
  };
  EXPECT_EQ(binary("Add", b, 1), b + Dim(1));
  EXPECT_EQ(binary("Mul", b, s), b * s);
  EXPECT_EQ(binary("Div", Dim(4) * b, 2), Dim(2) * b);
  EXPECT_EQ(binary("Div", -7, 2), Dim(-3));
  EXPECT_EQ(binary("Mod", Dim(4) * b + Dim(3), 2), Dim(1));
  EXPECT_EQ(binary("Max", b + Dim(2), b), b + Dim(2));
  EXPECT_EQ(binary("Equal", b, -1), Dim(0));
  EXPECT_EQ(binary("Less", b, b + Dim(1)), Dim(1));
  EXPECT_FALSE(infer("Equal", {int_vector(1), int_vector(1)}, {known({b}), known({3})}).dims.has_value());
  EXPECT_EQ(infer("Neg", {int_vector(1)}, {known({b})}).dims.value()[0], Dim(0) - b);
}

TEST(Symbolic, ExpandPatternOfExporters) {
  const Dim b = Dim::symbol("b");
  const TypeInfo condition{DType::kBool, SymShape{2}};
  const auto y =
      infer("Where", {condition, int_vector(2), int_vector(2)}, {known({0, 1}), known({1, 1}), known({b, -1})});
  EXPECT_EQ(y.dims, (std::vector<Dim>{b, 1}));
}

TEST(Symbolic, ShapesBroadcast) {
  const Dim b = Dim::symbol("b");
  const auto y = infer("Add", {{DType::kFloat32, SymShape{b, 1, 4}}, {DType::kFloat32, SymShape{3, 1}}});
  EXPECT_EQ(y.type.shape, (SymShape{b, 3, 4}));
  EXPECT_FALSE(infer("Add", {{DType::kFloat32, std::nullopt}, {DType::kFloat32, SymShape{3}}}).type.shape.has_value());
  EXPECT_EQ(infer("Less", {{DType::kFloat32, SymShape{b}}, {DType::kFloat32, SymShape{b}}}).type.dtype, DType::kBool);
}

}  // namespace
}  // namespace burnish
