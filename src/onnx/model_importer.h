#pragma once
// The state of one import. Private to onnx/.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "onnx-ml.pb.h"
#include "onnx/attributes.h"
#include "onnx/external_data.h"
#include "onnx/importer.h"
#include "onnx/problems.h"

namespace burnish {

/// Stands for a value whose producer could not be imported: its readers are checked but not imported.
inline constexpr ValueId kFailedValue = -2;

/// Versions by domain; "ai.onnx" is spelled "".
using Opsets = std::map<std::string, int64_t>;

/// The names that a graph, a branch or a function body sees.
struct Scope {
  const Scope* parent = nullptr;  ///< The graph around a branch; functions see nothing around them.
  const Opsets* opsets = nullptr;
  const ProtoAttributes* caller = nullptr;  ///< Attributes of the enclosing function's call.
  std::string prefix;                       ///< Of all names that are made inside.
  std::unordered_map<std::string, ValueId> values;
};

/// A NodeProto with what the import has learned of it.
struct NodeSite {
  const onnx::NodeProto& proto;
  std::string name;    ///< Never empty, with the scope's prefix.
  std::string domain;  ///< "" for the default one.
  int64_t version;     ///< 0 when the domain is not imported.
  ProtoAttributes attributes;
  /// "node 'conv1' (Conv, ai.onnx 17)"
  std::string label() const;
};

class ModelImporter {
 public:
  ModelImporter(onnx::ModelProto model, std::string base_directory, const ImportOptions& options);
  /// Call once.
  Graph run(const std::string& model_hash);

 private:
  // model.cc: what belongs to the whole model
  void import_opsets();
  void index_functions();
  void import_inputs(const onnx::GraphProto& graph, Scope& scope);
  void import_input(const onnx::ValueInfoProto& input, Scope& scope);
  Dim dim_of(const onnx::TensorShapeProto::Dimension& dim, const std::string& input, int index);
  std::string symbol_of(const std::string& wanted);
  void import_initializers(const onnx::GraphProto& graph, Scope& scope);
  void import_outputs(const onnx::GraphProto& graph, const Scope& scope);
  void fill_metadata(const std::string& model_hash);

  // nodes.cc
  void import_nodes(const google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes, Scope& scope);
  void import_node(const onnx::NodeProto& proto, int index, Scope& scope);
  void dispatch(const NodeSite& site, const std::vector<ValueId>& inputs, Scope& scope);
  std::vector<ValueId> find_inputs(const NodeSite& site, const Scope& scope);
  void import_operator(const NodeSite& site, const std::vector<ValueId>& inputs, Scope& scope);
  void import_constant(const NodeSite& site, Scope& scope);
  void check_known(const NodeSite& site) const;
  /// Throws kInvalidModel when the name is taken in this scope.
  void bind(Scope& scope, const std::string& name, ValueId value);
  void bind_outputs_failed(const onnx::NodeProto& proto, Scope& scope);

  // functions.cc
  const onnx::FunctionProto* find_function(const NodeSite& site) const;
  void import_call(const onnx::FunctionProto& function, const NodeSite& site, const std::vector<ValueId>& inputs,
                   Scope& scope);

  // control_flow.cc
  void import_if(const NodeSite& site, const std::vector<ValueId>& inputs, Scope& scope);
  /// Where(condition, yes, no), output by output.
  std::vector<ValueId> choose(const NodeSite& site, ValueId condition, const std::vector<ValueId>& yes,
                              const std::vector<ValueId>& no);
  /// Puts a subgraph's nodes into the graph, its inputs being arguments; returns its outputs.
  std::vector<ValueId> inline_graph(const onnx::GraphProto& body, const std::vector<ValueId>& arguments,
                                    const std::string& name, const Scope& scope);
  void bind_outputs(const NodeSite& site, const std::vector<ValueId>& values, Scope& scope);

  // loops.cc
  void import_loop(const NodeSite& site, const std::vector<ValueId>& inputs, Scope& scope);
  void import_scan(const NodeSite& site, const std::vector<ValueId>& inputs, Scope& scope);

  // flex_attention.cc
  void import_flex_attention(const NodeSite& site, const std::vector<ValueId>& inputs, Scope& scope);

  onnx::ModelProto model_;
  ImportOptions options_;
  ExternalData external_;
  Graph graph_;
  Problems problems_;
  Opsets opsets_;
  std::map<std::string, const onnx::FunctionProto*> functions_;  // by "domain:name:overload"
  std::vector<std::string> active_functions_;
  std::map<const onnx::AttributeProto*, Tensor> constants_;  // shared by all calls of a function
  std::map<std::string, std::string> symbols_;               // dim_param to symbol
  std::set<std::string> taken_symbols_;
  int64_t num_nodes_ = 0;
};

/// The graph in the attribute of this name. Throws kInvalidModel when there is none.
const onnx::GraphProto& body_of(const NodeSite& site, std::string_view attribute);
/// "" for the default domain in either spelling.
std::string canonical_domain(const std::string& domain);
Opsets to_opsets(const google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>& imports);
/// Follows the scopes outwards; nullopt when nobody knows the name, kNoValue for an absent input of a function.
std::optional<ValueId> find_value(const Scope& scope, const std::string& name);

}  // namespace burnish
