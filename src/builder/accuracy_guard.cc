#include "builder/accuracy_guard.h"

#include <algorithm>
#include <numeric>

namespace burnish {
namespace {

class Guard {
 public:
  Guard(const std::vector<GuardedLayer>& layers, double budget, int max_trials, const MeasureTrial& measure)
      : layers_(layers), budget_(budget), max_trials_(max_trials), measure_(measure), order_(layers.size()) {
    std::iota(order_.begin(), order_.end(), size_t{0});
    std::ranges::stable_sort(order_, [&](size_t a, size_t b) { return layers[a].sensitivity > layers[b].sensitivity; });
  }

  GuardResult run() {
    result_.raised.assign(layers_.size(), false);
    result_.lowered = result_.final = measure(result_.raised);
    result_.holds = holds(result_.final);
    if (result_.holds || layers_.empty()) return result_;
    if (!try_raise(layers_.size())) return result_;
    bisect();
    lower_again();
    return result_;
  }

 private:
  bool holds(const Trial& trial) const { return trial.loss <= budget_; }

  Trial measure(const std::vector<bool>& raised) {
    ++result_.num_trials;
    return measure_(raised);
  }

  /// Keeps the trial when it holds; else only remembers that it was made, if nothing has held so far.
  bool try_layers(const std::vector<bool>& raised) {
    const Trial trial = measure(raised);
    const bool held = result_.holds;
    if (!holds(trial)) {
      if (!held) result_.final = trial;
      return false;
    }
    result_.holds = true;
    result_.raised = raised;
    result_.final = trial;
    return true;
  }

  bool try_raise(size_t count) {
    std::vector<bool> raised(layers_.size(), false);
    for (size_t i = 0; i < count; ++i) raised[order_[i]] = true;
    return try_layers(raised);
  }

  void bisect() {
    size_t fails = 0;
    size_t held = layers_.size();
    while (held - fails > 1 && result_.num_trials < max_trials_) {
      // Budgets are mostly held by a few layers: look among the first ones sooner.
      const size_t middle = std::max(fails + 1, fails + (held - fails) / 3);
      (try_raise(middle) ? held : fails) = middle;
    }
  }

  void lower_again() {
    std::vector<size_t> dearest;
    for (size_t i = 0; i < layers_.size(); ++i) {
      if (result_.raised[i]) dearest.push_back(i);
    }
    std::ranges::stable_sort(dearest, [&](size_t a, size_t b) { return layers_[a].cost > layers_[b].cost; });
    for (size_t i : dearest) {
      if (result_.num_trials >= max_trials_) return;
      std::vector<bool> raised = result_.raised;
      raised[i] = false;
      try_layers(raised);
    }
  }

  const std::vector<GuardedLayer>& layers_;
  double budget_;
  int max_trials_;
  const MeasureTrial& measure_;
  std::vector<size_t> order_;
  GuardResult result_;
};

}  // namespace

GuardResult hold_budget(const std::vector<GuardedLayer>& layers, double budget, int max_trials,
                        const MeasureTrial& measure) {
  return Guard(layers, budget, max_trials, measure).run();
}

}  // namespace burnish
