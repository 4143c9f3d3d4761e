#pragma once
// The autotuner: which tactics can run a problem, and how long each takes on this machine.
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/thread_pool.h"
#include "compile/timing_cache.h"
#include "kernels/tactic.h"

namespace burnish {

/// A way to run a step.
struct Candidate {
  const Tactic* tactic = nullptr;
  std::string config;
  double us = 0;  ///< Measured; 0 when not timed.
};

/// The key of its time in a TimingCache. problem: as to_string() writes it.
std::string timing_key(const Candidate& candidate, const std::string& problem, const Target& target, int rounds);

/// How hard to search, by optimisation level 0…5.
struct TuningEffort {
  int tactics = 0;          ///< Tactics that are tried.
  int configs = 0;          ///< Configurations of each.
  int rounds = 0;           ///< Timed rounds of every candidate; 0: nothing is timed.
  double candidate_us = 0;  ///< Time after which a candidate gets no further round (two are always run).
  bool allocating = false;  ///< Whether tactics that allocate while running are tried.
  static TuningEffort of_level(int opt_level);
};

class Tuner {
 public:
  /// The cache and the target outlive the tuner.
  Tuner(const Target& target, TimingCache& cache, int opt_level);
  ~Tuner();

  /// All candidates that ran, in the order of the tactic table; never empty. Throws kUnsupported when no tactic takes
  /// the problem. Equal problems are timed once.
  const std::vector<Candidate>& candidates(const Problem& problem);
  /// Lets tactics do, on all of the target's threads, what candidates() would have to wait for (compiling programs).
  void warm_up(std::span<const Problem> problems) const;
  /// For problems whose shapes depend on data: the reference.
  Candidate reference() const;
  /// Candidates that were timed rather than found in the cache.
  int num_timed() const { return num_timed_; }

 private:
  std::vector<Candidate> enumerate(const Problem& problem) const;
  std::vector<double> race_on_host(const Problem& problem, const std::vector<Candidate>& candidates);
  void measure(const Problem& problem, const std::string& key, std::vector<Candidate>& candidates);
  std::string cache_key(const Candidate& candidate, const std::string& problem_key) const;

  const Target& target_;
  TimingCache& cache_;
  TuningEffort effort_;
  std::unique_ptr<ThreadPool> pool_;  ///< Made when something is timed first.
  std::map<std::string, std::vector<Candidate>> known_;
  int num_timed_ = 0;
};

}  // namespace burnish
