// Shape arithmetic over symbolic dims, and the views.
#include "ops/op_tester.h"

namespace burnish {
namespace {

const Dim kBatch = Dim::symbol("batch");
const Dim kLength = Dim::symbol("length");

TypeInfo floats(SymShape shape) {
  return {DType::kFloat32, std::move(shape)};
}

Inferred reshape(SymShape shape, std::vector<Dim> target, int64_t allow_zero = 0) {
  return infer("Reshape", {floats(std::move(shape)), int_vector(static_cast<int64_t>(target.size()))},
               {{}, known(target)}, attributes({{"allowzero", allow_zero}}));
}

TEST(Shape, TellsSymbolicDims) {
  const Inferred r = infer("Shape", {floats({kBatch, 3, kLength})}, {}, attributes({{"start", int64_t{-2}}}));
  EXPECT_EQ(r.type, (TypeInfo{DType::kInt64, SymShape{2}}));
  EXPECT_EQ(*r.dims, (std::vector<Dim>{3, kLength}));
}

TEST(Shape, ClampsStartAndEnd) {
  const Tensor x = random_floats({2, 3, 4}, 1);
  const auto shape_between = [&](int64_t start, int64_t end) {
    return values_of(run("Shape", {x}, attributes({{"start", start}, {"end", end}})));
  };
  EXPECT_EQ(shape_between(0, 2), (std::vector<double>{2, 3}));
  EXPECT_EQ(shape_between(-100, 100), (std::vector<double>{2, 3, 4}));
  EXPECT_TRUE(shape_between(2, 1).empty());
}

TEST(Size, IsTheProductOfSymbols) {
  const Inferred r = infer("Size", {floats({kBatch, 3, kLength})});
  EXPECT_EQ(r.type.shape, SymShape{});
  EXPECT_EQ(r.dims->front(), Dim(3) * kBatch * kLength);
}

TEST(Reshape, DividesPolynomials) {
  EXPECT_EQ(*reshape({kBatch, 12, kLength}, {-1, 4}).type.shape, (SymShape{Dim(3) * kBatch * kLength, 4}));
  EXPECT_EQ(*reshape({kBatch, kLength, 12}, {0, 0, 3, 4}).type.shape, (SymShape{kBatch, kLength, 3, 4}));
  EXPECT_EQ(*reshape({kBatch, kLength, 12}, {0, -1, 4}).type.shape, (SymShape{kBatch, Dim(3) * kLength, 4}));
  EXPECT_EQ(*reshape({kBatch, kLength, 12}, {kBatch * kLength, -1}).type.shape, (SymShape{kBatch * kLength, 12}));
}

TEST(Reshape, CopiedZerosAndAllowedZerosDiffer) {
  EXPECT_EQ(*reshape({0, 3}, {0, -1}).type.shape, (SymShape{0, 3}));
  EXPECT_EQ(*reshape({0, 3}, {3, 0}, 1).type.shape, (SymShape{3, 0}));
}

TEST(Reshape, RefusesWhatDoesNotFit) {
  EXPECT_THROW(reshape({2, 3}, {4, 2}), Error);
  EXPECT_THROW(reshape({2, 3}, {-1, -1}), Error);
  EXPECT_THROW(reshape({2, 3}, {-2, 3}), Error);
  EXPECT_THROW(reshape({2, 3}, {-1, 4}), Error);
  EXPECT_THROW(reshape({2}, {2, 0}), Error);
  EXPECT_THROW(reshape({0, 3}, {0, -1}, 1), Error);
}

TEST(Reshape, PassesSymbolicElementsOn) {
  const Inferred r = infer("Reshape", {int_vector(2), int_vector(2)}, {known({kBatch, kLength}), known({1, 2})});
  EXPECT_EQ(*r.dims, (std::vector<Dim>{kBatch, kLength}));
}

TEST(Flatten, SplitsAtTheAxis) {
  const auto flatten = [](int64_t axis) {
    return *infer("Flatten", {floats({kBatch, 3, 4})}, {}, attributes({{"axis", axis}})).type.shape;
  };
  EXPECT_EQ(flatten(1), (SymShape{kBatch, 12}));
  EXPECT_EQ(flatten(0), (SymShape{1, Dim(12) * kBatch}));
  EXPECT_EQ(flatten(3), (SymShape{Dim(12) * kBatch, 1}));
  EXPECT_EQ(flatten(-1), (SymShape{Dim(3) * kBatch, 4}));
  EXPECT_THROW(flatten(4), Error);
}

TEST(SqueezeAndUnsqueeze, UndoEachOther) {
  const auto unsqueezed = infer("Unsqueeze", {floats({kBatch, 3}), int_vector(2)}, {{}, known({0, -1})});
  EXPECT_EQ(*unsqueezed.type.shape, (SymShape{1, kBatch, 3, 1}));
  const auto squeezed = infer("Squeeze", {floats({1, kBatch, 3, 1}), int_vector(2)}, {{}, known({0, -1})});
  EXPECT_EQ(*squeezed.type.shape, (SymShape{kBatch, 3}));
  EXPECT_THROW(infer("Squeeze", {floats({2, 3}), int_vector(1)}, {{}, known({0})}), Error);
  EXPECT_THROW(infer("Unsqueeze", {floats({2}), int_vector(2)}, {{}, known({1, -2})}), Error);
}

TEST(ShapeArithmetic, FollowsAViewThroughGatherConcatAndSlice) {
  const std::vector<Dim> shape{kBatch, kLength, 768};
  const Inferred picked = infer("Gather", {int_vector(3), int_vector(2)}, {known(shape), known({-1, 0})});
  EXPECT_EQ(*picked.dims, (std::vector<Dim>{768, kBatch}));
  const Inferred joined = infer("Concat", {int_vector(2), int_vector(1)}, {known({kBatch, kLength}), known({-1})},
                                attributes({{"axis", int64_t{0}}}));
  EXPECT_EQ(*joined.dims, (std::vector<Dim>{kBatch, kLength, -1}));
  const Inferred sliced =
      infer("Slice", {int_vector(3), int_vector(1), int_vector(1)}, {known(shape), known({1}), known({INT64_MAX})});
  EXPECT_EQ(*sliced.dims, (std::vector<Dim>{kLength, 768}));
  EXPECT_THROW(infer("Gather", {int_vector(3), int_vector(1)}, {known(shape), known({3})}), Error);
}

TEST(ShapeArithmetic, ExpandRepeatsOneValue) {
  const Inferred r = infer("Expand", {int_vector(1), int_vector(1)}, {known({kBatch}), known({3})});
  EXPECT_EQ(*r.dims, (std::vector<Dim>{kBatch, kBatch, kBatch}));
}

TEST(Constant, HasTheAttributesValue) {
  EXPECT_EQ(values_of(run("Constant", {}, attributes({{"value_ints", std::vector<int64_t>{4, 5}}}))),
            (std::vector<double>{4, 5}));
  EXPECT_EQ(run("Constant", {}, attributes({{"value_float", 2.5F}})).shape(), Shape{});
  EXPECT_THROW(run("Constant", {}), Error);
}

TEST(Views, KeepEveryBytePattern) {
  const Tensor x = make_tensor(DType::kFloat16, {2, 3}, {1, -2, 3.5, 0, 65504, -0.0});
  const Tensor y = run("Reshape", {x, make_ints({3, 2})});
  EXPECT_TRUE(y.identical(x.reshaped({3, 2})));
}

}  // namespace
}  // namespace burnish
