#include "builder/sample_runner.h"

#include "builder_case.h"

namespace burnish {
namespace {

constexpr std::string_view kModel = R"(graph "g" {
    input %x: float32[n,3]
    const %two: float32[1] = {2}
    const %fixed: float32[2,2] = {1, 2, 3, 4}
    %y = Mul(%x, %two)
    %z = ReduceSum(%x) {keepdims=0}
    %r = Relu(%fixed)
    %rx = Add(%r, %z)
    output "doubled" = %y
    output "whole" = %rx
  })";

struct Visit {
  std::vector<int64_t> indices;
  std::map<std::string, std::vector<int64_t>> shapes;
  std::vector<float> doubled;
};

std::vector<Visit> run(std::string_view profile, const Tensor& x, const std::vector<int64_t>& indices) {
  TestCompiler compiler(kModel, profile);
  const Samples samples = samples_of(compiler.model(), {{"x", x}});
  SampleRunner runner(compiler.engine(compiler.optimised()), detect_cpu(2));
  std::vector<Visit> visits;
  runner.run(samples, indices, [&](const SampleRunner::Batch& batch) {
    Visit v{{batch.indices.begin(), batch.indices.end()}, {}, {}};
    for (const auto& [name, view] : batch.outputs) {
      EXPECT_EQ(view.dtype, DType::kFloat32);
      v.shapes[name] = {view.shape.begin(), view.shape.end()};
    }
    const TensorView& doubled = batch.outputs.at("doubled");
    v.doubled.assign(doubled.as<float>(), doubled.as<float>() + doubled.num_elements());
    visits.push_back(v);
  });
  return visits;
}

void expect_doubled(const Visit& v, const Tensor& x) {
  ASSERT_EQ(v.doubled.size(), v.indices.size() * 3);
  for (size_t i = 0; i < v.doubled.size(); ++i) {
    EXPECT_EQ(v.doubled[i], 2 * x.as<float>()[v.indices[i / 3] * 3 + static_cast<int64_t>(i % 3)]);
  }
}

TEST(SampleRunner, RunsInBatchesOfTheOptShapeAndThenTheRest) {
  const Tensor x = random_floats({11, 3}, 1);
  const auto visits = run("x=1x3:4x3:8x3", x, {10, 1, 2, 3, 4, 5, 6, 7, 0});
  ASSERT_EQ(visits.size(), 3U);
  EXPECT_EQ(visits[0].indices, (std::vector<int64_t>{10, 1, 2, 3}));
  EXPECT_EQ(visits[2].indices, (std::vector<int64_t>{0}));
  EXPECT_EQ(visits[2].shapes.at("doubled"), (std::vector<int64_t>{1, 3}));
  for (const Visit& v : visits) expect_doubled(v, x);
}

TEST(SampleRunner, ASmallerRestThanTheProfileKnowsIsFilledUpAndCut) {
  const Tensor x = random_floats({7, 3}, 2);
  const auto visits = run("x=4x3", x, {0, 1, 2, 3, 6});
  ASSERT_EQ(visits.size(), 2U);
  EXPECT_EQ(visits[1].indices, (std::vector<int64_t>{6}));
  EXPECT_EQ(visits[1].shapes.at("doubled"), (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(visits[1].shapes.at("whole"), (std::vector<int64_t>{2, 2}));
  for (const Visit& v : visits) expect_doubled(v, x);
  const auto few = run("x=4x3", x, {5});
  ASSERT_EQ(few.size(), 1U);
  expect_doubled(few[0], x);
}

}  // namespace
}  // namespace burnish
