#include "pass_tester.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ir/interpreter.h"
#include "ir/text.h"
#include "ops/attributes.h"

namespace burnish {
namespace {

constexpr int64_t kMaxShownElements = 8;

std::string constant_text(const Tensor& t) {
  std::vector<std::string> parts;
  for (int64_t i = 0; t.num_elements() <= kMaxShownElements && i < t.num_elements(); ++i) {
    if (t.dtype() == DType::kFloat32) parts.push_back(fmt::format("{:.4g}", t.as<float>()[i]));
    if (t.dtype() == DType::kInt64) parts.push_back(fmt::format("{}", t.as<int64_t>()[i]));
  }
  if (parts.empty() && t.num_elements() > 0) return std::string(name_of(t.dtype())) + to_string(t.shape());
  return fmt::format("{{{}}}", fmt::join(parts, ","));
}

class Namer {
 public:
  explicit Namer(const Graph& graph) : graph_(graph) {}
  void number(ValueId v) { names_[v] = fmt::format("%{}", names_.size()); }
  std::string operator()(ValueId v) const {
    if (v == kNoValue) return "_";
    if (graph_.value(v).is_constant()) return constant_text(graph_.value(v).constant);
    const auto it = names_.find(v);
    return it == names_.end() ? graph_.value(v).name : it->second;
  }

 private:
  const Graph& graph_;
  std::map<ValueId, std::string> names_;
};

void fill(const Tensor& t, std::mt19937& generator) {
  for (int64_t i = 0; i < t.num_elements(); ++i) {
    switch (t.dtype()) {
      case DType::kFloat32:
        t.as<float>()[i] = std::normal_distribution<float>()(generator);
        break;
      case DType::kFloat64:
        t.as<double>()[i] = std::normal_distribution<double>()(generator);
        break;
      case DType::kInt64:
        t.as<int64_t>()[i] = generator() % 2;
        break;
      case DType::kInt32:
        t.as<int32_t>()[i] = static_cast<int32_t>(generator() % 2);
        break;
      case DType::kBool:
        t.as<uint8_t>()[i] = generator() % 2;
        break;
      default:
        FAIL() << "no random numbers of this type";
    }
  }
}

void expect_near(const Tensor& a, const Tensor& b, double tolerance, const std::string& name) {
  ASSERT_EQ(a.dtype(), b.dtype()) << name;
  ASSERT_EQ(to_string(a.shape()), to_string(b.shape())) << name;
  if (a.dtype() != DType::kFloat32) {
    EXPECT_TRUE(a.identical(b)) << name;
    return;
  }
  double largest = 1e-6;
  double error = 0;
  for (int64_t i = 0; i < a.num_elements(); ++i) {
    const double x = a.as<float>()[i];
    const double y = b.as<float>()[i];
    ASSERT_EQ(std::isnan(x), std::isnan(y)) << name << " at " << i;
    if (std::isnan(x) || x == y) continue;
    largest = std::max(largest, std::abs(x));
    error = std::max(error, std::abs(x - y));
  }
  EXPECT_LE(error, tolerance * largest) << name;
}

}  // namespace

Lines lines_of(const Graph& graph) {
  Lines lines;
  Namer name(graph);
  for (NodeId id : graph.topological_order()) {
    const Node& n = graph.node(id);
    std::vector<std::string> inputs;
    std::vector<std::string> outputs;
    for (ValueId v : n.inputs) inputs.push_back(name(v));
    for (ValueId v : n.outputs) {
      if (v != kNoValue) name.number(v);
      outputs.push_back(name(v));
    }
    const std::string attrs = to_string(n.attrs);
    lines.push_back(fmt::format("{} = {}({}){}", fmt::join(outputs, ", "), n.op, fmt::join(inputs, ", "),
                                attrs.empty() ? "" : " {" + attrs + "}"));
  }
  for (const Graph::Output& o : graph.outputs()) lines.push_back(o.name + " = " + name(o.value));
  return lines;
}

std::map<std::string, Tensor> random_inputs(const Graph& graph, std::map<std::string, int64_t, std::less<>> symbols) {
  std::map<std::string, Tensor> inputs;
  std::mt19937 generator(20);
  for (ValueId v : graph.inputs()) {
    const Value& input = graph.value(v);
    Shape shape;
    for (const Dim& d : *input.type.shape) {
      std::vector<std::string> names;
      d.collect_symbols(names);
      for (const std::string& n : names) symbols.emplace(n, 3);
      shape.push_back(*d.evaluate(symbols));
    }
    Tensor t(input.type.dtype, shape);
    fill(t, generator);
    inputs.emplace(input.name, std::move(t));
  }
  return inputs;
}

void expect_same_numbers(const Graph& before, const Graph& after, const std::map<std::string, Tensor>& inputs,
                         double tolerance) {
  const auto expected = interpret(before, inputs);
  const auto actual = interpret(after, inputs);
  ASSERT_EQ(expected.size(), actual.size());
  for (const auto& [name, tensor] : expected) expect_near(tensor, actual.at(name), tolerance, name);
}

void expect_rewrite(std::string_view pass, std::string_view before, const Lines& after,
                    const std::vector<std::string_view>& then) {
  Graph original = parse_graph(before);
  original.infer();
  Graph graph = original;
  EXPECT_TRUE(run_pass(pass, graph)) << pass << " changed nothing";
  for (std::string_view next : then) run_pass(next, graph);
  graph.verify();
  EXPECT_THAT(lines_of(graph), testing::ElementsAreArray(after));
  expect_same_numbers(original, graph, random_inputs(original));
}

void expect_unchanged(std::string_view pass, std::string_view text) {
  Graph graph = parse_graph(text);
  graph.infer();
  const Lines before = lines_of(graph);
  run_pass(pass, graph);
  EXPECT_EQ(lines_of(graph), before);
}

Lines ops_and_types(const Graph& graph) {
  Lines lines;
  for (NodeId id : graph.topological_order()) {
    const Node& n = graph.node(id);
    lines.push_back(n.op + " " + std::string(name_of(graph.value(n.output()).type.dtype)));
  }
  return lines;
}

std::map<std::string, int> histogram(const Graph& graph) {
  std::map<std::string, int> counts;
  for (NodeId id : graph.topological_order()) ++counts[graph.node(id).op];
  return counts;
}

}  // namespace burnish
