#include "onnx/model_writer.h"

#include "onnx-ml.pb.h"
#include "onnx/tensors.h"

namespace burnish {
namespace {

constexpr int64_t kIrVersion = 10;

void fill(onnx::TensorProto& proto, const std::string& name, const Tensor& value) {
  check(!is_packed(value.dtype()), ErrorCode::kUnsupported,
        "constant '{}': elements of type {} cannot be written yet; give bytes and cast them", name,
        name_of(value.dtype()));
  proto.set_name(name);
  proto.set_data_type(onnx_number_of(value.dtype()));
  for (const int64_t d : value.shape()) proto.add_dims(d);
  proto.set_raw_data(value.data(), value.num_bytes());
}

struct AttributeFiller {
  onnx::AttributeProto& proto;

  void operator()(int64_t v) const {
    proto.set_type(onnx::AttributeProto::INT);
    proto.set_i(v);
  }
  void operator()(float v) const {
    proto.set_type(onnx::AttributeProto::FLOAT);
    proto.set_f(v);
  }
  void operator()(const std::string& v) const {
    proto.set_type(onnx::AttributeProto::STRING);
    proto.set_s(v);
  }
  void operator()(const std::vector<int64_t>& v) const {
    proto.set_type(onnx::AttributeProto::INTS);
    for (const int64_t x : v) proto.add_ints(x);
  }
  void operator()(const std::vector<float>& v) const {
    proto.set_type(onnx::AttributeProto::FLOATS);
    for (const float x : v) proto.add_floats(x);
  }
  void operator()(const std::vector<std::string>& v) const {
    proto.set_type(onnx::AttributeProto::STRINGS);
    for (const std::string& x : v) proto.add_strings(x);
  }
  void operator()(const Tensor& v) const {
    proto.set_type(onnx::AttributeProto::TENSOR);
    fill(*proto.mutable_t(), "", v);
  }
};

}  // namespace

struct ModelWriter::Impl {
  onnx::ModelProto model;
};

ModelWriter::ModelWriter(const std::string& name, int64_t opset) : impl_(std::make_unique<Impl>()) {
  impl_->model.set_ir_version(kIrVersion);
  impl_->model.set_producer_name("burnish");
  impl_->model.mutable_graph()->set_name(name);
  import_opset("", opset);
}
ModelWriter::~ModelWriter() = default;
ModelWriter::ModelWriter(ModelWriter&&) noexcept = default;
ModelWriter& ModelWriter::operator=(ModelWriter&&) noexcept = default;

void ModelWriter::import_opset(const std::string& domain, int64_t version) {
  auto* import = impl_->model.add_opset_import();
  import->set_domain(domain);
  import->set_version(version);
}

void ModelWriter::add_input(const std::string& name, DType dtype, const std::vector<InputDim>& dims) {
  auto* input = impl_->model.mutable_graph()->add_input();
  input->set_name(name);
  auto* type = input->mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx_number_of(dtype));
  type->mutable_shape();
  for (const InputDim& dim : dims) {
    auto* to = type->mutable_shape()->add_dim();
    if (const auto* number = std::get_if<int64_t>(&dim)) {
      to->set_dim_value(*number);
    } else if (!std::get<std::string>(dim).empty()) {
      to->set_dim_param(std::get<std::string>(dim));
    }
  }
}

void ModelWriter::add_constant(const std::string& name, const Tensor& value) {
  fill(*impl_->model.mutable_graph()->add_initializer(), name, value);
}

void ModelWriter::add_node(const NodeSpec& node) {
  auto* proto = impl_->model.mutable_graph()->add_node();
  proto->set_op_type(node.op);
  proto->set_domain(node.domain);
  proto->set_name(node.name);
  for (const std::string& input : node.inputs) proto->add_input(input);
  for (const std::string& output : node.outputs) proto->add_output(output);
  for (const auto& [name, value] : node.attributes.values()) {
    auto* attribute = proto->add_attribute();
    attribute->set_name(name);
    std::visit(AttributeFiller{*attribute}, value);
  }
}

void ModelWriter::mark_output(const std::string& value) {
  impl_->model.mutable_graph()->add_output()->set_name(value);
}

std::string ModelWriter::serialize() const {
  google::protobuf::LogSilencer silence;
  std::string bytes;
  check(impl_->model.ByteSizeLong() <= static_cast<size_t>(std::numeric_limits<int>::max()) &&
            impl_->model.SerializeToString(&bytes),
        ErrorCode::kUnsupported, "the model is larger than 2 GiB, which protobuf does not allow");
  return bytes;
}

}  // namespace burnish
