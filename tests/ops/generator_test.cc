// Generators, random tensors, losses, and the small operators of ai.onnx.ml.
#include <cmath>

#include "base/error.h"
#include "ops/op_tester.h"

namespace burnish {
namespace {

using testing::ElementsAre;

Tensor scalar(DType dtype, double value) {
  return make_tensor(dtype, Shape{}, {value});
}

TEST(Range, Values) {
  const auto ints = [](double a, double b, double d) {
    return values_of(run("Range", {scalar(DType::kInt64, a), scalar(DType::kInt64, b), scalar(DType::kInt64, d)}));
  };
  EXPECT_THAT(ints(3, 9, 3), ElementsAre(3, 6));
  EXPECT_THAT(ints(10, 4, -2), ElementsAre(10, 8, 6));
  EXPECT_THAT(ints(1, 0, 1), ElementsAre());
  EXPECT_THROW(ints(0, 1, 0), Error);
  const DType f = DType::kFloat32;
  EXPECT_THAT(values_of(run("Range", {scalar(f, 0), scalar(f, 1), scalar(f, 0.25)})), ElementsAre(0, 0.25, 0.5, 0.75));
}

TEST(Range, ExtremesAreErrorsNotCrashes) {
  const Tensor low = make_ints({INT64_MIN}).reshaped(Shape{});
  const Tensor high = make_ints({INT64_MAX}).reshaped(Shape{});
  const Tensor one = scalar(DType::kInt64, 1);
  EXPECT_THROW(run("Range", {low, high, one}), Error);
  const DType f = DType::kFloat32;
  EXPECT_THROW(run("Range", {scalar(f, 0), scalar(f, INFINITY), scalar(f, 1)}), Error);
}

TEST(Range, SymbolicLength) {
  const Dim s = Dim::symbol("s");
  const TypeInfo type{DType::kInt64, SymShape{}};
  const auto length = [&](Dim a, Dim b, Dim d) {
    return infer("Range", {type, type, type}, {known({a}), known({b}), known({d})}).type.shape.value()[0];
  };
  EXPECT_EQ(length(0, s, 1), s);
  EXPECT_EQ(length(s, Dim(3) * s, 2), s);
  EXPECT_EQ(length(0, s - Dim(1), 1), max(s - Dim(1), Dim(0)));
  EXPECT_EQ(infer("Range", {type, type, type}, {known({s}), known({s + Dim(2)}), known({1})}).dims,
            (std::vector<Dim>{s, s + Dim(1)}));
}

TEST(ConstantOfShape, ValuesAndShapes) {
  EXPECT_THAT(values_of(run("ConstantOfShape", {make_ints({2})})), ElementsAre(0, 0));
  const AttributeMap seven = attributes({{"value", make_tensor(DType::kInt64, Shape{1}, {7})}});
  const Tensor y = run("ConstantOfShape", {make_ints({1, 2})}, seven);
  EXPECT_EQ(y.dtype(), DType::kInt64);
  EXPECT_THAT(values_of(y), ElementsAre(7, 7));
  EXPECT_EQ(run("ConstantOfShape", {make_ints({})}).shape(), Shape{});
  EXPECT_THROW(run("ConstantOfShape", {make_ints({-1})}), Error);
  const Dim b = Dim::symbol("b");
  const auto inferred = infer("ConstantOfShape", {int_vector(2)}, {known({b, 3})}, seven);
  EXPECT_EQ(inferred.type, (TypeInfo{DType::kInt64, SymShape{b, 3}}));
}

TEST(EyeLike, Diagonals) {
  const Tensor x = make_floats(Shape{2, 3}, {0, 0, 0, 0, 0, 0});
  EXPECT_THAT(values_of(run("EyeLike", {x}, attributes({{"k", int64_t{1}}}))), ElementsAre(0, 1, 0, 0, 0, 1));
  EXPECT_THAT(values_of(run("EyeLike", {x}, attributes({{"k", int64_t{-1}}}))), ElementsAre(0, 0, 0, 1, 0, 0));
  EXPECT_THAT(values_of(run("EyeLike", {x}, attributes({{"k", INT64_MAX}}))), ElementsAre(0, 0, 0, 0, 0, 0));
}

TEST(Trilu, Triangles) {
  const Tensor x = make_floats(Shape{1, 2, 3}, {1, 2, 3, 4, 5, 6});
  const AttributeMap lower = attributes({{"upper", int64_t{0}}});
  EXPECT_THAT(values_of(run("Trilu", {x})), ElementsAre(1, 2, 3, 0, 5, 6));
  EXPECT_THAT(values_of(run("Trilu", {x}, lower)), ElementsAre(1, 0, 0, 4, 5, 0));
  EXPECT_THAT(values_of(run("Trilu", {x, scalar(DType::kInt64, 1)})), ElementsAre(0, 2, 3, 0, 0, 6));
  EXPECT_THAT(values_of(run("Trilu", {x, make_ints({INT64_MIN})})), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(values_of(run("Trilu", {x, make_ints({INT64_MIN})}, lower)), ElementsAre(0, 0, 0, 0, 0, 0));
}

TEST(OneHot, AxesAndOutsiders) {
  const Tensor indices = make_ints({1, -1, 3});
  const Tensor values = make_floats(Shape{2}, {2, 5});
  const Tensor depth = scalar(DType::kInt64, 3);
  EXPECT_THAT(values_of(run("OneHot", {indices, depth, values})), ElementsAre(2, 5, 2, 2, 2, 5, 2, 2, 2));
  EXPECT_THAT(values_of(run("OneHot", {indices, depth, values}, attributes({{"axis", int64_t{0}}}))),
              ElementsAre(2, 2, 2, 5, 2, 2, 2, 5, 2));
  EXPECT_THROW(run("OneHot", {indices, scalar(DType::kInt64, -1), values}), Error);
}

TEST(Window, Shapes) {
  const Tensor four = scalar(DType::kInt64, 4);
  EXPECT_THAT(values_of(run("HannWindow", {four})), near(1e-6, {0, 0.5, 1, 0.5}));
  EXPECT_THAT(values_of(run("HannWindow", {four}, attributes({{"periodic", int64_t{0}}}))),
              near(1e-6, {0, 0.75, 0.75, 0}));
  EXPECT_THAT(values_of(run("HammingWindow", {four})), near(1e-6, {4.0 / 46, 25.0 / 46, 1, 25.0 / 46}));
  EXPECT_THAT(values_of(run("BlackmanWindow", {four})), near(1e-6, {0, 0.34, 1, 0.34}));
  EXPECT_THROW(run("HannWindow", {scalar(DType::kInt64, -4)}), Error);
}

TEST(MelWeightMatrix, TrianglesAndBounds) {
  const auto mel = [](double upper) {
    const DType i = DType::kInt64;
    const DType f = DType::kFloat32;
    return run("MelWeightMatrix", {scalar(i, 3), scalar(i, 16), scalar(i, 8000), scalar(f, 0), scalar(f, upper)});
  };
  const Tensor y = mel(4000);
  EXPECT_EQ(y.shape(), Shape({9, 3}));
  for (const double v : values_of(y)) EXPECT_TRUE(v >= 0 && v <= 1);
  EXPECT_THROW(mel(1e6), Error);
}

TEST(Random, SeedsRepeatAndMomentsFit) {
  const AttributeMap attrs =
      attributes({{"shape", std::vector<int64_t>{100, 100}}, {"seed", 3.0F}, {"mean", 2.0F}, {"scale", 0.5F}});
  const Tensor x = run("RandomNormal", {}, attrs);
  EXPECT_TRUE(x.identical(run("RandomNormal", {}, attrs)));
  double sum = 0;
  double squares = 0;
  for (const double v : values_of(x)) {
    sum += v;
    squares += (v - 2) * (v - 2);
  }
  EXPECT_NEAR(sum / 10000, 2, 0.02);
  EXPECT_NEAR(squares / 10000, 0.25, 0.02);
  const Tensor u = run("RandomUniformLike", {x}, attributes({{"low", -1.0F}, {"high", 3.0F}, {"seed", 1.0F}}));
  for (const double v : values_of(u)) ASSERT_TRUE(v >= -1 && v <= 3);
  EXPECT_EQ(find_op("RandomNormal")->traits & kRandom, static_cast<uint32_t>(kRandom));
}

TEST(Random, DrawsFollowProbabilities) {
  const Tensor p = make_floats(Shape{3}, {0, 1, 0});
  EXPECT_THAT(values_of(run("Bernoulli", {p})), ElementsAre(0, 1, 0));
  const Tensor logits = make_floats(Shape{1, 3}, {-1e9, 0, -1e9});
  EXPECT_THAT(values_of(run("Multinomial", {logits}, attributes({{"sample_size", int64_t{3}}}))), ElementsAre(1, 1, 1));
}

TEST(Dropout, InferenceIsIdentity) {
  const Tensor x = make_floats(Shape{3}, {1, 2, 3});
  const auto y = run_all("Dropout", {x}, {}, 2);
  EXPECT_TRUE(y[0].identical(x));
  EXPECT_THAT(values_of(y[1]), ElementsAre(1, 1, 1));
}

// The first doubles that NumPy's RandomState(0) draws are 0.5488, 0.7152, 0.6028, 0.5449.
TEST(Dropout, TrainingDrawsAsNumPyDoes) {
  const Tensor x = make_floats(Shape{4}, {1, 1, 1, 1});
  const Tensor yes = make_tensor(DType::kBool, Shape{}, {1});
  const auto y = run_all("Dropout", {x, scalar(DType::kFloat32, 0.55), yes}, attributes({{"seed", int64_t{0}}}), 2);
  EXPECT_THAT(values_of(y[1]), ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(values_of(y[0]), near(1e-6, {0, 1 / 0.45, 1 / 0.45, 0}));
  EXPECT_THROW(run("Dropout", {x, scalar(DType::kFloat32, 1), yes}), Error);
}

TEST(Loss, WeightsAndIgnoredLabels) {
  const double half = std::log(0.5);
  const Tensor log_p = make_floats(Shape{2, 2}, {half, half, std::log(0.25), std::log(0.75)});
  const Tensor labels = make_ints({0, 1});
  const auto reduced = [](const char* how) { return attributes({{"reduction", std::string(how)}}); };
  EXPECT_THAT(values_of(run("NegativeLogLikelihoodLoss", {log_p, labels}, reduced("none"))),
              near(1e-6, {0.69314718, 0.28768207}));
  EXPECT_THAT(values_of(run("NegativeLogLikelihoodLoss", {log_p, labels})), near(1e-6, {0.49041463}));
  const Tensor weights = make_floats(Shape{2}, {1, 3});
  EXPECT_THAT(values_of(run("NegativeLogLikelihoodLoss", {log_p, labels, weights})), near(1e-6, {0.38904835}));
  EXPECT_THAT(values_of(run("NegativeLogLikelihoodLoss", {log_p, labels}, attributes({{"ignore_index", int64_t{0}}}))),
              near(1e-6, {0.28768207}));
  EXPECT_THROW(run("NegativeLogLikelihoodLoss", {log_p, make_ints({0, 2})}), Error);
}

TEST(Loss, CrossEntropyNormalises) {
  const Tensor scores = make_floats(Shape{1, 2}, {0, std::log(3)});
  const auto y = run_all("SoftmaxCrossEntropyLoss", {scores, make_ints({1})}, {}, 2);
  EXPECT_THAT(values_of(y[0]), near(1e-6, {0.28768207}));
  EXPECT_THAT(values_of(y[1]), near(1e-6, {-1.38629436, -0.28768207}));
}

TEST(Ml, SmallOperators) {
  const Tensor x = make_floats(Shape{2, 2}, {1, 3, 2, 4});
  EXPECT_THAT(values_of(run("Binarizer", {x}, attributes({{"threshold", 2.0F}}))), ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(values_of(run("ArrayFeatureExtractor", {x, make_ints({1})})), ElementsAre(3, 4));
  EXPECT_THROW(run("ArrayFeatureExtractor", {x, make_ints({2})}), Error);
  const AttributeMap labels = attributes({{"keys_floats", std::vector<float>{1, NAN}},
                                          {"values_int64s", std::vector<int64_t>{10, 20}},
                                          {"default_int64", int64_t{-5}}});
  EXPECT_THAT(values_of(run("LabelEncoder", {make_floats(Shape{3}, {1, NAN, 7})}, labels)), ElementsAre(10, 20, -5));
}

}  // namespace
}  // namespace burnish
