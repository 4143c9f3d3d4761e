#include "ops/data_movement.h"

#include <numeric>

#include "ops/op_tester.h"

namespace burnish {
namespace {

/// 0, 1, 2, … as any type that holds them.
Tensor counting(const Shape& shape, DType dtype = DType::kFloat32) {
  std::vector<double> values(static_cast<size_t>(shape.num_elements()));
  std::iota(values.begin(), values.end(), 0.0);
  return make_tensor(dtype, shape, values);
}

TEST(Transpose, MovesEveryElementOfEverySize) {
  for (DType dtype : {DType::kInt8, DType::kBFloat16, DType::kInt32, DType::kFloat64}) {
    const Tensor y =
        run("Transpose", {counting({2, 3, 5}, dtype)}, attributes({{"perm", std::vector<int64_t>{2, 0, 1}}}));
    ASSERT_EQ(y.shape(), (Shape{5, 2, 3}));
    const auto v = values_of(y);
    for (int64_t i = 0; i < 30; ++i)
      EXPECT_EQ(v[static_cast<size_t>(i)], static_cast<double>(i % 6 / 3 * 15 + i % 3 * 5 + i / 6)) << i;
  }
}

TEST(Transpose, ReversesByDefaultAndRefusesOtherThanPermutations) {
  EXPECT_EQ(run("Transpose", {counting({2, 3, 4})}).shape(), (Shape{4, 3, 2}));
  for (const std::vector<int64_t>& perm : {std::vector<int64_t>{0, 0}, {0, 2}, {0}, {-1, 0}})
    EXPECT_THROW(run("Transpose", {counting({2, 3})}, attributes({{"perm", perm}})), Error);
}

TEST(ConcatAndSplit, UndoEachOther) {
  const Tensor x = counting({2, 7, 3});
  const AttributeMap axis = attributes({{"axis", int64_t{-2}}});
  const auto parts = run_all("Split", {x, make_ints({2, 0, 5})}, axis, 3);
  EXPECT_EQ(parts[1].shape(), (Shape{2, 0, 3}));
  EXPECT_TRUE(run("Concat", parts, axis).identical(x));
  EXPECT_THROW(run_all("Split", {x, make_ints({2, 4})}, axis, 2), Error);
  EXPECT_THROW(run_all("Split", {x, make_ints({-1, 8})}, axis, 2), Error);
}

TEST(Split, LeavesTheLastPartSmaller) {
  const auto parts = run_all("Split", {counting({7})}, attributes({{"num_outputs", int64_t{3}}}), 3);
  EXPECT_EQ(parts[0].shape(), Shape{3});
  EXPECT_EQ(parts[2].shape(), Shape{1});
}

TEST(Concat, RefusesOtherShapesAndTypes) {
  const AttributeMap axis = attributes({{"axis", int64_t{0}}});
  EXPECT_THROW(run("Concat", {counting({2, 3}), counting({2, 4})}, axis), Error);
  EXPECT_THROW(run("Concat", {counting({2, 3}), counting({2, 3}, DType::kFloat64)}, axis), Error);
  EXPECT_THROW(run("Concat", {counting({2, 3})}), Error);
}

std::vector<double> sliced(int64_t n, int64_t start, int64_t end, int64_t step) {
  return values_of(
      run("Slice", {counting({n}), make_ints({start}), make_ints({end}), make_ints({0}), make_ints({step})}));
}

TEST(Slice, ClampsAsPythonDoes) {
  EXPECT_EQ(sliced(5, 1, 100, 2), (std::vector<double>{1, 3}));
  EXPECT_EQ(sliced(5, -2, INT64_MAX, 1), (std::vector<double>{3, 4}));
  EXPECT_EQ(sliced(5, -1, INT64_MIN, -1), (std::vector<double>{4, 3, 2, 1, 0}));
  EXPECT_EQ(sliced(5, 3, 0, -2), (std::vector<double>{3, 1}));
  EXPECT_EQ(sliced(5, INT64_MAX, INT64_MIN, INT64_MIN), (std::vector<double>{4}));
  EXPECT_TRUE(sliced(5, 3, 3, 1).empty());
  EXPECT_TRUE(sliced(0, -1, INT64_MIN, -1).empty());
  EXPECT_THROW(sliced(5, 0, 1, 0), Error);
}

SymShape slice_shape(const Dim& size, const Dim& start, const Dim& end, int64_t step = 1) {
  return *infer("Slice",
                {{DType::kFloat32, SymShape{size}}, int_vector(1), int_vector(1), int_vector(1), int_vector(1)},
                {{}, known({start}), known({end}), known({0}), known({step})})
              .type.shape;
}

TEST(Slice, KeepsSymbols) {
  const Dim n = Dim::symbol("n"), m = Dim::symbol("m");
  EXPECT_EQ(slice_shape(n, 0, INT64_MAX), (SymShape{n}));
  EXPECT_EQ(slice_shape(n, 1, INT64_MAX), (SymShape{n - Dim(1)}));
  EXPECT_EQ(slice_shape(n, 0, -1), (SymShape{n - Dim(1)}));
  EXPECT_EQ(slice_shape(512, 0, n), (SymShape{n}));
  EXPECT_EQ(slice_shape(n + m, n, INT64_MAX), (SymShape{m}));
  EXPECT_EQ(slice_shape(n, -1, INT64_MIN, -1), (SymShape{n}));
  EXPECT_EQ(slice_shape(Dim(4) * n, 0, INT64_MAX, 2), (SymShape{Dim(2) * n}));
}

std::vector<double> padded(int64_t n, int64_t begin, int64_t end, const std::string& mode) {
  return values_of(run("Pad", {counting({n}), make_ints({begin, end})}, attributes({{"mode", mode}})));
}

TEST(Pad, KnowsFourModes) {
  EXPECT_EQ(padded(3, 1, 2, "constant"), (std::vector<double>{0, 0, 1, 2, 0, 0}));
  EXPECT_EQ(padded(3, 2, 2, "reflect"), (std::vector<double>{2, 1, 0, 1, 2, 1, 0}));
  EXPECT_EQ(padded(3, 1, 2, "edge"), (std::vector<double>{0, 0, 1, 2, 2, 2}));
  EXPECT_EQ(padded(3, 2, 2, "wrap"), (std::vector<double>{1, 2, 0, 1, 2, 0, 1}));
  EXPECT_EQ(padded(3, -1, 1, "constant"), (std::vector<double>{1, 2, 0}));
  EXPECT_EQ(padded(1, 2, 1, "reflect"), (std::vector<double>{0, 0, 0, 0}));
  EXPECT_THROW(padded(3, -2, -2, "constant"), Error);
  EXPECT_THROW(padded(0, 1, 0, "edge"), Error);
  EXPECT_THROW(padded(3, 1, 1, "nonsense"), Error);
}

TEST(Pad, TakesAxesAndAValue) {
  const Tensor y = run("Pad", {counting({2, 2}), make_ints({1, 0}), make_floats({}, {9}), make_ints({-1})});
  EXPECT_EQ(values_of(y), (std::vector<double>{9, 0, 1, 9, 2, 3}));
}

TEST(ExpandAndTile, RepeatElements) {
  EXPECT_EQ(values_of(run("Expand", {counting({2, 1}), make_ints({2, 1, 2})})),
            (std::vector<double>{0, 0, 1, 1, 0, 0, 1, 1}));
  EXPECT_EQ(values_of(run("Tile", {counting({2, 2}), make_ints({2, 2})})),
            (std::vector<double>{0, 1, 0, 1, 2, 3, 2, 3, 0, 1, 0, 1, 2, 3, 2, 3}));
  EXPECT_EQ(run("Tile", {counting({2, 2}), make_ints({0, 2})}).shape(), (Shape{0, 4}));
  EXPECT_THROW(run("Expand", {counting({2}), make_ints({3})}), Error);
  EXPECT_THROW(run("Tile", {counting({2}), make_ints({-1})}), Error);
  EXPECT_THROW(run("Tile", {counting({2}), make_ints({INT64_MAX})}), Error);
}

TEST(DepthToSpace, IsUndoneBySpaceToDepth) {
  for (const std::string mode : {"DCR", "CRD"}) {
    const AttributeMap attrs = attributes({{"blocksize", int64_t{2}}, {"mode", mode}});
    const Tensor x = counting({2, 12, 3, 5});
    const Tensor y = run("DepthToSpace", {x}, attrs);
    EXPECT_EQ(y.shape(), (Shape{2, 3, 6, 10}));
    EXPECT_TRUE(run("SpaceToDepth", {y}, attrs).identical(x)) << mode;
  }
  const Tensor x = counting({1, 8, 1, 1});
  const auto mode = [&](const std::string& m) {
    return values_of(run("DepthToSpace", {x}, attributes({{"blocksize", int64_t{2}}, {"mode", m}})));
  };
  EXPECT_EQ(mode("DCR"), (std::vector<double>{0, 2, 4, 6, 1, 3, 5, 7}));
  EXPECT_EQ(mode("CRD"), (std::vector<double>{0, 1, 2, 3, 4, 5, 6, 7}));
  EXPECT_THROW(run("DepthToSpace", {x}, attributes({{"blocksize", int64_t{3}}})), Error);
  EXPECT_THROW(run("DepthToSpace", {x}), Error);
}

TEST(ReverseSequence, ReversesTheFirstOnes) {
  const AttributeMap attrs = attributes({{"time_axis", int64_t{1}}, {"batch_axis", int64_t{0}}});
  EXPECT_EQ(values_of(run("ReverseSequence", {counting({2, 3}), make_ints({2, 3})}, attrs)),
            (std::vector<double>{1, 0, 2, 5, 4, 3}));
  EXPECT_THROW(run("ReverseSequence", {counting({2, 3}), make_ints({2, 4})}, attrs), Error);
}

TEST(CenterCropPad, CropsOneAxisAndPadsAnother) {
  EXPECT_EQ(values_of(run("CenterCropPad", {counting({4, 1}), make_ints({2, 4})})),
            (std::vector<double>{0, 1, 0, 0, 0, 2, 0, 0}));
}

TEST(Compress, KeepsWhatTheConditionSays) {
  const Tensor keep = make_tensor(DType::kBool, {2}, {0, 1});
  EXPECT_EQ(values_of(run("Compress", {counting({2, 3}), keep}, attributes({{"axis", int64_t{1}}}))),
            (std::vector<double>{1, 4}));
  EXPECT_EQ(values_of(run("Compress", {counting({2, 3}), keep})), (std::vector<double>{1}));
}

}  // namespace
}  // namespace burnish
