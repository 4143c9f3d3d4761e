#include "builder/samples.h"

#include <filesystem>

#include "base/file.h"
#include "base/npy.h"
#include "builder_case.h"
#include "ir/text.h"
#include "runtime/engine_impl.h"

namespace burnish {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

Graph graph_of(std::string_view text) {
  Graph g = parse_graph(text);
  g.infer();
  return g;
}

Graph one_input() {
  return graph_of(R"(graph "g" {
    input %image: float32[batch,2,3]
    %y = Relu(%image)
    output "y" = %y
  })");
}

Graph two_inputs() {
  return graph_of(R"(graph "g" {
    input %ids: int64[batch,length]
    input %scale: float32[batch,1]
    %f = Cast(%ids) {to="float32"}
    %y = Mul(%f, %scale)
    output "y" = %y
  })");
}

class SamplesTest : public testing::Test {
 protected:
  std::string npy(const std::string& name, const Tensor& t) const {
    write_npy(folder_ / name, t);
    return folder_ / name;
  }
  std::string npz(const std::string& name, const Arrays& arrays) const {
    write_npz(folder_ / name, arrays);
    return folder_ / name;
  }
  std::string failure(const std::vector<std::string>& paths, const Graph& g) const {
    return failure_of([&] { Samples::load(paths, g); });
  }
  TestFolder folder_;
};

void expect_rows(const Tensor& actual, const Tensor& all, const std::vector<int64_t>& rows) {
  const int64_t item = all.num_elements() / all.shape()[0];
  ASSERT_EQ(actual.shape()[0], static_cast<int64_t>(rows.size()));
  for (size_t r = 0; r < rows.size(); ++r) {
    for (int64_t i = 0; i < item; ++i) {
      EXPECT_EQ(actual.as<float>()[static_cast<int64_t>(r) * item + i], all.as<float>()[rows[r] * item + i]);
    }
  }
}

TEST_F(SamplesTest, OneArrayOfAnyNameWillDoForOneInput) {
  const Tensor all = random_floats({5, 2, 3}, 1);
  for (const std::string& path : {npz("a.npz", {{"arr_0", all}}), npy("whatever.npy", all)}) {
    const Samples s = Samples::load({path}, one_input());
    EXPECT_EQ(s.size(), 5);
    EXPECT_EQ(s.item_shape("image"), (Shape{2, 3}));
    expect_rows(s.gather({4, 0, 4}).at("image"), all, {4, 0, 4});
  }
}

TEST_F(SamplesTest, PartsFollowEachOtherInTheOrderOfNames) {
  const Tensor all = random_floats({6, 2, 3}, 2);
  const auto part = [&](int64_t begin, int64_t count) {
    Tensor t(DType::kFloat32, {count, 2, 3});
    std::copy_n(all.as<float>() + begin * 6, count * 6, t.as<float>());
    return t;
  };
  std::filesystem::create_directory(folder_ / "set");
  npy("set/b.npy", part(3, 1));
  npz("set/a.npz", {{"image", part(0, 3)}, {"label", ints(DType::kInt64, {3}, {1, 2, 3})}});
  const Tensor rest = part(4, 2);
  write_file(folder_ / "set/c.raw", std::string(rest.as<char>(), rest.num_bytes()));
  write_file(folder_ / "set/readme.txt", std::string("not a sample"));
  for (const std::string& path : {folder_ / "set", "image=" + (folder_ / "set")}) {
    const Samples s = Samples::load({path}, one_input());
    EXPECT_EQ(s.size(), 6);
    expect_rows(s.gather({5, 3, 0, 2, 4}).at("image"), all, {5, 3, 0, 2, 4});
  }
}

TEST_F(SamplesTest, SeveralInputsComeFromOneArchiveOrFromFilesOfTheirNames) {
  const Tensor ids = ints(DType::kInt64, {3, 2}, {1, 2, 3, 4, 5, 6});
  const Tensor scale = random_floats({3, 1}, 3);
  const std::vector<std::vector<std::string>> ways = {
      {npz("both.npz", {{"ids", ids}, {"scale", scale}})},
      {npy("ids.npy", ids), npy("scale.npy", scale)},
      {"scale=" + npy("x.npy", scale), "ids=" + npz("y.npz", {{"tokens", ids}})}};
  for (const auto& paths : ways) {
    const auto batch = Samples::load(paths, two_inputs()).gather({2, 1});
    EXPECT_TRUE(batch.at("ids").identical(ints(DType::kInt64, {2, 2}, {5, 6, 3, 4})));
    expect_rows(batch.at("scale"), scale, {2, 1});
  }
}

TEST_F(SamplesTest, WhatNumPyMakesByDefaultIsConverted) {
  Tensor doubles(DType::kFloat64, {2, 1});
  doubles.as<double>()[0] = 0.5;
  doubles.as<double>()[1] = -2;
  const auto batch =
      samples_of(two_inputs(), {{"ids", ints(DType::kInt32, {2, 1}, {7, -8})}, {"scale", doubles}}).gather({0, 1});
  EXPECT_TRUE(batch.at("ids").identical(ints(DType::kInt64, {2, 1}, {7, -8})));
  EXPECT_EQ(batch.at("scale").as<float>()[1], -2.0F);
}

SampleArray array_of(const std::string& input, const Tensor& t) {
  return {input, public_type_of(t.dtype()), {t.shape().begin(), t.shape().end()}, t.data()};
}

TEST_F(SamplesTest, BatchesFromMemoryAreCopied) {
  Tensor scale = random_floats({2, 1}, 3);
  Tensor ids = ints(DType::kInt32, {2, 1}, {1, 2});
  int64_t rounds = 0;
  const Samples s = Samples::collect(
      [&](SampleBatch& batch) {
        ids.as<int32_t>()[0] += 10;  // the same memory again
        batch = {array_of("scale", scale), array_of("ids", ids)};
        return ++rounds <= 2;
      },
      two_inputs());
  EXPECT_EQ(s.size(), 4);
  EXPECT_TRUE(s.gather({0, 1, 2, 3}).at("ids").identical(ints(DType::kInt64, {4, 1}, {11, 2, 21, 2})));
  expect_rows(s.gather({3, 0}).at("scale"), scale, {1, 0});
}

TEST_F(SamplesTest, BatchesFromMemoryThatDoNotFitAreNamed) {
  const Tensor scale = random_floats({2, 1}, 3);
  const Tensor wide = random_floats({2, 2}, 3);
  const auto failure_with = [&](const SampleBatch& all) {
    bool more = true;
    return failure_of([&] {
      Samples::collect(
          [&](SampleBatch& batch) {
            batch = all;
            return std::exchange(more, false);
          },
          two_inputs());
    });
  };
  EXPECT_THAT(failure_with({array_of("scale", wide)}),
              HasSubstr("array 'scale' of sample batch 0 has the shape [2,2]"));
  EXPECT_THAT(failure_with({array_of("scale", scale)}), HasSubstr("nothing for the input 'ids'"));
  EXPECT_THAT(failure_with({array_of("mask", scale)}), HasSubstr("no such input; it has ids, scale"));
  EXPECT_THAT(failure_of([&] { Samples::collect([](SampleBatch&) { return false; }, two_inputs()); }),
              HasSubstr("calibration was given nothing"));
}

TEST_F(SamplesTest, VaryingIsTold) {
  const Samples s = samples_of(
      two_inputs(), {{"ids", ints(DType::kInt64, {3, 2}, {1, 1, 1, 1, 1, 1})}, {"scale", random_floats({3, 1}, 3)}});
  EXPECT_FALSE(s.varies("ids"));
  EXPECT_TRUE(s.varies("scale"));
}

TEST_F(SamplesTest, ErrorsNameFileArrayAndWhatDoesNotFit) {
  const Graph one = one_input();
  EXPECT_THAT(failure({npz("u8.npz", {{"image", ints(DType::kUInt8, {1, 2, 3}, {1, 2, 3, 4, 5, 6})}})}, one),
              AllOf(StartsWith("invalid_argument: array 'image' of"), HasSubstr("u8.npz"), HasSubstr("is uint8"),
                    HasSubstr("float32"), HasSubstr("astype")));
  EXPECT_THAT(failure({npy("shape.npy", random_floats({5, 2, 4}, 1))}, one),
              AllOf(HasSubstr("shape.npy"), HasSubstr("[5,2,4]"), HasSubstr("counts samples")));
  EXPECT_THAT(failure({npy("rank.npy", random_floats({5, 6}, 1))}, one),
              AllOf(HasSubstr("rank.npy"), HasSubstr("[5,6]")));
  EXPECT_THAT(
      failure({npz("name.npz", {{"picture", random_floats({5, 2, 3}, 1)}, {"label", random_floats({5}, 1)}})}, one),
      AllOf(HasSubstr("name.npz"), HasSubstr("no array 'image'"), HasSubstr("label, picture")));
  EXPECT_THAT(failure({npy("none.npy", random_floats({0, 2, 3}, 1))}, one), HasSubstr("no samples in"));
  EXPECT_THAT(failure({folder_ / "missing"}, one), AllOf(StartsWith("io:"), HasSubstr("missing")));
  EXPECT_THAT(failure({"image=" + (folder_ / "missing.npy")}, one), AllOf(StartsWith("io:"), HasSubstr("missing.npy")));
  write_file(folder_ / "pictures.png", std::string("png"));
  EXPECT_THAT(failure({folder_ / "pictures.png"}, one), AllOf(HasSubstr("pictures.png"), HasSubstr(".npz, .npy")));
  std::filesystem::create_directory(folder_ / "empty");
  EXPECT_THAT(failure({folder_ / "empty"}, one), AllOf(HasSubstr("empty"), HasSubstr("holds no")));
  write_file(folder_ / "short.bin", std::string(25, 'x'));
  EXPECT_THAT(failure({folder_ / "short.bin"}, one), AllOf(HasSubstr("25 bytes"), HasSubstr("24 bytes")));
}

TEST_F(SamplesTest, ErrorsOfSeveralInputs) {
  const Graph two = two_inputs();
  const Tensor ids = ints(DType::kInt64, {3, 2}, {1, 2, 3, 4, 5, 6});
  EXPECT_THAT(failure({npy("ids.npy", ids)}, two), HasSubstr("nothing for the input 'scale'"));
  EXPECT_THAT(failure({npy("which.npy", ids)}, two), AllOf(HasSubstr("which of the inputs"), HasSubstr("ids, scale")));
  EXPECT_THAT(failure({npz("n.npz", {{"ids", ids}, {"scale", random_floats({4, 1}, 1)}})}, two),
              AllOf(HasSubstr("4 samples of 'scale'"), HasSubstr("3 of")));
  EXPECT_THAT(failure({npy("ids.npy", ids), "ids=" + npy("more.npy", ints(DType::kInt64, {1, 3}, {1, 2, 3}))}, two),
              AllOf(HasSubstr("more.npy"), HasSubstr("samples of shape [3]"), HasSubstr("before it [2]")));
  write_file(folder_ / "ids.raw", std::string(16, '\0'));
  EXPECT_THAT(failure({folder_ / "ids.raw"}, two), AllOf(HasSubstr("ids.raw"), HasSubstr("fixed shape")));
}

}  // namespace
}  // namespace burnish
