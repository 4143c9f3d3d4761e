#include "compile/choose.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

namespace burnish {
namespace {

constexpr double kImpossible = INFINITY;

class Chooser {
 public:
  Chooser(const std::vector<StepOptions>& options, const std::vector<PlacementEdge>& edges)
      : options_(options), edges_(edges), placed_(edges.size(), false), edges_of_step_(options.size()) {
    for (size_t e = 0; e < edges_.size(); ++e) {
      for (const int32_t step : steps_of(e)) edges_of_step_[static_cast<size_t>(step)].push_back(e);
    }
  }

  Choice run() {
    for (const std::vector<size_t>& component : components()) {
      component.size() <= kMaxExhaustiveEdges ? search_all(component) : descend(component);
    }
    Choice choice;
    for (size_t s = 0; s < options_.size(); ++s) {
      const Candidate* best = best_candidate(static_cast<int32_t>(s));
      choice.candidates.push_back(best == nullptr ? Candidate{} : *best);
    }
    choice.placed = placed_;
    return choice;
  }

 private:
  /// Producer and readers: the steps whose candidates depend on the edge's state.
  std::set<int32_t> steps_of(size_t e) const {
    std::set<int32_t> steps{edges_[e].producer};
    for (const Reader& reader : edges_[e].readers) steps.insert(reader.step);
    return steps;
  }

  std::vector<std::vector<size_t>> components() const {
    std::vector<size_t> parent(edges_.size());
    std::iota(parent.begin(), parent.end(), size_t{0});
    const auto find = [&](size_t e) {
      while (parent[e] != e) e = parent[e] = parent[parent[e]];
      return e;
    };
    for (const auto& edges : edges_of_step_) {
      for (const size_t e : edges) parent[find(e)] = find(edges.front());
    }
    std::vector<std::vector<size_t>> by_root(edges_.size());
    for (size_t e = 0; e < edges_.size(); ++e) by_root[find(e)].push_back(e);
    std::erase_if(by_root, [](const auto& component) { return component.empty(); });
    return by_root;
  }

  bool accepts(const Candidate& candidate, int32_t step) const {
    const Problem& problem = *options_[static_cast<size_t>(step)].problem;
    for (const size_t e : edges_of_step_[static_cast<size_t>(step)]) {
      const PlacementEdge& edge = edges_[e];
      if (!placed_[e] || !edge.strided) continue;
      if (edge.producer == step && !candidate.tactic->accepts_strided_output(problem, edge.producer_output))
        return false;
      for (const Reader& reader : edge.readers) {
        if (reader.step == step && !candidate.tactic->accepts_strided_input(problem, reader.position)) return false;
      }
    }
    return true;
  }

  /// nullptr when no candidate accepts the present state, or the step needs none.
  const Candidate* best_candidate(int32_t step) const {
    const StepOptions& options = options_[static_cast<size_t>(step)];
    const Candidate* best = nullptr;
    for (const Candidate& candidate : options.candidates) {
      if ((best == nullptr || candidate.us < best->us) && (!options.problem || accepts(candidate, step)))
        best = &candidate;
    }
    return best;
  }

  /// Time that depends on the component's state.
  double cost(const std::vector<size_t>& component) const {
    double us = 0;
    std::set<int32_t> steps;
    std::set<PlanValueId> values;
    for (const size_t e : component) {
      if (!placed_[e]) us += edges_[e].copy_us;
      if (placed_[e] && !values.insert(edges_[e].value).second) return kImpossible;  // one value, two places
      steps.merge(steps_of(e));
    }
    for (const int32_t step : steps) {
      const bool needs_candidate = !options_[static_cast<size_t>(step)].candidates.empty();
      const Candidate* best = best_candidate(step);
      if (best == nullptr && needs_candidate) return kImpossible;
      if (best != nullptr) us += best->us;
    }
    return us;
  }

  void search_all(const std::vector<size_t>& component) {
    uint32_t best_state = 0;
    double best = kImpossible;
    // From "all placed" downwards: of equal states the one with more placed values wins.
    for (uint32_t state = 1U << component.size(); state-- > 0;) {
      set(component, state);
      const double us = cost(component);
      if (us < best) {
        best = us;
        best_state = state;
      }
    }
    set(component, best_state);
  }

  void set(const std::vector<size_t>& component, uint32_t state) {
    for (size_t i = 0; i < component.size(); ++i) placed_[component[i]] = ((state >> i) & 1U) != 0;
  }

  void descend(const std::vector<size_t>& component) {
    double best = cost(component);
    for (bool improved = true; improved;) {
      improved = false;
      for (const size_t e : component) {
        placed_[e] = !placed_[e];
        const double us = cost(component);
        if (us < best) {
          best = us;
          improved = true;
        } else {
          placed_[e] = !placed_[e];
        }
      }
    }
  }

  const std::vector<StepOptions>& options_;
  const std::vector<PlacementEdge>& edges_;
  std::vector<bool> placed_;
  std::vector<std::vector<size_t>> edges_of_step_;
};

}  // namespace

Choice choose(const std::vector<StepOptions>& options, const std::vector<PlacementEdge>& edges) {
  return Chooser(options, edges).run();
}

}  // namespace burnish
