// What belongs to the whole model: opsets, functions, inputs, initialisers, outputs, provenance.
#include <algorithm>

#include "base/hash.h"
#include "onnx/model_importer.h"
#include "onnx/support.h"
#include "onnx/tensors.h"

namespace burnish {
namespace {

std::string describe_opset(const std::string& domain) {
  return domain.empty() ? "ai.onnx" : domain;
}

/// Drops the data of an initialiser that has been copied, so that a model is not held twice.
void release_data(onnx::TensorProto& tensor) {
  std::string().swap(*tensor.mutable_raw_data());
  tensor.clear_float_data();
}

const char* name_of_type(const onnx::TypeProto& type) {
  switch (type.value_case()) {
    case onnx::TypeProto::kSequenceType:
      return "a sequence";
    case onnx::TypeProto::kMapType:
      return "a map";
    case onnx::TypeProto::kOptionalType:
      return "an optional";
    case onnx::TypeProto::kSparseTensorType:
      return "a sparse tensor";
    default:
      return "no tensor";
  }
}

}  // namespace

ModelImporter::ModelImporter(onnx::ModelProto model, std::string base_directory, const ImportOptions& options)
    : model_(std::move(model)), options_(options), external_(std::move(base_directory)) {}

Graph ModelImporter::run(const std::string& model_hash) {
  import_opsets();
  index_functions();
  const ProtoAttributes no_caller;
  Scope scope{.opsets = &opsets_, .caller = &no_caller, .prefix = "", .values = {}};
  graph_.name = model_.graph().name();
  import_inputs(model_.graph(), scope);
  import_initializers(model_.graph(), scope);
  for (auto& tensor : *model_.mutable_graph()->mutable_initializer()) release_data(tensor);
  import_nodes(model_.graph().node(), scope);
  import_outputs(model_.graph(), scope);
  problems_.throw_if_any();
  fill_metadata(model_hash);
  return std::move(graph_);
}

void ModelImporter::import_opsets() {
  opsets_ = to_opsets(model_.opset_import());
  if (opsets_.empty()) problems_.add(ErrorCode::kInvalidModel, "the model imports no operator set (opset_import)");
  for (const auto& [domain, version] : opsets_) {
    const int64_t newest = newest_opset(domain);
    if (newest == 0) continue;
    if (version >= 1 && version <= newest) continue;
    problems_.add(ErrorCode::kUnsupported,
                  fmt::format("opset {} of {} is not supported, up to {} is. Export or convert the model to that",
                              version, describe_opset(domain), newest));
  }
}

void ModelImporter::index_functions() {
  for (const auto& function : model_.functions()) {
    const std::string key = canonical_domain(function.domain()) + ":" + function.name() + ":" + function.overload();
    if (!functions_.emplace(key, &function).second) {
      problems_.add(ErrorCode::kInvalidModel, fmt::format("the function '{}' (domain '{}') is defined twice",
                                                          function.name(), function.domain()));
    }
  }
}

void ModelImporter::import_inputs(const onnx::GraphProto& graph, Scope& scope) {
  std::set<std::string> initialised;
  for (const auto& tensor : graph.initializer()) initialised.insert(tensor.name());
  for (const auto& tensor : graph.sparse_initializer()) initialised.insert(tensor.values().name());
  for (const auto& input : graph.input()) {
    if (initialised.contains(input.name())) continue;
    try {
      import_input(input, scope);
    } catch (const Error& error) {
      problems_.add(fmt::format("input '{}'", input.name()), error);
      scope.values.emplace(input.name(), kFailedValue);
    }
  }
}

void ModelImporter::import_input(const onnx::ValueInfoProto& input, Scope& scope) {
  check(!input.name().empty(), ErrorCode::kInvalidModel, "it has no name");
  check(input.has_type() && input.type().value_case() != onnx::TypeProto::VALUE_NOT_SET, ErrorCode::kInvalidModel,
        "it has no type");
  if (!input.type().has_tensor_type()) {
    throw_error(ErrorCode::kUnsupported, "it is {}; only tensors are supported", name_of_type(input.type()));
  }
  const auto& type = input.type().tensor_type();
  TypeInfo info{.dtype = dtype_of_onnx(type.elem_type()), .shape = std::nullopt};
  if (type.has_shape()) {
    check(type.shape().dim_size() <= kMaxRank, ErrorCode::kUnsupported, "it has {} dimensions, more than {}",
          type.shape().dim_size(), kMaxRank);
    info.shape.emplace();
    for (int i = 0; i < type.shape().dim_size(); ++i) {
      info.shape->push_back(dim_of(type.shape().dim(i), input.name(), i));
    }
  }
  check(!scope.values.contains(input.name()), ErrorCode::kInvalidModel, "another input has the same name");
  bind(scope, input.name(), graph_.add_input(input.name(), std::move(info)));
}

Dim ModelImporter::dim_of(const onnx::TensorShapeProto::Dimension& dim, const std::string& input, int index) {
  if (dim.has_dim_value() && dim.dim_value() >= 0) return {dim.dim_value()};
  check(!dim.has_dim_value() || dim.dim_value() == -1, ErrorCode::kInvalidModel, "its dimension {} is {}", index,
        dim.dim_value());
  if (dim.dim_param().empty()) return Dim::symbol(symbol_of(fmt::format("{}_dim{}", input, index)));
  return Dim::symbol(symbol_of(dim.dim_param()));
}

/// An identifier for a name as exporters write it ("batch", "s0 + 1", "input.1_dim0"), one for each name.
std::string ModelImporter::symbol_of(const std::string& wanted) {
  if (const auto known = symbols_.find(wanted); known != symbols_.end()) return known->second;
  std::string symbol = wanted;
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  for (char& c : symbol) {
    if (!is_letter(c) && !(c >= '0' && c <= '9')) c = '_';
  }
  if (!is_letter(symbol[0])) symbol.insert(0, "d");
  std::string unique = symbol;
  for (int i = 2; !taken_symbols_.insert(unique).second; ++i) unique = fmt::format("{}_{}", symbol, i);
  return symbols_[wanted] = unique;
}

void ModelImporter::import_initializers(const onnx::GraphProto& graph, Scope& scope) {
  const auto add = [&](const std::string& name, auto&& read) {
    try {
      check(!name.empty(), ErrorCode::kInvalidModel, "it has no name");
      bind(scope, name, graph_.add_constant(scope.prefix + name, read()));
    } catch (const Error& error) {
      problems_.add(fmt::format("initializer '{}'", scope.prefix + name), error);
      scope.values.emplace(name, kFailedValue);
    }
  };
  for (const auto& tensor : graph.initializer()) add(tensor.name(), [&] { return to_tensor(tensor, &external_); });
  for (const auto& tensor : graph.sparse_initializer()) {
    add(tensor.values().name(), [&] { return to_dense_tensor(tensor, &external_); });
  }
}

void ModelImporter::import_outputs(const onnx::GraphProto& graph, const Scope& scope) {
  if (graph.output_size() == 0) problems_.add(ErrorCode::kInvalidModel, "the model has no output");
  std::set<std::string> names;
  for (const auto& output : graph.output()) {
    const ValueId value = find_value(scope, output.name()).value_or(kNoValue);
    if (value == kNoValue) {
      problems_.add(ErrorCode::kInvalidModel, fmt::format("output '{}': no node makes it", output.name()));
    } else if (!names.insert(output.name()).second) {
      problems_.add(ErrorCode::kInvalidModel,
                    fmt::format("output '{}': another output has the same name", output.name()));
    } else if (value != kFailedValue) {
      graph_.add_output(value, output.name());
    }
  }
}

void ModelImporter::fill_metadata(const std::string& model_hash) {
  auto& facts = graph_.metadata;
  facts["producer"] = model_.producer_name();
  facts["producer_version"] = model_.producer_version();
  facts["model_version"] = std::to_string(model_.model_version());
  facts["ir_version"] = std::to_string(model_.ir_version());
  for (const auto& [domain, version] : opsets_) {
    facts[domain.empty() ? "opset" : "opset." + domain] = std::to_string(version);
  }
  const std::string all = model_hash + external_.hashes();
  facts["hash"] = external_.hashes().empty() ? model_hash : hash128_hex(std::as_bytes(std::span(all)));
}

std::string canonical_domain(const std::string& domain) {
  return domain == "ai.onnx" ? "" : domain;
}

Opsets to_opsets(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports) {
  Opsets opsets;
  for (const auto& import : imports) opsets[canonical_domain(import.domain())] = import.version();
  return opsets;
}

std::optional<ValueId> find_value(const Scope& scope, const std::string& name) {
  for (const Scope* at = &scope; at != nullptr; at = at->parent) {
    if (const auto found = at->values.find(name); found != at->values.end()) return found->second;
  }
  return std::nullopt;
}

}  // namespace burnish
