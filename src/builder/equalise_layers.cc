#include "builder/equalise_layers.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "ops/fused.h"
#include "passes/encoding_groups.h"
#include "quantize/equalize.h"

namespace burnish {
namespace {

constexpr int kMaxRounds = 10;

struct Pair {
  NodeId first = kNoNode, second = kNoNode;
};

bool scales_through(const Activation& activation) {
  return activation.kind == ActivationKind::kNone || activation.kind == ActivationKind::kRelu ||
         activation.kind == ActivationKind::kLeakyRelu;
}

bool is_conv_layer(const Graph& graph, const Node& n) {
  return n.op == kFusedConv && is_layer(graph, n);
}

std::optional<Pair> pair_around(const Graph& graph, ValueId v, const std::vector<NodeId>& users) {
  const Node* first = graph.producer(v);
  if (first == nullptr || !is_conv_layer(graph, *first) || first->input(kFusedResidual) != kNoValue)
    return std::nullopt;
  if (!scales_through(activation_of(first->attrs)) || graph.is_output(v) || users.size() != 1) return std::nullopt;
  const Node& second = graph.node(users[0]);
  if (!is_conv_layer(graph, second) || second.input(0) != v) return std::nullopt;
  return Pair{first->id, second.id};
}

/// A convolution's weights [O, I/group, taps…] by input channel: row o of column j belongs to one of them.
class WeightsByInput {
 public:
  WeightsByInput(const Tensor& w, int64_t groups)
      : columns(w.shape()[1]), taps(w.shape().product(2, w.shape().rank())), rows(w.shape()[0]), groups_(groups) {}

  int64_t channels() const { return groups_ * columns; }
  size_t channel_of(int64_t row, int64_t column) const {
    return static_cast<size_t>(row / (rows / groups_) * columns + column);
  }

  int64_t columns, taps, rows;

 private:
  int64_t groups_;
};

void multiply_inputs(Tensor& w, int64_t groups, const std::vector<float>& factors) {
  const WeightsByInput layout(w, groups);
  auto* element = w.as<float>();
  for (int64_t o = 0; o < layout.rows; ++o) {
    for (int64_t j = 0; j < layout.columns; ++j) {
      for (int64_t t = 0; t < layout.taps; ++t) *element++ *= factors[layout.channel_of(o, j)];
    }
  }
}

void replace_constant(Graph& graph, NodeId node, int input, Tensor tensor) {
  const std::string& name = graph.value(graph.node(node).input(input)).name;
  const ValueId constant = graph.add_constant(name, std::move(tensor));
  graph.node(node).inputs[static_cast<size_t>(input)] = constant;
}

Tensor constant_of(const Graph& graph, NodeId node, int input) {
  return graph.value(graph.node(node).input(input)).constant.clone();
}

/// Divides the channels between the two. Weights may have other readers: both get constants of their own.
void rescale(Graph& graph, const Pair& pair, const std::vector<float>& factors) {
  for (int input : {kFusedWeights, kFusedBias}) {
    if (graph.node(pair.first).input(input) == kNoValue) continue;
    Tensor t = constant_of(graph, pair.first, input);
    divide_channels(t.as<float>(), ChannelLayout::of(t.shape(), 0), factors);
    replace_constant(graph, pair.first, input, std::move(t));
  }
  Tensor w = constant_of(graph, pair.second, kFusedWeights);
  multiply_inputs(w, graph.node(pair.second).attrs.get_int("group", 1), factors);
  replace_constant(graph, pair.second, kFusedWeights, std::move(w));
}

/// What is expected of one value and the weights that read it, for any factors.
class ExpectedError {
 public:
  ExpectedError(const std::vector<RowStatistics>& channels, const std::vector<float>& divided, const Tensor& w,
                int64_t groups)
      : layout_(w, groups), weight_absmax_(channels.size(), 0.0F) {
    for (size_t c = 0; c < channels.size(); ++c) {
      const bool seen = channels[c].count > 0;
      low_.push_back(seen ? std::min(0.0F, channels[c].min) / divided[c] : 0);
      high_.push_back(seen ? std::max(0.0F, channels[c].max) / divided[c] : 0);
      input_absmax_.push_back(std::max(-low_[c], high_[c]));
    }
    summarise(w.as<float>());
  }

  std::vector<float> factors(float alpha) const { return smooth_factors(input_absmax_, weight_absmax_, alpha); }

  /// Squared, of all outputs, up to a common factor: steps of the activations meet the weights' squares, steps of each
  /// row of weights the squares of the activations that it reads.
  double operator()(const std::vector<float>& factors) const {
    const double step = step_of(factors);
    double total = 0;
    for (int64_t o = 0; o < layout_.rows; ++o) {
      double weight_squares = 0, input_squares = 0, largest = 0;
      for (int64_t j = 0; j < layout_.columns; ++j) {
        const size_t c = layout_.channel_of(o, j), at = static_cast<size_t>(o * layout_.columns + j);
        const double f = factors[c];
        weight_squares += squares_[at] * f * f;
        largest = std::max(largest, absmax_[at] * f);
        input_squares += std::pow(kSpread * input_absmax_[c] / f, 2);
      }
      const double weight_step = largest / 127;
      total +=
          step * step * weight_squares + weight_step * weight_step * input_squares * static_cast<double>(layout_.taps);
    }
    return total;
  }

 private:
  void summarise(const float* element) {
    for (int64_t o = 0; o < layout_.rows; ++o) {
      for (int64_t j = 0; j < layout_.columns; ++j) {
        double squares = 0;
        float absmax = 0;
        for (int64_t t = 0; t < layout_.taps; ++t, ++element) {
          squares += double{*element} * *element;
          absmax = std::max(absmax, std::abs(*element));
        }
        squares_.push_back(squares);
        absmax_.push_back(absmax);
        float& of_channel = weight_absmax_[layout_.channel_of(o, j)];
        of_channel = std::max(of_channel, absmax);
      }
    }
  }

  double step_of(const std::vector<float>& factors) const {
    double low = 0, high = 0;
    for (size_t c = 0; c < factors.size(); ++c) {
      low = std::min(low, double{low_[c]} / factors[c]);
      high = std::max(high, double{high_[c]} / factors[c]);
    }
    return (high - low) / 255;
  }

  WeightsByInput layout_;
  std::vector<float> low_, high_, input_absmax_, weight_absmax_;  // by channel
  std::vector<double> squares_, absmax_;                          // by row and column
};

/// Factors that are worth it; nullopt: none are.
std::optional<std::vector<float>> improve(const ExpectedError& error, size_t channels) {
  const auto error_of = [&](float alpha) { return error(error.factors(alpha)); };
  const auto alpha = worthwhile_alpha(error_of, error(std::vector<float>(channels, 1.0F)));
  if (!alpha) return std::nullopt;
  return error.factors(*alpha);
}

class Equaliser {
 public:
  Equaliser(const Graph& graph, const Observations& observations) : graph_(graph) {
    const auto users = graph.all_users();
    for (NodeId id : graph.topological_order()) {
      const ValueId v = graph.node(id).output();
      const auto pair = pair_around(graph, v, users[static_cast<size_t>(v)]);
      if (!pair) continue;
      const auto seen = observations.find(graph.value(v).name);
      const size_t channels = static_cast<size_t>(graph.value(graph.node(id).input(kFusedWeights)).constant.shape()[0]);
      if (seen == observations.end() || seen->second.channels().size() != channels) continue;
      entries_.push_back({graph.value(v).name, *pair, &seen->second.channels(), std::vector<float>(channels, 1.0F)});
    }
  }

  Equalisation run() {
    Equalisation result;
    bool changed = !entries_.empty();
    for (int round = 0; changed && round < kMaxRounds; ++round) {
      changed = false;
      for (Entry& e : entries_) changed = improve_one(e, result) || changed;
      graph_.remove_dead_nodes();
    }
    return result;
  }

 private:
  struct Entry {
    std::string value;
    Pair pair;
    const std::vector<RowStatistics>* channels;
    std::vector<float> divided;  ///< By what, so far.
  };

  bool improve_one(Entry& e, Equalisation& result) {
    const Node& second = graph_.node(e.pair.second);
    const ExpectedError error(*e.channels, e.divided, graph_.value(second.input(kFusedWeights)).constant,
                              second.attrs.get_int("group", 1));
    const auto factors = improve(error, e.divided.size());
    if (!factors) return false;
    rescale(graph_, e.pair, *factors);
    for (size_t c = 0; c < factors->size(); ++c) e.divided[c] *= (*factors)[c];
    result[e.value] = e.divided;
    return true;
  }

  Graph graph_;
  std::vector<Entry> entries_;
};

}  // namespace

Equalisation choose_equalisation(const Graph& graph, const Observations& observations) {
  return Equaliser(graph, observations).run();
}

void equalise_layers(Graph& graph, const Equalisation& equalisation) {
  for (const auto& [name, factors] : equalisation) {
    const ValueId v = graph.find_value(name);
    const auto pair = v == kNoValue ? std::nullopt : pair_around(graph, v, graph.users(v));
    if (!pair) {
      throw Error(
          ErrorCode::kUnsupported,
          fmt::format("the profiles make different graphs: '{}' is between two convolutions in the first only", name))
          .with_hint("build an engine for each profile");
    }
    rescale(graph, *pair, factors);
  }
  graph.remove_dead_nodes();
}

}  // namespace burnish
