// Stores values as the PrecisionPlan says. Producers write the encoding themselves and readers read it wherever their
// kernels can; elsewhere a QuantizeLinear, DequantizeLinear or Cast stands between. Runs last, on the graph as it will
// be executed.
#include <algorithm>

#include "ops/fused.h"
#include "passes/encoding_groups.h"
#include "passes/pass.h"
#include "passes/precision.h"
#include "passes/rewrite.h"

namespace burnish {
namespace {

/// Of images as they come in.
constexpr int64_t kFewChannels = 4;

/// Operators whose output has the input's element type unless told otherwise.
bool follows_input_type(const Node& n) {
  return !is_fused_product(n) && n.op != kFusedAttention && n.op != kPointwise;
}

Tensor converted(const Tensor& from, const Encoding& encoding) {
  Tensor to(encoding.dtype, from.shape());
  encode(from.as<float>(), encoding, to.view());
  return to;
}

class Lowering {
 public:
  Lowering(Graph& graph, const PrecisionPlan& plan, const PassContext& context)
      : graph_(graph), plan_(plan), context_(context), groups_(graph), num_values_(graph.num_value_ids()) {
    users_ = graph.all_users();
    for (const auto& output : graph.outputs()) is_output_.insert(output.value);
  }

  bool run() {
    const std::vector<NodeId> order = graph_.topological_order();
    for (ValueId v = 0; v < num_values_; ++v) {
      if (groups_.group_of(v) == v) encodings_[v] = choose(v);
    }
    stored_.assign(static_cast<size_t>(num_values_), kNoValue);
    for (ValueId v : graph_.inputs()) store(v, is_read_as_it_is(v));
    for (NodeId id : order) lower(id);
    for (const auto& output : std::vector<Graph::Output>(graph_.outputs())) restore_output(output.value);
    return changed_;
  }

 private:
  // --- decisions --------------------------------------------------------------------------------------------------
  const Encoding& encoding_of(ValueId v) const {
    static const Encoding kFloat;
    if (v == kNoValue || v >= num_values_) return kFloat;
    const ValueId group = groups_.group_of(v);
    return group == kNoValue ? kFloat : encodings_.at(group);
  }
  bool is_narrow(ValueId v) const { return encoding_of(v).dtype != DType::kFloat32; }

  const ValuePrecision* planned(ValueId v) const {
    const auto it = plan_.values.find(graph_.value(v).name);
    return it == plan_.values.end() ? nullptr : &it->second;
  }
  const LayerPrecision* layer_of(const Node& n) const {
    if (!is_fused_product(n)) return nullptr;
    const auto it = plan_.layers.find(graph_.value(n.output()).name);
    return it == plan_.layers.end() ? nullptr : &it->second;
  }

  Encoding choose(ValueId group) const {
    for (ValueId v : groups_.members(group)) {
      if (const ValuePrecision* p = planned(v)) return p->encoding;
    }
    return plan_.floats != DType::kFloat32 && pays_narrow(group) ? Encoding{plan_.floats} : Encoding{};
  }

  bool stays_full(const Node& n) const {
    return std::ranges::any_of(
        n.outputs, [&](ValueId v) { return v != kNoValue && plan_.full_precision.contains(graph_.value(v).name); });
  }

  bool is_constant_data(const Node& n, int i) const {
    return is_transparent(graph_, n) && i < num_data_inputs(n) && n.input(i) != kNoValue &&
           graph_.value(n.input(i)).is_constant();
  }
  /// Or selects from narrow constants, such as a table of embeddings.
  bool writes_at_no_cost(const Node& n) const {
    if (!is_transparent(graph_, n)) return can_write(n, plan_.floats);
    for (int i = 0; i < num_data_inputs(n); ++i) {
      if (is_constant_data(n, i)) return true;
    }
    return false;
  }

  /// A narrow float pays where somebody can read it, and somebody computes less or writes it at no cost.
  bool pays_narrow(ValueId group) const {
    bool read = false;
    bool gains = false;
    for (ValueId v : groups_.members(group)) {
      const Node* producer = graph_.producer(v);
      if (producer != nullptr && stays_full(*producer)) return false;
      gains = gains || (producer != nullptr && writes_at_no_cost(*producer));
      for (NodeId id : users_[static_cast<size_t>(v)]) {
        const Node& n = graph_.node(id);
        if (stays_full(n)) return false;
        if (is_transparent(graph_, n)) continue;
        for (int i = 0; i < static_cast<int>(n.inputs.size()); ++i) {
          if (n.input(i) != v || !can_read(n, i, plan_.floats)) continue;
          read = true;
          gains = gains || is_fused_product(n);
        }
      }
    }
    return read && gains;
  }

  /// Whether the node itself writes its output narrow.
  bool writes(const Node& n, ValueId v) const {
    const Encoding& e = encoding_of(v);
    if (n.output() != v || !can_write(n, e.dtype)) return false;
    const ValuePrecision* p = planned(v);
    if (p != nullptr && p->factors.defined()) return false;
    // The kernels of products on FLOAT write FLOAT.
    if (is_fused_product(n) && !reads_narrow(n, 0)) return false;
    if (!e.is_integer() || n.op == kFusedConv) return true;
    // Others keep full precision for those readers that do not compute on integers.
    return !is_output_.contains(v) && std::ranges::all_of(users_[static_cast<size_t>(v)], [&](NodeId id) {
      const Node& user = graph_.node(id);
      return is_transparent(graph_, user) || (layer_of(user) != nullptr && user.input(0) == v && user.input(3) != v);
    });
  }

  /// Whether the node reads input i as it is stored, should it be stored narrow.
  bool reads_narrow(const Node& n, int i) const {
    const ValueId v = n.input(i);
    const Encoding& e = encoding_of(v);
    if (!is_narrow(v) || stays_full(n)) return false;
    if (is_transparent(graph_, n)) return i < num_data_inputs(n);
    if (!can_read(n, i, e.dtype)) return false;
    if (is_fused_product(n)) return product_reads(n, i, e);
    if (n.op == kFusedAttention) return all_alike(n, 3, e);
    return true;
  }

  bool product_reads(const Node& n, int i, const Encoding& e) const {
    const bool constant_weights = graph_.value(n.input(1)).is_constant();
    if (i == kFusedResidual) return reads_narrow(n, 0) && (!e.is_integer() || n.op == kFusedConv);
    if (e.is_integer()) return i == 0 && layer_of(n) != nullptr;
    if (constant_weights) return i == 0 && graph_.value(n.input(1)).constant.dtype() == DType::kFloat32;
    return all_alike(n, 2, e);
  }

  bool all_alike(const Node& n, int count, const Encoding& e) const {
    for (int i = 0; i < count; ++i) {
      if (n.input(i) != kNoValue && encoding_of(n.input(i)) != e) return false;
    }
    return true;
  }

  /// A FLOAT image of the caller's that only convolutions with narrow weights read: they round it themselves.
  bool is_read_as_it_is(ValueId v) const {
    const std::vector<NodeId>& users = users_[static_cast<size_t>(v)];
    if (!context_.mixed_images || encoding_of(v).is_integer() || is_output_.contains(v) || users.empty()) return false;
    return std::ranges::all_of(users, [&](NodeId id) {
      const Node& n = graph_.node(id);
      if (n.op != kFusedConv || n.input(0) != v || n.input(kFusedResidual) == v || !reads_narrow(n, 0)) return false;
      const Value& w = graph_.value(n.input(kFusedWeights));
      return w.is_constant() && w.constant.shape()[1] <= kFewChannels && n.attrs.get_int("group", 1) == 1;
    });
  }

  // --- rewriting --------------------------------------------------------------------------------------------------
  void lower(NodeId id) {
    // Decided before anything is changed.
    const Node before = graph_.node(id);
    const bool transparent = is_transparent(graph_, before);
    const bool writes_narrow = is_narrow(before.output()) && !transparent && writes(before, before.output());
    rewrite_inputs(id, before);
    if (!transparent) tell_output(id, before, writes_narrow ? encoding_of(before.output()) : Encoding{});
    for (ValueId v : before.outputs) {
      if (v != kNoValue) store(v, transparent || (writes_narrow && v == before.output()));
    }
  }

  void tell_output(NodeId id, const Node& before, const Encoding& written) {
    AttributeMap& attrs = graph_.node(id).attrs;
    if (!follows_input_type(before)) {
      if (written.dtype != DType::kFloat32) set_output_encoding(attrs, written);
      return;
    }
    const bool reads = wants_stored(before, 0);
    if (!reads && written.dtype == DType::kFloat32) return;
    set_output_encoding_like(attrs, written, reads ? encoding_of(before.input(0)).dtype : DType::kFloat32);
  }

  /// Notes the stored form of a value: the value itself where its producer writes it, else what an encoding node makes.
  void store(ValueId v, bool written) {
    if (!is_narrow(v)) return;
    stored_[static_cast<size_t>(v)] = written ? v : add_encoding(v);
    changed_ = true;
  }

  void rewrite_inputs(NodeId id, const Node& before) {
    std::vector<bool> narrow;
    for (int i = 0; i < static_cast<int>(before.inputs.size()); ++i) narrow.push_back(wants_stored(before, i));
    const auto count = static_cast<int>(before.inputs.size());
    for (int i = 0; i < count; ++i) {
      const ValueId v = before.input(i);
      if (v == kNoValue || !is_narrow(v)) continue;
      graph_.node(id).inputs[static_cast<size_t>(i)] = narrow[static_cast<size_t>(i)] ? stored(v) : decoded(v);
    }
    if (is_transparent(graph_, before)) return convert_data(id, before);
    convert_weights(id, before, !narrow.empty() && narrow[0]);
    Node& n = graph_.node(id);
    for (int i = 0; i < count; ++i) {
      if (!narrow[static_cast<size_t>(i)] || !encoding_of(before.input(i)).is_integer()) continue;
      set_input_encoding(n.attrs, i, static_cast<int>(n.inputs.size()), encoding_of(before.input(i)));
    }
  }

  /// A reader that need not compute on integers takes the float where there is one.
  bool wants_stored(const Node& n, int i) const {
    const ValueId v = n.input(i);
    if (v == kNoValue || !reads_narrow(n, i)) return false;
    const bool must = is_transparent(graph_, n) || (is_fused_product(n) && i == 0);
    return must || !encoding_of(v).is_integer() || stored(v) == v;
  }

  ValueId stored(ValueId v) const { return stored_[static_cast<size_t>(v)]; }

  /// Constants among what a node moves have the type of the rest.
  void convert_data(NodeId id, const Node& before) {
    const Encoding& e = encoding_of(before.output());
    for (int i = 0; i < num_data_inputs(before); ++i) {
      if (!is_narrow(before.output()) || !is_constant_data(before, i)) continue;
      const ValueId v = before.input(i);
      const ValueId narrow = e.is_integer()
                                 ? graph_.add_constant(graph_.value(v).name, converted(graph_.value(v).constant, e))
                                 : narrow_constant(v, e.dtype);
      graph_.node(id).inputs[static_cast<size_t>(i)] = narrow;
    }
  }

  ValueId narrow_constant(ValueId v, DType dtype) {
    const auto [it, is_new] = narrow_constants_.emplace(v, kNoValue);
    if (is_new) it->second = graph_.add_constant(graph_.value(v).name, converted(graph_.value(v).constant, {dtype}));
    return it->second;
  }

  void convert_weights(NodeId id, const Node& before, bool narrow) {
    if (!narrow || !is_fused_product(before)) return;
    const Encoding& e = encoding_of(before.input(0));
    if (e.is_integer()) return set_integer_layer(id, *layer_of(before));
    const ValueId w = before.input(1);
    if (!graph_.value(w).is_constant()) return;
    graph_.node(id).inputs[1] = narrow_constant(w, e.dtype);
    context_.count(fmt::format("{} in {}", before.op, name_of(e.dtype)));
  }

  void set_integer_layer(NodeId id, const LayerPrecision& layer) {
    const std::string base = graph_.value(graph_.node(id).output()).name;
    std::vector<ValueId> inputs = graph_.node(id).inputs;
    inputs.resize(kFusedWeightScales + 1, kNoValue);
    inputs[kFusedWeights] = graph_.add_constant(base + "_weights", layer.weights);
    inputs[kFusedWeightScales] = graph_.add_constant(base + "_weight_scales", layer.weight_scales);
    if (layer.bias.defined()) inputs[kFusedBias] = graph_.add_constant(base + "_bias", layer.bias);
    Node& n = graph_.node(id);
    n.inputs = std::move(inputs);
    set_input_encoding(n.attrs, kFusedWeights, static_cast<int>(n.inputs.size()), {DType::kInt8});
    context_.count(fmt::format("{} in int8", n.op));
  }

  ValueId add_encoding(ValueId v) {
    const Encoding e = encoding_of(v);
    const std::string name = graph_.value(v).name;
    if (!e.is_integer()) return add_cast(v, e.dtype, name);
    AttributeMap attrs;
    if (const ValuePrecision* p = planned(v); p != nullptr && p->factors.defined()) {
      const ValueId factors = graph_.add_constant(name + "_factors", p->factors);
      attrs.set("program", std::vector<std::string>{"mul i0 i1"});
      set_output_encoding(attrs, e);
      return emit(graph_, std::string(kPointwise), name + "_balance", {v, factors}, attrs, name + "_quantized");
    }
    return emit(graph_, "QuantizeLinear", name + "_quantize", {v, scale_of(e, name), zero_of(e, name)}, attrs,
                name + "_quantized");
  }

  /// The value in FLOAT: as it was computed where it still is, else decoded.
  ValueId decoded(ValueId v) {
    if (stored(v) != v) return v;
    const auto [it, is_new] = decoded_.emplace(v, kNoValue);
    if (!is_new) return it->second;
    const Encoding e = encoding_of(v);
    const std::string name = graph_.value(v).name;
    // The value's type is known only when all is inferred again; nodes added here need it now.
    graph_.value(v).type.dtype = e.dtype;
    it->second = !e.is_integer() ? add_cast(v, DType::kFloat32, name)
                                 : emit(graph_, "DequantizeLinear", name + "_dequantize",
                                        {v, scale_of(e, name), zero_of(e, name)}, {}, name + "_dequantized");
    return it->second;
  }

  ValueId add_cast(ValueId v, DType dtype, const std::string& name) {
    AttributeMap attrs;
    attrs.set("to", std::string(name_of(dtype)));
    return emit(graph_, "Cast", name + "_cast", {v}, std::move(attrs), fmt::format("{}_{}", name, name_of(dtype)));
  }
  ValueId scale_of(const Encoding& e, const std::string& name) { return add_scalar(graph_, name + "_scale", e.scale); }
  ValueId zero_of(const Encoding& e, const std::string& name) { return add_zero_point(graph_, name + "_zero", e); }

  /// Outputs of the graph are FLOAT, whatever is stored.
  void restore_output(ValueId v) {
    if (!is_narrow(v) || stored(v) != v) return;
    graph_.replace_output(v, decoded(v));
  }

  Graph& graph_;
  const PrecisionPlan& plan_;
  const PassContext& context_;
  const EncodingGroups groups_;
  const int num_values_;
  std::vector<std::vector<NodeId>> users_;
  std::set<ValueId> is_output_;
  std::map<ValueId, Encoding> encodings_;  // by group
  std::vector<ValueId> stored_;            // by value
  std::map<ValueId, ValueId> decoded_, narrow_constants_;
  bool changed_ = false;
};

}  // namespace

bool lower_precision(Graph& graph, const PassContext& context) {
  return context.precision != nullptr && Lowering(graph, *context.precision, context).run();
}

}  // namespace burnish
