// Operators of old opsets give what they gave then.
#include "onnx/upgrade.h"

#include <gmock/gmock.h>

#include <cmath>

#include "onnx/model_builder.h"

namespace burnish {
namespace {

using onnx_test::float_tensor;
using onnx_test::ModelBuilder;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::FloatNear;
using ::testing::HasSubstr;
using ::testing::Pointwise;

/// One node of an old opset from x to y, run on the values.
class Old {
 public:
  Old(int64_t opset, const std::string& op, const Shape& shape) : model_(opset), shape_(shape) {
    std::vector<onnx_test::ModelDim> dims(shape.begin(), shape.end());
    model_.input("x", dims).output("y");
    node_ = &model_.node(op, {"x"}, {"y"});
  }
  template <typename T>
  Old& attribute(const std::string& name, const T& value) {
    onnx_test::set(*node_, name, value);
    return *this;
  }
  Old& constant(const onnx::TensorProto& tensor) {
    model_.initializer(tensor);
    node_->add_input(tensor.name());
    return *this;
  }
  std::vector<float> run(const std::vector<float>& values) {
    return run_floats(model_, {{"x", float_tensor(shape_, values)}});
  }
  std::string error() const { return model_.import_error(); }
  SymShape output_shape() const {
    const Graph graph = model_.import();
    return *graph.value(graph.outputs()[0].value).type.shape;
  }

 private:
  ModelBuilder model_;
  onnx::NodeProto* node_;
  Shape shape_;
};

using Ints = std::vector<int64_t>;

TEST(Upgrade, AxesOfSqueezeUnsqueezeAndReductions) {
  EXPECT_EQ(to_string(Old(11, "Squeeze", {1, 3, 1}).attribute("axes", Ints{2}).output_shape()), "[1,3]");
  EXPECT_EQ(to_string(Old(11, "Unsqueeze", {3}).attribute("axes", Ints{0, 2}).output_shape()), "[1,3,1]");
  EXPECT_THAT(Old(11, "ReduceSum", {2, 2}).attribute("axes", Ints{1}).run({1, 2, 3, 4}), ElementsAre(3, 7));
  EXPECT_THAT(Old(13, "ReduceMax", {2, 2}).attribute("axes", Ints{0}).run({1, 2, 3, 4}), ElementsAre(3, 4));
}

TEST(Upgrade, ClipBounds) {
  EXPECT_THAT(Old(10, "Clip", {3}).attribute("min", 0.0F).attribute("max", 2.0F).run({-1, 1, 3}), ElementsAre(0, 1, 2));
  EXPECT_THAT(Old(10, "Clip", {3}).attribute("max", 2.0F).run({-1, 1, 3}), ElementsAre(-1, 1, 2));
}

TEST(Upgrade, PadSliceSplitTopK) {
  EXPECT_THAT(Old(10, "Pad", {2}).attribute("pads", Ints{1, 2}).attribute("value", 9.0F).run({1, 2}),
              ElementsAre(9, 1, 2, 9, 9));
  EXPECT_THAT(Old(9, "Slice", {4}).attribute("starts", Ints{1}).attribute("ends", Ints{-1}).run({1, 2, 3, 4}),
              ElementsAre(2, 3));
  EXPECT_THAT(Old(11, "Split", {3}).attribute("split", Ints{3}).run({1, 2, 3}), ElementsAre(1, 2, 3));
  EXPECT_THAT(Old(13, "Split", {3}).run({1, 2, 3}), ElementsAre(1, 2, 3));
  EXPECT_THAT(Old(9, "TopK", {4}).attribute("k", int64_t{2}).run({1, 4, 3, 2}), ElementsAre(4, 3));
}

TEST(Upgrade, DropoutDoesNothing) {
  EXPECT_THAT(Old(10, "Dropout", {2}).attribute("ratio", 0.9F).run({1, 2}), ElementsAre(1, 2));
}

TEST(Upgrade, SoftmaxFlattens) {
  const std::vector<float> equal(12, 1.0F);
  EXPECT_THAT(Old(11, "Softmax", {2, 2, 3}).run(equal), ElementsAreArray(std::vector<float>(12, 1.0F / 6)));
  EXPECT_THAT(Old(11, "Softmax", {2, 2, 3}).attribute("axis", int64_t{0}).run(equal),
              Pointwise(FloatNear(1e-6F), std::vector<float>(12, 1.0F / 12)));
  EXPECT_THAT(Old(11, "LogSoftmax", {4, 3}).run(equal),
              Pointwise(FloatNear(1e-6F), std::vector<float>(12, -std::log(3.0F))));
}

TEST(Upgrade, UpsampleAndResize) {
  const auto scales = onnx_test::floats("scales", {4}, {1, 1, 1, 2});
  const auto shrink = onnx_test::floats("scales", {4}, {1, 1, 1, 0.6F});
  EXPECT_THAT(Old(9, "Upsample", {1, 1, 1, 2}).constant(scales).run({1, 2}), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(Old(10, "Resize", {1, 1, 1, 2}).constant(scales).run({1, 2}), ElementsAre(1, 1, 2, 2));
  EXPECT_THAT(Old(10, "Resize", {1, 1, 1, 4}).constant(shrink).run({1, 2, 3, 4}), ElementsAre(1, 3));
  EXPECT_THAT(Old(9, "Upsample", {1, 1, 1, 2}).attribute("mode", std::string("linear")).constant(scales).run({1, 2}),
              ElementsAre(1, 1.5F, 2, 2));
  EXPECT_THAT(Old(10, "Resize", {1, 1, 2, 2}).constant(onnx_test::floats("s", {4}, {1, 1, 2, 0.5F})).error(),
              HasSubstr("enlarge one axis and shrink another"));
}

TEST(Upgrade, TfHalfPixelForNearestNeighbours) {
  for (const auto& [rounding, expected] : {std::pair{"floor", std::vector<float>{1, 3, 4}},  // at 0.67, 2, 3.33
                                           {"round_prefer_floor", std::vector<float>{2, 3, 4}}}) {
    Old old(11, "Resize", {1, 1, 1, 4});
    old.attribute("coordinate_transformation_mode", std::string("tf_half_pixel_for_nn"));
    old.attribute("nearest_mode", std::string(rounding));
    old.constant(onnx_test::floats("roi", {0}, {})).constant(onnx_test::floats("scales", {4}, {1, 1, 1, 0.75F}));
    EXPECT_THAT(old.run({1, 2, 3, 4}), ElementsAreArray(expected)) << rounding;
  }
}

TEST(Upgrade, GroupNormalizationPerGroup) {
  Old old(18, "GroupNormalization", {1, 4, 2});
  old.attribute("num_groups", int64_t{2}).attribute("epsilon", 0.0F);
  old.constant(onnx_test::floats("scale", {2}, {1, 2})).constant(onnx_test::floats("bias", {2}, {0, 5}));
  EXPECT_THAT(old.run({-1, 1, -1, 1, -1, 1, -1, 1}),
              Pointwise(FloatNear(1e-5F), std::vector<float>{-1, 1, -1, 1, 3, 7, 3, 7}));
}

TEST(Upgrade, ScatterIsScatterElements) {
  Old old(9, "Scatter", {3});
  old.constant(onnx_test::ints("indices", {1}, {1})).constant(onnx_test::floats("updates", {1}, {7}));
  EXPECT_THAT(old.run({1, 2, 3}), ElementsAre(1, 7, 3));
}

TEST(Upgrade, TrainingIsRefused) {
  ModelBuilder model(9);
  model.input("x", {1, 2, 2}).output("y").output("mean");
  for (const char* name : {"s", "b", "m", "v"}) model.initializer(onnx_test::floats(name, {2}, {1, 1}));
  model.node("BatchNormalization", {"x", "s", "b", "m", "v"}, {"y", "mean"});
  EXPECT_THAT(model.import_error(), HasSubstr("outputs for training"));
}

TEST(Upgrade, AttributeAndInputTogetherAreRefused) {
  Old old(11, "Squeeze", {1, 3});
  old.attribute("axes", Ints{0}).constant(onnx_test::ints("axes", {1}, {0}));
  EXPECT_THAT(old.error(), HasSubstr("as attribute and as input"));
}

}  // namespace
}  // namespace burnish
