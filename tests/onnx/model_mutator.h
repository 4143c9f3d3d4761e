#pragma once
// Damage that stays valid protobuf: other numbers, names, types and shapes in a model.
#include <random>

#include "onnx-ml.pb.h"

namespace burnish::onnx_test {

/// Changes one thing: an attribute, a constant, an input's type, a connection, an operator, an opset.
void mutate_model(onnx::ModelProto& model, std::mt19937& random);

}  // namespace burnish::onnx_test
