// burnish compare: an engine against the reference evaluation of its model.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "cli/command.h"
#include "cli/difference.h"
#include "cli/execution.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "cli/observable.h"
#include "ir/interpreter.h"
#include "onnx/importer.h"
#include "runtime/engine_choice.h"
#include "runtime/engine_impl.h"

namespace burnish::cli {
namespace {

struct Options {
  std::string model, engine;
  InputRequest inputs;
  int num_threads = 0;
  double tolerance = 1e-4;
  bool per_layer = false;
  OutputFlags flags;
};

struct Row {
  std::string name;
  Difference difference;
};

Json to_json(const Row& row) {
  const Difference& d = row.difference;
  return {{"name", row.name},       {"max_abs", d.max_abs},          {"max_rel", d.max_rel()},
          {"mean_abs", d.mean_abs}, {"mean_rel", d.mean_rel()},      {"magnitude", d.magnitude},
          {"cosine", d.cosine},     {"mismatched", d.num_mismatched}};
}

void print_rows(const std::vector<Row>& rows, double tolerance) {
  fmt::print("{:>11} {:>11} {:>11} {:>11} {:>12}  {}\n", "max abs", "max rel", "mean abs", "mean rel", "cosine",
             "name");
  for (const auto& [name, d] : rows) {
    fmt::print("{:>11.3g} {:>11.3g} {:>11.3g} {:>11.3g} {:>12.9f}  {}{}\n", d.max_abs, d.max_rel(), d.mean_abs,
               d.mean_rel(), d.cosine, name, d.within(tolerance) ? "" : "   over the tolerance");
  }
}

std::map<std::string, Tensor> run_engine(const Engine& engine, const Options& options,
                                         const std::map<std::string, Tensor>& inputs) {
  ExecutionContext context = engine.create_context(options.num_threads);
  cli::bind_inputs(context, inputs);
  context.execute();
  std::map<std::string, Tensor> outputs;
  for (const BindingInfo& info : engine.outputs()) outputs.emplace(info.name, copy_output(context, info));
  return outputs;
}

struct Comparison {
  std::vector<Row> outputs;
  std::vector<Row> layers;  ///< In the model's order, by node; only what the engine still computes as such.
};

/// [N, C, H, W] → [N, H, W, C]; undefined for other ranks.
Tensor channels_last(const Tensor& tensor) {
  static const OpDescriptor* const kTranspose = find_op("Transpose");
  if (tensor.shape().rank() != 4 || kTranspose == nullptr) return {};
  AttributeMap attrs;
  attrs.set("perm", std::vector<int64_t>{0, 2, 3, 1});
  return evaluate_op(*kTranspose, attrs, {&tensor, 1}, 1).front();
}

bool comparable(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.shape() == b.shape();
}

/// The engine may keep an image channels-last; where both readings fit, the closer one is meant.
std::optional<Difference> layer_difference(const Tensor& actual, const Tensor& expected) {
  std::optional<Difference> result;
  if (comparable(actual, expected)) result = difference(actual, expected);
  if (result && result->max_rel() < 1e-2) return result;
  const Tensor turned = channels_last(expected);
  if (!turned.defined() || !comparable(actual, turned)) return result;
  const Difference other = difference(actual, turned);
  return result && result->max_rel() <= other.max_rel() ? result : other;
}

class LayerComparison {
 public:
  LayerComparison(const Graph& graph, const EngineData& observable, const std::map<std::string, Tensor>& actual)
      : graph_(graph), actual_(actual) {
    for (const Observation& o : observations_of(observable)) value_of_node_[o.node] = o.value;
  }

  void visit(const Value& value, const Tensor& expected) {
    const Node* node = graph_.producer(value.id);
    if (node == nullptr || node->output() != value.id) return;
    const auto known = value_of_node_.find(node->name);
    if (known == value_of_node_.end()) return;
    const auto it = actual_.find(known->second);
    if (it == actual_.end()) return;
    if (const auto d = layer_difference(it->second, expected)) rows_.push_back({node->name, *d});
  }

  std::vector<Row> take() { return std::move(rows_); }

 private:
  const Graph& graph_;
  const std::map<std::string, Tensor>& actual_;
  std::map<std::string, std::string> value_of_node_;
  std::vector<Row> rows_;
};

Comparison compare(const Options& options) {
  const Graph graph = import_model_file(options.model);
  EngineData data = choose_engine(options.engine, 0);
  if (options.per_layer) data = make_observable(std::move(data));
  const auto inputs = make_inputs(data, options.inputs);
  const Engine engine(std::make_shared<const Engine::Impl>(data));
  const auto actual = run_engine(engine, options, inputs);
  LayerComparison layers(graph, data, actual);
  OnValue on_value;
  if (options.per_layer) on_value = [&](const Value& value, const Tensor& tensor) { layers.visit(value, tensor); };
  Comparison result;
  for (const auto& output : interpret(graph, inputs, on_value)) {
    const std::string& name = output.first;
    const auto it = actual.find(name);
    check(it != actual.end(), ErrorCode::kInvalidArgument, "the engine has no output '{}': was it built from {}?", name,
          options.model);
    with_frame([&] { return "output " + name; },
               [&] {
                 result.outputs.push_back({name, difference(it->second, output.second)});
               });
  }
  result.layers = layers.take();
  return result;
}

const Row* first_divergence(const Comparison& comparison, double tolerance) {
  const auto it = std::find_if(comparison.layers.begin(), comparison.layers.end(),
                               [&](const Row& row) { return !row.difference.within(tolerance); });
  return it == comparison.layers.end() ? nullptr : &*it;
}

void print_json_result(const Options& options, const Comparison& comparison, bool equal) {
  Json json = {{"equal", equal}, {"tolerance", options.tolerance}, {"outputs", Json::array()}};
  for (const Row& row : comparison.outputs) json["outputs"].push_back(to_json(row));
  if (options.per_layer) {
    json["layers"] = Json::array();
    for (const Row& row : comparison.layers) json["layers"].push_back(to_json(row));
    const Row* first = first_divergence(comparison, options.tolerance);
    json["first_divergence"] = first == nullptr ? Json() : Json(first->name);
  }
  print_json(json);
}

void print_text_result(const Options& options, const Comparison& comparison, bool equal) {
  if (options.per_layer) {
    print_rows(comparison.layers, options.tolerance);
    const Row* first = first_divergence(comparison, options.tolerance);
    fmt::print("\nfirst divergence: {}\n\n", first == nullptr ? "none" : first->name);
  }
  print_rows(comparison.outputs, options.tolerance);
  fmt::print("{}\n", equal ? fmt::format("equal within {:g} of each output's largest magnitude", options.tolerance)
                           : fmt::format("DIFFERENT by more than {:g} of the largest magnitude", options.tolerance));
}

int run(const Options& options) {
  const Comparison comparison = compare(options);
  const bool equal = std::all_of(comparison.outputs.begin(), comparison.outputs.end(),
                                 [&](const Row& row) { return row.difference.within(options.tolerance); });
  options.flags.json ? print_json_result(options, comparison, equal) : print_text_result(options, comparison, equal);
  return equal ? 0 : kDiffers;
}

Action declare(OptionSet& command, const CommandLine&) {
  auto options = std::make_shared<Options>();
  command.add("model", options->model, "The model that the engine was built from").required().value_name("MODEL.onnx");
  command.add("engine", options->engine, "The engine file").required().value_name("M.engine");
  add_file_option(command, options->inputs);
  add_shape_options(command, options->inputs);
  command.add("--threads", options->num_threads, "Threads to run the engine with [all cores]").value_name("N");
  command.add("--tolerance", options->tolerance, "Largest difference, relative to the output's largest magnitude")
      .value_name("X")
      .show_default();
  command.flag("--per-layer", options->per_layer, "Compare intermediate values too and name the first that diverges");
  add_json_flag(command, options->flags);
  return [options] { return run(*options); };
}

}  // namespace

const Command kCompare = {"compare", "Compare an engine with the reference evaluation of its model",
                          R"(  burnish compare model.onnx model.engine
  burnish compare model.onnx model.engine --input image=cat.npy --per-layer
The exit code is 1 when an output differs by more than --tolerance.)",
                          declare};

}  // namespace burnish::cli
