#include "ops/op_tester.h"

namespace burnish {
namespace {

const Tensor kData = make_floats({2, 3}, {1, 2, 3, 4, 5, 6});
Tensor indices(const Shape& shape, const std::vector<double>& values) {
  return make_tensor(DType::kInt64, shape, values);
}
AttributeMap axis(int64_t a) {
  return attributes({{"axis", a}});
}

TEST(Gather, TakesNegativeIndicesAndAnyShape) {
  EXPECT_EQ(values_of(run("Gather", {kData, indices({}, {-1})}, axis(1))), (std::vector<double>{3, 6}));
  const Tensor y = run("Gather", {kData, make_tensor(DType::kInt32, {1, 2}, {1, 0})}, axis(0));
  EXPECT_EQ(y.shape(), (Shape{1, 2, 3}));
  EXPECT_EQ(values_of(y), (std::vector<double>{4, 5, 6, 1, 2, 3}));
}

TEST(GatherElements, PicksAlongTheAxis) {
  EXPECT_EQ(values_of(run("GatherElements", {kData, indices({2, 2}, {2, -3, 0, 1})}, axis(1))),
            (std::vector<double>{3, 1, 4, 5}));
}

TEST(GatherNd, TakesPrefixesAndBatches) {
  EXPECT_EQ(values_of(run("GatherND", {kData, indices({2, 2}, {0, 1, -1, -1})})), (std::vector<double>{2, 6}));
  EXPECT_EQ(values_of(run("GatherND", {kData, indices({1, 1}, {1})})), (std::vector<double>{4, 5, 6}));
  EXPECT_EQ(values_of(run("GatherND", {kData, indices({2, 1}, {2, 0})}, attributes({{"batch_dims", int64_t{1}}}))),
            (std::vector<double>{3, 4}));
}

TEST(ScatterElements, ReducesRepeatedIndices) {
  const auto scattered = [](const char* reduction) {
    return values_of(run("ScatterElements", {kData, indices({1, 2}, {0, 0}), make_floats({1, 2}, {10, -2})},
                         attributes({{"axis", int64_t{1}}, {"reduction", std::string(reduction)}})));
  };
  EXPECT_EQ(scattered("add"), (std::vector<double>{9, 2, 3, 4, 5, 6}));
  EXPECT_EQ(scattered("mul"), (std::vector<double>{-20, 2, 3, 4, 5, 6}));
  EXPECT_EQ(scattered("max"), (std::vector<double>{10, 2, 3, 4, 5, 6}));
  EXPECT_EQ(scattered("min"), (std::vector<double>{-2, 2, 3, 4, 5, 6}));
  EXPECT_EQ(scattered("none"), (std::vector<double>{-2, 2, 3, 4, 5, 6}));
  EXPECT_THROW(scattered("mean"), Error);
}

TEST(ScatterNd, WritesSlabs) {
  EXPECT_EQ(values_of(run("ScatterND", {kData, indices({1, 1}, {-1}), make_floats({1, 3}, {7, 8, 9})})),
            (std::vector<double>{1, 2, 3, 7, 8, 9}));
  EXPECT_THROW(run("ScatterND", {kData, indices({1, 1}, {0}), make_floats({1, 2}, {7, 8})}), Error);
}

TEST(TensorScatter, WritesIntoARing) {
  const Tensor cache = make_floats({2, 3, 1}, {1, 2, 3, 4, 5, 6}), update = make_floats({2, 2, 1}, {7, 8, 9, 10});
  EXPECT_EQ(values_of(run("TensorScatter", {cache, update, make_ints({2, 0})},
                          attributes({{"mode", std::string("circular")}}))),
            (std::vector<double>{8, 2, 7, 9, 10, 6}));
  EXPECT_THROW(run("TensorScatter", {cache, update, make_ints({2, 0})}), Error);
  EXPECT_THROW(run("TensorScatter", {cache, update, make_ints({-1, 0})}), Error);
}

TEST(Indexing, RefusesIndicesOutside) {
  for (double i : {3.0, -4.0, 9e18, -9e18}) {
    EXPECT_THROW(run("Gather", {kData, indices({1}, {i})}, axis(1)), Error) << i;
    EXPECT_THROW(run("GatherElements", {kData, indices({1, 1}, {i})}, axis(1)), Error) << i;
    EXPECT_THROW(run("GatherND", {kData, indices({1, 2}, {0, i})}), Error) << i;
    EXPECT_THROW(run("ScatterElements", {kData, indices({1, 1}, {i}), make_floats({1, 1}, {0})}, axis(1)), Error) << i;
    EXPECT_THROW(run("ScatterND", {kData, indices({1, 2}, {0, i}), make_floats({1}, {0})}), Error) << i;
  }
  EXPECT_THROW(run("GatherElements", {kData, indices({3, 1}, {0, 0, 0})}, axis(1)), Error);
  EXPECT_THROW(run("GatherND", {kData, indices({1, 3}, {0, 0, 0})}), Error);
  EXPECT_THROW(run("GatherND", {kData, indices({1, 1}, {0})}, attributes({{"batch_dims", int64_t{2}}})), Error);
  EXPECT_THROW(run("Gather", {kData, make_floats({1}, {0})}), Error);
}

TEST(NonZero, ListsPositionsByAxis) {
  const Tensor y = run("NonZero", {make_tensor(DType::kBool, {2, 2}, {1, 0, 1, 1})});
  EXPECT_EQ(y.shape(), (Shape{2, 3}));
  EXPECT_EQ(values_of(y), (std::vector<double>{0, 1, 1, 0, 0, 1}));
  const auto inferred = infer("NonZero", {{DType::kFloat32, SymShape{Dim::symbol("n"), 4}}});
  EXPECT_EQ(inferred.type.shape->front(), Dim(2));
  EXPECT_FALSE(inferred.type.shape->back().is_constant());
}

TEST(Unique, SortsOrKeepsTheOrder) {
  const Tensor x = make_ints({3, INT64_MAX, 3, INT64_MAX - 1});
  const auto sorted = run_all("Unique", {x}, {}, 4);
  // Large integers must not meet as doubles.
  ASSERT_EQ(sorted[0].shape(), Shape{3});
  EXPECT_EQ(sorted[0].as<int64_t>()[1], INT64_MAX - 1);
  EXPECT_EQ(values_of(sorted[1]), (std::vector<double>{0, 3, 1}));
  EXPECT_EQ(values_of(sorted[2]), (std::vector<double>{0, 2, 0, 1}));
  EXPECT_EQ(values_of(sorted[3]), (std::vector<double>{2, 1, 1}));
  const auto kept = run_all("Unique", {x}, attributes({{"sorted", int64_t{0}}}), 3);
  EXPECT_EQ(values_of(kept[1]), (std::vector<double>{0, 1, 3}));
  EXPECT_EQ(values_of(kept[2]), (std::vector<double>{0, 1, 0, 2}));
}

TEST(Unique, ComparesSubtensors) {
  const Tensor x = make_floats({3, 2}, {2, 1, 1, 5, 2, 1});
  const auto out = run_all("Unique", {x}, axis(0), 4);
  EXPECT_EQ(values_of(out[0]), (std::vector<double>{1, 5, 2, 1}));
  EXPECT_EQ(values_of(out[3]), (std::vector<double>{1, 2}));
}

TEST(TfIdfVectorizer, CountsBigramsWithSkips) {
  AttributeMap attrs = attributes({{"mode", std::string("TF")},
                                   {"min_gram_length", int64_t{2}},
                                   {"max_gram_length", int64_t{2}},
                                   {"max_skip_count", int64_t{0}},
                                   {"ngram_counts", std::vector<int64_t>{0, 2}},
                                   {"ngram_indexes", std::vector<int64_t>{0, 1, 2, 3}},
                                   {"pool_int64s", std::vector<int64_t>{5, 6, 5, 6, 6, 5}}});
  const Tensor x = make_ints({5, 6, 7, 5});
  EXPECT_EQ(values_of(run("TfIdfVectorizer", {x}, attrs)), (std::vector<double>{0, 0, 1, 0}));
  attrs.set("max_skip_count", int64_t{1});
  EXPECT_EQ(values_of(run("TfIdfVectorizer", {x}, attrs)), (std::vector<double>{0, 0, 1, 1}));
  attrs.set("ngram_indexes", std::vector<int64_t>{0, -1, 2, 3});
  EXPECT_THROW(run("TfIdfVectorizer", {x}, attrs), Error);
}

}  // namespace
}  // namespace burnish
