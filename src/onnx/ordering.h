#pragma once
// The order in which the nodes of one graph can be imported.
#include <google/protobuf/repeated_ptr_field.h>

#include <string>
#include <vector>

namespace onnx {
class GraphProto;
class NodeProto;
}  // namespace onnx

namespace burnish {

struct NodeOrder {
  std::vector<int>
      order;  ///< Indices of nodes, producers first; file order where it is one. Lacks nodes behind a cycle.
  std::vector<int> cycle;  ///< Indices of the nodes of one cycle, or empty.
};

/// Names that the subgraph reads from the graphs around it.
std::vector<std::string> captured_names(const onnx::GraphProto& graph);

NodeOrder order_nodes(const google::protobuf::RepeatedPtrField<onnx::NodeProto>& nodes);

}  // namespace burnish
