#include <numeric>

#include "ops/op_tester.h"

namespace burnish {
namespace {

using Attributes = std::vector<std::pair<std::string, Attribute>>;

std::vector<int64_t> ints(std::vector<int64_t> v) {
  return v;
}

Tensor row(const std::vector<double>& values) {
  return make_floats({1, 1, static_cast<int64_t>(values.size())}, values);
}

TEST(MaxPool, CountsOnlyWindowsThatStartInside) {
  const Tensor x = row({1, 5, 2, 4, 3});
  const Attributes geometry{{"kernel_shape", ints({2})}, {"strides", ints({2})}};
  EXPECT_EQ(values_of(run("MaxPool", {x}, attributes(geometry))), (std::vector<double>{5, 4}));
  Attributes ceil = geometry;
  ceil.push_back({"ceil_mode", int64_t{1}});
  EXPECT_EQ(values_of(run("MaxPool", {x}, attributes(ceil))), (std::vector<double>{5, 4, 3}));
  // A window that would start in the trailing pad does not count.
  ceil.push_back({"pads", ints({0, 1})});
  EXPECT_EQ(values_of(run("MaxPool", {x}, attributes(ceil))), (std::vector<double>{5, 4, 3}));
}

TEST(MaxPool, IgnoresPadsAndGivesIndices) {
  const Tensor x = make_floats({1, 2, 2, 2}, {-4, -3, -2, -1, 8, 7, 6, 5});
  const AttributeMap attrs = attributes({{"kernel_shape", ints({2, 2})}, {"pads", ints({1, 1, 0, 0})}});
  const auto out = run_all("MaxPool", {x}, attrs, 2);
  EXPECT_EQ(values_of(out[0]), (std::vector<double>{-4, -3, -2, -1, 8, 8, 8, 8}));
  EXPECT_EQ(values_of(out[1]), (std::vector<double>{0, 1, 2, 3, 4, 4, 4, 4}));
  AttributeMap columns = attrs;
  columns.set("storage_order", int64_t{1});
  EXPECT_EQ(values_of(run_all("MaxPool", {x}, columns, 2)[1]), (std::vector<double>{0, 2, 1, 3, 4, 4, 4, 4}));
}

TEST(MaxPool, KeepsBytes) {
  const Tensor x = make_tensor(DType::kInt8, {1, 1, 3}, {-128, -5, 127});
  EXPECT_EQ(values_of(run("MaxPool", {x}, attributes({{"kernel_shape", ints({2})}}))), (std::vector<double>{-5, 127}));
}

TEST(AveragePool, CountsPadsWhenAsked) {
  const Tensor x = row({2, 4, 6});
  const Attributes geometry{{"kernel_shape", ints({3})}, {"pads", ints({1, 1})}};
  EXPECT_EQ(values_of(run("AveragePool", {x}, attributes(geometry))), (std::vector<double>{3, 4, 5}));
  Attributes all = geometry;
  all.push_back({"count_include_pad", int64_t{1}});
  EXPECT_THAT(values_of(run("AveragePool", {x}, attributes(all))), near(1e-6, {2, 4, 10.0 / 3}));
}

TEST(AveragePool, TakesDilationsAndAutoPad) {
  const Tensor x = row({1, 2, 3, 4});
  EXPECT_EQ(values_of(run("AveragePool", {x}, attributes({{"kernel_shape", ints({2})}, {"dilations", ints({2})}}))),
            (std::vector<double>{2, 3}));
  EXPECT_EQ(values_of(run("AveragePool", {x},
                          attributes({{"kernel_shape", ints({2})}, {"auto_pad", std::string("SAME_LOWER")}}))),
            (std::vector<double>{1, 1.5, 2.5, 3.5}));
}

TEST(LpPool, IsANorm) {
  const Tensor x = row({3, -4, 0});
  const auto norm = [&](int64_t p) {
    return values_of(run("LpPool", {x}, attributes({{"kernel_shape", ints({2})}, {"p", p}})));
  };
  EXPECT_THAT(norm(2), near(1e-6, {5, 4}));
  EXPECT_THAT(norm(1), near(1e-6, {7, 4}));
  EXPECT_THAT(norm(3), near(1e-6, {std::cbrt(91.0), 4}));
}

/// Both layouts of the same pooling agree.
TEST(Pooling, TakesChannelsLast) {
  const Tensor x = random_floats({2, 3, 5, 7}, 1);
  const auto nhwc = [](const Tensor& t) { return run("Transpose", {t}, attributes({{"perm", ints({0, 2, 3, 1})}})); };
  for (const char* op : {"MaxPool", "AveragePool", "LpPool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"}) {
    AttributeMap attrs;
    if (std::string_view(op).substr(0, 6) != "Global")
      attrs = attributes({{"kernel_shape", ints({3, 2})}, {"strides", ints({2, 1})}, {"pads", ints({1, 0, 1, 1})}});
    const Tensor expected = nhwc(run(op, {x}, attrs));
    attrs.set("layout", std::string("NHWC"));
    const Tensor y = run(op, {nhwc(x)}, attrs);
    EXPECT_EQ(y.shape(), expected.shape()) << op;
    EXPECT_THAT(values_of(y), near(1e-6, values_of(expected))) << op;
  }
}

TEST(Pooling, InfersSymbols) {
  const Dim h = Dim::symbol("h");
  const auto pooled = [&](int64_t ceil_mode) {
    return *infer("MaxPool", {{DType::kFloat32, SymShape{1, 8, h, 8}}}, {},
                  attributes({{"kernel_shape", ints({2, 2})}, {"strides", ints({2, 2})}, {"ceil_mode", ceil_mode}}))
                .type.shape;
  };
  EXPECT_EQ(pooled(0), (SymShape{1, 8, floor_div(h, Dim(2)), 4}));
  EXPECT_EQ(pooled(1), (SymShape{1, 8, ceil_div(h, Dim(2)), 4}));
}

TEST(Pooling, RefusesWhatDoesNotFit) {
  const Tensor x = random_floats({1, 1, 3}, 1);
  for (const Attributes& a : std::vector<Attributes>{{},
                                                     {{"kernel_shape", ints({0})}},
                                                     {{"kernel_shape", ints({2, 2})}},
                                                     {{"kernel_shape", ints({5})}},
                                                     {{"kernel_shape", ints({2})}, {"strides", ints({0})}},
                                                     {{"kernel_shape", ints({2})}, {"pads", ints({0, -1})}},
                                                     {{"kernel_shape", ints({2})}, {"layout", std::string("CHWN")}}})
    EXPECT_THROW(run("MaxPool", {x}, attributes(a)), Error) << to_string(attributes(a));
}

TEST(MaxUnpool, PutsValuesBack) {
  const Tensor x = row({5, 4}), at = make_tensor(DType::kInt64, {1, 1, 2}, {1, 3});
  const AttributeMap attrs = attributes({{"kernel_shape", ints({2})}, {"strides", ints({2})}});
  EXPECT_EQ(values_of(run("MaxUnpool", {x, at}, attrs)), (std::vector<double>{0, 5, 0, 4}));
  EXPECT_EQ(values_of(run("MaxUnpool", {x, at, make_ints({1, 1, 5})}, attrs)), (std::vector<double>{0, 5, 0, 4, 0}));
  EXPECT_THROW(run("MaxUnpool", {x, make_tensor(DType::kInt64, {1, 1, 2}, {1, 4})}, attrs), Error);
  EXPECT_THROW(run("MaxUnpool", {x, at, make_ints({1, 1, 3})}, attrs), Error);
}

TEST(RoiAlign, AveragesAConstantToItself) {
  Tensor x = make_floats({1, 1, 4, 4}, std::vector<double>(16, 2.5));
  const Tensor rois = make_floats({2, 4}, {0, 0, 3, 3, 1, 1, 1.5, 1.5}), images = make_ints({0, 0});
  const AttributeMap attrs = attributes({{"output_height", int64_t{2}}, {"output_width", int64_t{3}}});
  EXPECT_THAT(values_of(run("RoiAlign", {x, rois, images}, attrs)), near(1e-6, std::vector<double>(12, 2.5)));
  EXPECT_THROW(run("RoiAlign", {x, rois, make_ints({0, 1})}, attrs), Error);
}

TEST(MaxRoiPool, TakesTheLargestOfEachBin) {
  std::vector<double> values(16);
  std::iota(values.begin(), values.end(), 0.0);
  const Tensor x = make_floats({1, 1, 4, 4}, values), rois = make_floats({1, 5}, {0, 0, 0, 3, 3});
  const AttributeMap attrs = attributes({{"pooled_shape", ints({2, 2})}});
  EXPECT_EQ(values_of(run("MaxRoiPool", {x, rois}, attrs)), (std::vector<double>{5, 7, 13, 15}));
  EXPECT_THROW(run("MaxRoiPool", {x, make_floats({1, 5}, {-1, 0, 0, 3, 3})}, attrs), Error);
}

}  // namespace
}  // namespace burnish
