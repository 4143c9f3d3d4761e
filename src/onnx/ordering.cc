#include "onnx/ordering.h"

#include <functional>
#include <queue>
#include <unordered_map>
#include <unordered_set>

#include "onnx-ml.pb.h"

namespace burnish {
namespace {

using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

/// Calls visit(name) for everything that the node reads, captures of its subgraphs included.
void visit_reads(const onnx::NodeProto& node, const std::function<void(const std::string&)>& visit) {
  for (const std::string& name : node.input()) {
    if (!name.empty()) visit(name);
  }
  for (const auto& attribute : node.attribute()) {
    if (attribute.has_g()) {
      for (const std::string& name : captured_names(attribute.g())) visit(name);
    }
    for (const auto& graph : attribute.graphs()) {
      for (const std::string& name : captured_names(graph)) visit(name);
    }
  }
}

/// Indices of the nodes that each node reads from.
std::vector<std::vector<int>> predecessors_of(const Nodes& nodes) {
  std::unordered_map<std::string, int> producer;
  for (int i = 0; i < nodes.size(); ++i) {
    for (const std::string& name : nodes[i].output()) {
      if (!name.empty()) producer.emplace(name, i);
    }
  }
  std::vector<std::vector<int>> predecessors(static_cast<size_t>(nodes.size()));
  for (int i = 0; i < nodes.size(); ++i) {
    visit_reads(nodes[i], [&](const std::string& name) {
      const auto found = producer.find(name);
      if (found != producer.end()) predecessors[static_cast<size_t>(i)].push_back(found->second);
    });
  }
  return predecessors;
}

/// Walks backwards from a node left over until one repeats.
std::vector<int> find_cycle(const std::vector<std::vector<int>>& predecessors, const std::vector<int>& num_waiting,
                            int start) {
  std::vector<int> path;
  std::unordered_map<int, size_t> position;
  for (int at = start;;) {
    const auto [seen, fresh] = position.emplace(at, path.size());
    if (!fresh) return {path.begin() + static_cast<std::ptrdiff_t>(seen->second), path.end()};
    path.push_back(at);
    for (const int p : predecessors[static_cast<size_t>(at)]) {
      if (num_waiting[static_cast<size_t>(p)] > 0) at = p;
    }
  }
}

}  // namespace

std::vector<std::string> captured_names(const onnx::GraphProto& graph) {
  std::unordered_set<std::string> own;
  for (const auto& input : graph.input()) own.insert(input.name());
  for (const auto& tensor : graph.initializer()) own.insert(tensor.name());
  for (const auto& tensor : graph.sparse_initializer()) own.insert(tensor.values().name());
  for (const auto& node : graph.node()) own.insert(node.output().begin(), node.output().end());
  std::vector<std::string> captured;
  const auto visit = [&](const std::string& name) {
    if (own.insert(name).second) captured.push_back(name);
  };
  for (const auto& node : graph.node()) visit_reads(node, visit);
  for (const auto& output : graph.output()) visit(output.name());
  return captured;
}

NodeOrder order_nodes(const Nodes& nodes) {
  const auto predecessors = predecessors_of(nodes);
  std::vector<std::vector<int>> successors(predecessors.size());
  std::vector<int> num_waiting(predecessors.size());
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (int i = 0; i < nodes.size(); ++i) {
    const auto& before = predecessors[static_cast<size_t>(i)];
    for (const int p : before) successors[static_cast<size_t>(p)].push_back(i);
    num_waiting[static_cast<size_t>(i)] = static_cast<int>(before.size());
    if (before.empty()) ready.push(i);
  }
  NodeOrder result;
  while (!ready.empty()) {
    const int i = ready.top();
    ready.pop();
    result.order.push_back(i);
    for (const int s : successors[static_cast<size_t>(i)]) {
      if (--num_waiting[static_cast<size_t>(s)] == 0) ready.push(s);
    }
  }
  for (int i = 0; i < nodes.size() && result.cycle.empty(); ++i) {
    if (num_waiting[static_cast<size_t>(i)] > 0) result.cycle = find_cycle(predecessors, num_waiting, i);
  }
  return result;
}

}  // namespace burnish
