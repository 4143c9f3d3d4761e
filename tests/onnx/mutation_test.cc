// No damage to a model may end in anything but a graph or an Error.
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "onnx/model_builder.h"
#include "onnx/model_mutator.h"

namespace burnish {
namespace {

using onnx_test::add_node;
using onnx_test::ModelBuilder;
using onnx_test::set;
using onnx_test::subgraph;

/// A little of everything that the importer looks at.
ModelBuilder rich_model() {
  ModelBuilder model(17);
  model.input("x", {"batch", 4}).output("y").output("parts");
  model.initializer(onnx_test::floats("w", {4, 2}, {1, 2, 3, 4, 5, 6, 7, 8}));
  model.initializer(onnx_test::bools("c", {}, {1})).initializer(onnx_test::ints("shape", {2}, {-1, 2}));
  model.node("MatMul", {"x", "w"}, {"m"});
  set(model.node("Softmax", {"m"}, {"s"}), "axis", int64_t{1});
  set(model.node("ReduceMean", {"s"}, {"r"}), "axes", std::vector<int64_t>{1});
  auto& branch = model.node("If", {"c"}, {"b"});
  for (const char* name : {"then_branch", "else_branch"}) {
    auto& graph = subgraph(branch, name);
    add_node(*graph.mutable_node(), "Neg", {"r"}, {"t"});
    graph.add_output()->set_name("t");
  }
  model.node("Local", {"b"}, {"y"}).set_domain("local");
  add_node(*model.function("Local", {"in"}, {"out"}).mutable_node(), "LeakyRelu", {"in"}, {"out"});
  model.node("Reshape", {"m", "shape"}, {"parts"});
  return model;
}

void flip_bits(std::vector<std::byte>& bytes, std::mt19937& random) {
  const auto num_flips = 1 + random() % 4;
  for (unsigned i = 0; i < num_flips; ++i) bytes[random() % bytes.size()] ^= std::byte{1} << (random() % 8);
}

/// Imports and folds what can be folded; false when the model is refused. A broken invariant of ours throws.
bool survives(std::span<const std::byte> bytes) {
  try {
    const Graph graph = import_model(bytes, "");
    graph.verify();
    for (const auto& output : graph.outputs()) try_evaluate(graph, output.value);
    return true;
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal) throw;
    return false;
  }
}

/// The same model with its input as a constant, so that folding reaches everything.
ModelBuilder constant_model() {
  ModelBuilder model = rich_model();
  model.initializer(onnx_test::floats("x", {2, 4}, {1, 2, 3, 4, 5, 6, 7, 8}));
  return model;
}

TEST(Mutation, TenThousandDamagedModels) {
  const auto original = rich_model().bytes();
  ASSERT_NO_THROW(import_model(original, ""));
  std::mt19937 random(20240607);
  int num_refused = 0;
  for (int i = 0; i < 10'000; ++i) {
    auto bytes = original;
    if (i % 5 == 0) bytes.resize(random() % bytes.size());
    if (i % 5 != 0 || (i % 10 == 0 && !bytes.empty())) flip_bits(bytes, random);
    ASSERT_NO_THROW(num_refused += survives(bytes) ? 0 : 1) << i;
  }
  EXPECT_GT(num_refused, 2'000);
  EXPECT_LT(num_refused, 10'000);
}

TEST(Mutation, TenThousandModelsWithOtherFields) {
  const auto original = constant_model().model();
  std::mt19937 random(7);
  int num_refused = 0;
  for (int i = 0; i < 10'000; ++i) {
    ModelBuilder model;
    model.model() = original;
    for (unsigned n = 1 + random() % 3; n > 0; --n) onnx_test::mutate_model(model.model(), random);
    const auto bytes = model.bytes();
    ASSERT_NO_THROW(num_refused += survives(bytes) ? 0 : 1) << i;
  }
  EXPECT_GT(num_refused, 2'000);
  EXPECT_LT(num_refused, 10'000);
}

}  // namespace
}  // namespace burnish
