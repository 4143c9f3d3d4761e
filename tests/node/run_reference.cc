#include "ir/interpreter.h"
#include "node/compare.h"
#include "node/run_case.h"
#include "onnx/importer.h"

namespace burnish::node_test {

std::string run_reference(const NodeCase& node_case) {
  const Graph graph = import_model_file(node_case.model_path());
  graph.verify();
  for (int k = 0; k < node_case.num_data_sets; ++k) {
    const auto values = load_values(node_case, k, "input", graph.inputs().size());
    const auto expected = load_values(node_case, k, "output", graph.outputs().size());
    std::map<std::string, Tensor> inputs;
    for (size_t i = 0; i < values.size(); ++i) inputs[graph.value(graph.inputs()[i]).name] = values[i];
    const auto outputs = interpret(graph, inputs);
    for (size_t i = 0; i < expected.size(); ++i) {
      const std::string& name = graph.outputs()[i].name;
      if (!expected[i].defined()) continue;
      const std::string wrong = difference(outputs.at(name), expected[i], node_case.rtol, node_case.atol);
      if (!wrong.empty()) return fmt::format("output '{}': {}", name, wrong);
    }
  }
  return "";
}

}  // namespace burnish::node_test
