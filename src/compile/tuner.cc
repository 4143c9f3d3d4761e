#include "compile/tuner.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "compile/gpu_stopwatch.h"
#include "compile/step_problem.h"
#include "compile/stopwatch.h"

namespace burnish {
namespace {

constexpr double kRefused = -1;  ///< In the cache: the tactic could not run the problem after all.

bool is_reference(const Tactic& tactic) {
  return tactic.ops().empty();
}

bool handles(const Tactic& tactic, std::string_view op) {
  const auto ops = tactic.ops();
  return ops.empty() || std::find(ops.begin(), ops.end(), op) != ops.end();
}

bool has_empty_tensor(const Problem& problem) {
  const auto is_empty = [](const TensorDesc& desc) { return desc.present() && desc.shape.num_elements() == 0; };
  return std::any_of(problem.inputs.begin(), problem.inputs.end(), is_empty) ||
         std::any_of(problem.outputs.begin(), problem.outputs.end(), is_empty);
}

/// Buffers larger than this share of the machine's memory are not made for the sake of timing.
constexpr double kMaxMemoryShare = 0.25;

bool fits_in_memory(const Problem& problem) {
  const double available =
      static_cast<double>(::sysconf(_SC_PHYS_PAGES)) * static_cast<double>(::sysconf(_SC_PAGESIZE));
  double bytes = 0;
  const auto add = [&](const TensorDesc& desc) {
    if (desc.present())
      bytes += static_cast<double>(desc.shape.num_elements()) * static_cast<double>(size_of(desc.dtype));
  };
  for (const TensorDesc& desc : problem.inputs) add(desc);
  for (const TensorDesc& desc : problem.outputs) add(desc);
  return bytes < available * kMaxMemoryShare;
}

}  // namespace

std::string timing_key(const Candidate& candidate, const std::string& problem, const Target& target, int rounds) {
  // Hosts of equal GPUs share a cache, however many cores they have.
  const std::string threads = target.is_cuda() ? "" : fmt::format("|threads={}", target.num_threads);
  return fmt::format("{}#{}|{}|{}|{}{}|rounds={}", candidate.tactic->name(), candidate.tactic->version(),
                     candidate.config, problem, target.fingerprint(), threads, rounds);
}

TuningEffort TuningEffort::of_level(int opt_level) {
  static constexpr int kMany = 1 << 20;
  switch (opt_level) {
    case 0:
      return {1, 1, 0, 0};
    case 1:
      return {2, 1, 3, 1e4};
    case 2:
      return {3, 2, 4, 2e4};
    case 3:
      return {kMany, 4, 7, 4e4};
    case 4:
      return {kMany, 10, 12, 1e5};
    default:
      return {kMany, kMany, 30, 1e6, true};
  }
}

Tuner::Tuner(const Target& target, TimingCache& cache, int opt_level)
    : target_(target), cache_(cache), effort_(TuningEffort::of_level(opt_level)) {
  // A GPU's candidates take microseconds each, and more of them differ.
  constexpr int kMoreOnGpus = 4;
  if (target_.is_cuda() && effort_.configs < (1 << 20)) effort_.configs *= kMoreOnGpus;
}

Tuner::~Tuner() = default;

Candidate Tuner::reference() const {
  for (const Tactic* tactic : tactics_of(target_)) {
    if (is_reference(*tactic)) return {tactic, "", 0};
  }
  throw_error(ErrorCode::kInternal, "the tactic table has no reference");
}

std::vector<Candidate> Tuner::enumerate(const Problem& problem) const {
  if (has_empty_tensor(problem)) return {reference()};  // nothing to speed up, and kernels need not think of it
  std::vector<Candidate> found;
  int num_tactics = 0;
  for (const Tactic* tactic : tactics_of(target_)) {
    if (num_tactics == effort_.tactics) break;
    // The reference is slower than anything made for the purpose: not worth the time that timing it takes.
    if (is_reference(*tactic) && num_tactics > 0) continue;
    // A GPU's executions replay a graph, which calls no run().
    if (tactic->allocates() && !effort_.allocating && !target_.is_cuda()) continue;
    if (!handles(*tactic, problem.op) || !tactic->supports(problem, target_)) continue;
    ++num_tactics;
    const auto configs = tactic->candidates(problem, target_);
    const size_t count = std::min(configs.size(), static_cast<size_t>(effort_.configs));
    for (size_t i = 0; i < count; ++i) found.push_back({tactic, configs[i], 0});
  }
  check(!found.empty(), ErrorCode::kUnsupported, "no tactic runs {}", to_string(problem));
  return found;
}

std::string Tuner::cache_key(const Candidate& candidate, const std::string& problem_key) const {
  return timing_key(candidate, problem_key, target_, effort_.rounds);
}

std::vector<double> Tuner::race_on_host(const Problem& problem, const std::vector<Candidate>& candidates) {
  if (!pool_) pool_ = std::make_unique<ThreadPool>(target_.num_threads);
  const ProblemBuffers buffers(problem);
  std::vector<std::unique_ptr<Contestant>> contestants;
  for (const Candidate& candidate : candidates) {
    contestants.emplace_back();
    try {
      contestants.back() = std::make_unique<Contestant>(candidate, problem, buffers, target_);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kUnsupported) throw;
    }
  }
  std::vector<double> times = race(contestants, effort_, *pool_, target_);
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (!contestants[i]) times[i] = kRefused;
  }
  return times;
}

void Tuner::measure(const Problem& problem, const std::string& key, std::vector<Candidate>& candidates) {
  const auto times =
      target_.is_cuda() ? race_on_gpu(problem, candidates, effort_, target_) : race_on_host(problem, candidates);
  for (size_t i = 0; i < candidates.size(); ++i) {
    candidates[i].us = times[i];
    cache_.insert(cache_key(candidates[i], key), candidates[i].us);
  }
  num_timed_ += static_cast<int>(candidates.size());
}

void Tuner::warm_up(std::span<const Problem> problems) const {
  struct Task {
    const Problem* problem;
    Candidate candidate;
  };
  std::vector<Task> tasks;
  std::set<std::string> seen;
  for (const Problem& problem : problems) {
    const std::string key = to_string(problem);
    if (known_.contains(key) || !seen.insert(key).second) continue;
    const auto candidates = enumerate(problem);
    const auto is_timed = [&](const Candidate& c) { return cache_.find(cache_key(c, key)).has_value(); };
    if (std::all_of(candidates.begin(), candidates.end(), is_timed)) continue;
    for (const Candidate& candidate : candidates) tasks.push_back({&problem, candidate});
  }
  std::atomic<size_t> next = 0;
  const auto work = [&] {
    for (size_t i = next++; i < tasks.size(); i = next++) {
      try {
        tasks[i].candidate.tactic->warm_up(*tasks[i].problem, tasks[i].candidate.config);
      } catch (const Error&) {  // who packs it will hear of it again
      }
    }
  };
  std::vector<std::jthread> threads;
  for (int t = 1; t < target_.num_threads; ++t) threads.emplace_back(work);
  work();
}

const std::vector<Candidate>& Tuner::candidates(const Problem& problem) {
  const std::string key = to_string(problem);
  const auto [it, is_new] = known_.try_emplace(key);
  std::vector<Candidate>& candidates = it->second;
  if (!is_new) return candidates;
  candidates = enumerate(problem);
  // A lone candidate is timed as well: its time is the price of a plan and what `inspect` shows.
  if (effort_.rounds > 0 && target_.device >= 0 && fits_in_memory(problem)) {
    bool all_cached = true;
    for (Candidate& candidate : candidates) {
      const auto us = cache_.find(cache_key(candidate, key));
      all_cached &= us.has_value();
      candidate.us = us.value_or(0);
    }
    if (!all_cached) measure(problem, key, candidates);
    // What the cache holds is rounded; choose by that, so that a build from the cache makes the same choice.
    for (Candidate& candidate : candidates) candidate.us = *cache_.find(cache_key(candidate, key));
    std::erase_if(candidates, [](const Candidate& c) { return c.us < 0; });
    if (candidates.empty()) candidates.push_back(reference());
  }
  return candidates;
}

}  // namespace burnish
