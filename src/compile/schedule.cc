#include "compile/schedule.h"

#include <algorithm>
#include <set>

namespace burnish {
namespace {

using BytesOf = std::function<int64_t(ValueId)>;

/// Follows an execution: which values are alive and how much memory they take.
class Simulation {
 public:
  Simulation(const Graph& graph, const BytesOf& bytes_of)
      : graph_(graph), bytes_of_(bytes_of), readers_left_(static_cast<size_t>(graph.num_value_ids()), 0) {
    for (NodeId id = 0; id < graph.num_node_ids(); ++id) {
      if (!graph.node(id).alive) continue;
      for (const ValueId v : unique_inputs(id)) ++readers_left_[static_cast<size_t>(v)];
    }
    for (const Graph::Output& output : graph.outputs()) ++readers_left_[static_cast<size_t>(output.value)];
  }

  /// Change of memory in use once the node has run: what it makes minus what dies with it.
  int64_t growth(NodeId id) const {
    int64_t bytes = made(id);
    for (const ValueId v : unique_inputs(id)) {
      if (readers_left_[static_cast<size_t>(v)] == 1) bytes -= size(v);
    }
    return bytes;
  }

  void run(NodeId id) {
    peak_ = std::max(peak_, used_ + made(id));
    used_ += growth(id);
    for (const ValueId v : unique_inputs(id)) --readers_left_[static_cast<size_t>(v)];
  }

  int64_t peak() const { return peak_; }

 private:
  std::vector<ValueId> unique_inputs(NodeId id) const {
    std::vector<ValueId> inputs;
    for (const ValueId v : graph_.node(id).inputs) {
      if (v != kNoValue && std::find(inputs.begin(), inputs.end(), v) == inputs.end()) inputs.push_back(v);
    }
    return inputs;
  }
  /// Inputs and constants of the model take no room in the arena.
  int64_t size(ValueId v) const { return graph_.value(v).producer == kNoNode ? 0 : bytes_of_(v); }
  int64_t made(NodeId id) const {
    const OpDescriptor* op = find_op(graph_.node(id).op);
    if (op != nullptr && (op->traits & kView) != 0) return 0;
    int64_t bytes = 0;
    for (const ValueId v : graph_.node(id).outputs) {
      if (v != kNoValue) bytes += size(v);
    }
    return bytes;
  }

  const Graph& graph_;
  const BytesOf& bytes_of_;
  std::vector<int> readers_left_;
  int64_t used_ = 0, peak_ = 0;
};

int64_t peak_of(const Graph& graph, const std::vector<NodeId>& order, const BytesOf& bytes_of) {
  Simulation simulation(graph, bytes_of);
  for (const NodeId id : order) simulation.run(id);
  return simulation.peak();
}

/// Nodes by the number of producers they wait for.
class Waiting {
 public:
  explicit Waiting(const Graph& graph) : graph_(graph), count_(static_cast<size_t>(graph.num_node_ids()), 0) {
    users_ = graph.all_users();
    for (NodeId id = 0; id < graph.num_node_ids(); ++id) {
      if (!graph.node(id).alive) continue;
      for (const ValueId v : graph.node(id).inputs) {
        if (v != kNoValue && graph.producer(v) != nullptr) ++count_[static_cast<size_t>(id)];
      }
      if (count_[static_cast<size_t>(id)] == 0) ready.insert(id);
    }
  }

  void done(NodeId id) {
    ready.erase(id);
    for (const ValueId v : graph_.node(id).outputs) {
      if (v == kNoValue) continue;
      for (const NodeId user : users_[static_cast<size_t>(v)]) {
        if (--count_[static_cast<size_t>(user)] == 0) ready.insert(user);
      }
    }
  }

  std::set<NodeId> ready;

 private:
  const Graph& graph_;
  std::vector<int> count_;
  std::vector<std::vector<NodeId>> users_;
};

std::vector<NodeId> greedy_order(const Graph& graph, const BytesOf& bytes_of) {
  std::vector<NodeId> order;
  Waiting waiting(graph);
  Simulation simulation(graph, bytes_of);
  while (!waiting.ready.empty()) {
    const NodeId next = *std::min_element(waiting.ready.begin(), waiting.ready.end(), [&](NodeId a, NodeId b) {
      return simulation.growth(a) < simulation.growth(b);
    });
    simulation.run(next);
    waiting.done(next);
    order.push_back(next);
  }
  return order;
}

}  // namespace

std::vector<NodeId> schedule(const Graph& graph, const std::function<int64_t(ValueId)>& bytes_of) {
  std::vector<NodeId> plain = graph.topological_order();
  std::vector<NodeId> greedy = greedy_order(graph, bytes_of);
  if (greedy.size() != plain.size()) return plain;
  return peak_of(graph, greedy, bytes_of) < peak_of(graph, plain, bytes_of) ? greedy : plain;
}

}  // namespace burnish
