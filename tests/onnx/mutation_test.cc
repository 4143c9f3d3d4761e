// No damage to a model may end in anything but a graph or an Error.
#include <gtest/gtest.h>

#include <random>

#include "base/error.h"
#include "onnx/model_builder.h"

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

TEST(Mutation, TenThousandDamagedModels) {
  const auto original = rich_model().bytes();
  ASSERT_NO_THROW(import_model(original, ""));
  std::mt19937 random(20240607);
  int num_refused = 0;
  for (int i = 0; i < 10'000; ++i) {
    auto bytes = original;
    if (i % 5 == 0) bytes.resize(random() % bytes.size());
    if (i % 5 != 0 || (i % 10 == 0 && !bytes.empty())) flip_bits(bytes, random);
    try {
      import_model(bytes, "").verify();
    } catch (const Error& error) {
      ++num_refused;
      ASSERT_NE(error.code(), ErrorCode::kInternal) << i << ": " << error.what();
    }
  }
  EXPECT_GT(num_refused, 2'000);
  EXPECT_LT(num_refused, 10'000);
}

}  // namespace
}  // namespace burnish
