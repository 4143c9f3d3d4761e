#include "compile/concat_placement.h"

#include <algorithm>

namespace burnish {
namespace {

constexpr double kCopyBytesPerUs = 8000;  ///< Assumed where the concat was not timed.

bool is_binding(const std::vector<Binding>& bindings, PlanValueId id) {
  return std::any_of(bindings.begin(), bindings.end(), [&](const Binding& b) { return b.value == id; });
}

class PlacementFinder {
 public:
  PlacementFinder(const LoweredPlan& lowered, const ResolvedShapes& opt, const std::vector<StepOptions>& options)
      : plan_(lowered.plan),
        opt_(opt),
        options_(options),
        producers_(producers_of(plan_)),
        readers_(readers_of(plan_)) {}

  std::vector<PlacementEdge> run() {
    for (size_t s = 0; s < plan_.steps.size(); ++s) {
      const PlanStep& step = plan_.steps[s];
      if (step.kind == StepKind::kKernel && step.op == "Concat") visit(static_cast<int32_t>(s), step);
    }
    return std::move(edges_);
  }

 private:
  const PlanValue& value(PlanValueId id) const { return plan_.values[static_cast<size_t>(id)]; }

  void visit(int32_t concat, const PlanStep& step) {
    const PlanValue& output = value(step.outputs.front());
    // The caller may bind memory of its own to an output, so nothing is placed in there ahead.
    if (!output.has_shape || is_binding(plan_.outputs, step.outputs.front()) || !options_of(concat).problem) return;
    const int rank = static_cast<int>(output.shape.size());
    const int axis = normalize_axis(step.attrs.get_int("axis", 0), rank);
    const bool dense =
        std::all_of(output.shape.begin(), output.shape.begin() + axis, [](const Dim& d) { return d.is(1); });
    if (!dense && axis != rank - 1) return;
    for (size_t i = 0; i < step.inputs.size(); ++i) {
      PlacementEdge edge{concat, static_cast<int32_t>(i), step.inputs[i], -1, -1, {}, !dense, 0};
      if (may_place(edge)) edges_.push_back(std::move(edge));
    }
  }

  bool may_place(PlacementEdge& edge) const {
    const PlanValue& v = value(edge.value);
    edge.producer = producers_[static_cast<size_t>(edge.value)];
    if (v.kind != ValueKind::kIntermediate || v.storage != Storage::kOwn || !v.has_shape || edge.producer < 0)
      return false;
    const PlanStep& producer = plan_.steps[static_cast<size_t>(edge.producer)];
    if (producer.kind != StepKind::kKernel || producer.op == "Concat" || is_binding(plan_.outputs, edge.value))
      return false;
    const auto at = std::find(producer.outputs.begin(), producer.outputs.end(), edge.value);
    edge.producer_output = static_cast<int32_t>(at - producer.outputs.begin());
    int times_here = 0;
    for (const Reader& reader : readers_[static_cast<size_t>(edge.value)]) {
      if (reader.step == edge.concat) {
        ++times_here;
      } else {
        edge.readers.push_back(reader);
      }
    }
    edge.copy_us = copy_us(edge);
    return times_here == 1 && (!edge.strided || strides_accepted(edge)) && !feeds_view_of_slice(edge);
  }

  const StepOptions& options_of(int32_t step) const { return options_[static_cast<size_t>(step)]; }

  template <typename Accepts>
  bool any_candidate(int32_t step, const Accepts& accepts) const {
    const StepOptions& options = options_of(step);
    if (!options.problem) return false;
    return std::any_of(options.candidates.begin(), options.candidates.end(),
                       [&](const Candidate& c) { return accepts(*c.tactic, *options.problem); });
  }

  bool strides_accepted(const PlacementEdge& edge) const {
    const bool written = any_candidate(edge.producer, [&](const Tactic& tactic, const Problem& problem) {
      return tactic.accepts_strided_output(problem, edge.producer_output);
    });
    return written && std::all_of(edge.readers.begin(), edge.readers.end(), [&](const Reader& reader) {
             return any_candidate(reader.step, [&](const Tactic& tactic, const Problem& problem) {
               return tactic.accepts_strided_input(problem, reader.position);
             });
           });
  }

  /// Views need rows next to each other: of a strided slice there is none, of a dense one there may be.
  bool feeds_view_of_slice(const PlacementEdge& edge) const {
    return edge.strided && std::any_of(edge.readers.begin(), edge.readers.end(), [&](const Reader& reader) {
             return plan_.steps[static_cast<size_t>(reader.step)].kind == StepKind::kView;
           });
  }

  double bytes_of(PlanValueId id) const {
    const auto& shape = opt_.shapes[static_cast<size_t>(id)];
    return shape ? static_cast<double>(shape->num_elements()) * static_cast<double>(size_of(value(id).dtype)) : 0;
  }

  /// The share of the concat's time, or an estimate from the bytes where it was not timed.
  double copy_us(const PlacementEdge& edge) const {
    const double bytes = bytes_of(edge.value);
    double concat_us = 0;
    for (const Candidate& c : options_of(edge.concat).candidates) {
      if (c.us > 0 && (concat_us == 0 || c.us < concat_us)) concat_us = c.us;
    }
    const double all = bytes_of(plan_.steps[static_cast<size_t>(edge.concat)].outputs.front());
    return concat_us > 0 && all > 0 ? concat_us * bytes / all : bytes / kCopyBytesPerUs;
  }

  const Plan& plan_;
  const ResolvedShapes& opt_;
  const std::vector<StepOptions>& options_;
  const std::vector<int32_t> producers_;
  const std::vector<std::vector<Reader>> readers_;
  std::vector<PlacementEdge> edges_;
};

}  // namespace

std::vector<PlacementEdge> find_placements(const LoweredPlan& lowered, const ResolvedShapes& opt,
                                           const std::vector<StepOptions>& options) {
  return PlacementFinder(lowered, opt, options).run();
}

void place(Plan& plan, const PlacementEdge& edge) {
  PlanValue& value = plan.values[static_cast<size_t>(edge.value)];
  value.storage = Storage::kSlice;
  value.root = plan.steps[static_cast<size_t>(edge.concat)].outputs.front();
  value.slice_step = edge.concat;
  value.slice_position = edge.position;
}

}  // namespace burnish
