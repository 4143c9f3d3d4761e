#include "compile/stopwatch.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/error.h"
#include "compile/made_up_values.h"

namespace burnish {
namespace {

using Clock = std::chrono::steady_clock;

/// Runs shorter than this are repeated within a round, so that the clock's grain does not matter.
constexpr double kMinRoundUs = 40;
constexpr int kMaxRepeats = 16;
/// A contestant drops out when it needs this many times the best one's time: in its first run (with cold caches and
/// fresh memory), in the first round, and in later rounds.
constexpr double kHopelessInWarmUp = 6;
constexpr double kHopelessAtFirst = 2;
constexpr double kHopelessLater = 1.3;

/// Reads and writes more than the second-level caches hold: a step's weights have been evicted by the other steps'.
class CacheSweeper {
 public:
  explicit CacheSweeper(const Target& target)
      : bytes_(static_cast<size_t>(std::clamp<int64_t>(target.l2_bytes * 2, 1 << 20, 8 << 20)) *
               static_cast<size_t>(target.num_threads)),
        memory_(allocate_aligned(bytes_)) {
    std::memset(memory_.get(), 0, bytes_);
  }
  void sweep(ThreadPool& pool) {
    auto* words = static_cast<uint64_t*>(memory_.get());
    pool.for_ranges(static_cast<int64_t>(bytes_ / sizeof(uint64_t)), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; i += 8) ++words[i];
    });
  }

 private:
  size_t bytes_;
  std::shared_ptr<void> memory_;
};

/// The lower quartile: robust against other work on the machine, which only ever slows down.
double robust_time(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  return samples[samples.size() / 4];
}

/// Microseconds of a first run; negative when the operator refuses the made-up input values (a ratio below zero, say),
/// which only the reference does.
double warm_up(const Contestant& contestant, ThreadPool& pool) {
  try {
    return contestant.run(pool, 1);
  } catch (const Error&) {
    return -1;
  }
}

struct Lane {
  const Contestant* contestant = nullptr;
  std::vector<double> samples;
  double spent_us = 0;
  int repeats = 1;
  bool running = false;
  double time() const { return samples.empty() ? INFINITY : robust_time(samples); }
};

class Race {
 public:
  Race(const TuningEffort& effort, ThreadPool& pool, const Target& target)
      : effort_(effort), pool_(pool), sweeper_(target) {}

  void enter(const Contestant* contestant) {
    Lane& lane = lanes_.emplace_back();
    const double first_us = contestant == nullptr ? -1 : warm_up(*contestant, pool_);
    if (first_us < 0) return;
    const int repeats = std::clamp(static_cast<int>(kMinRoundUs / std::max(first_us, 0.1)), 1, kMaxRepeats);
    lane = {contestant, {first_us}, first_us, repeats, true};
  }

  void run() {
    drop_hopeless(kHopelessInWarmUp);
    for (int round = 0; round < effort_.rounds; ++round) {
      const bool alone = std::count_if(lanes_.begin(), lanes_.end(), [](const Lane& l) { return l.running; }) == 1;
      for (Lane& lane : lanes_) {
        // Somebody slow without competition has its time already.
        if (lane.running && !(alone && lane.spent_us > effort_.candidate_us)) sample(lane, round);
      }
      drop_hopeless(round == 0 ? kHopelessAtFirst : kHopelessLater);
      for (Lane& lane : lanes_) lane.running &= round == 0 || lane.spent_us <= effort_.candidate_us;
    }
  }

  std::vector<double> times() const {
    std::vector<double> times;
    for (const Lane& lane : lanes_) times.push_back(lane.samples.empty() ? 0 : lane.time());
    return times;
  }

 private:
  void sample(Lane& lane, int round) {
    if (round == 0) lane.samples.clear();  // the warm-up does not count for those who go on
    sweeper_.sweep(pool_);
    lane.samples.push_back(lane.contestant->run(pool_, lane.repeats));
    lane.spent_us += lane.samples.back() * lane.repeats;
  }

  /// Lanes that need more than `factor` times the best one's time stop.
  void drop_hopeless(double factor) {
    double best = INFINITY;
    for (const Lane& lane : lanes_) best = std::min(best, lane.time());
    for (Lane& lane : lanes_) lane.running &= lane.time() <= best * factor;
  }

  const TuningEffort& effort_;
  ThreadPool& pool_;
  CacheSweeper sweeper_;
  std::vector<Lane> lanes_;
};

}  // namespace

ProblemBuffers::ProblemBuffers(const Problem& problem) {
  for (size_t i = 0; i < problem.inputs.size(); ++i) {
    const TensorDesc& desc = problem.inputs[i];
    if (!desc.present() || problem.constants[i].defined()) {
      inputs_.push_back(problem.constants[i]);
      continue;
    }
    inputs_.emplace_back(desc.dtype, desc.shape);
    fill_made_up_values(desc.dtype, inputs_.back().data(), inputs_.back().num_elements());
  }
  for (const TensorDesc& desc : problem.outputs)
    outputs_.push_back(desc.present() ? Tensor(desc.dtype, desc.shape) : Tensor());
}

Contestant::Contestant(const Candidate& candidate, const Problem& problem, const ProblemBuffers& buffers,
                       const Target& target) {
  std::vector<PackedView> views;
  for (const PackedBlob& blob : candidate.tactic->pack(problem, candidate.config)) {
    // Kernels expect their weights aligned as in an engine file.
    packed_.push_back(allocate_aligned(blob.size()));
    if (!blob.empty()) std::memcpy(packed_.back().get(), blob.data(), blob.size());
    views.emplace_back(static_cast<const std::byte*>(packed_.back().get()), blob.size());
  }
  kernel_ = candidate.tactic->prepare(problem, candidate.config, views, target);
  for (size_t i = 0; i < problem.inputs.size(); ++i) {
    const bool packed = problem.is_constant[i] && candidate.tactic->packs_input(problem, static_cast<int>(i));
    inputs_.push_back(packed ? nullptr : buffers.inputs()[i].data());
  }
  for (const Tensor& output : buffers.outputs()) outputs_.push_back(output.data());
  scratch_ = allocate_aligned(kernel_->scratch_bytes());
}

double Contestant::run(ThreadPool& pool, int repeats) const {
  const KernelArgs args{inputs_, outputs_, scratch_.get(), &pool};
  const auto start = Clock::now();
  for (int i = 0; i < repeats; ++i) kernel_->run(args);
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count() / repeats;
}

std::vector<double> race(std::span<const std::unique_ptr<Contestant>> contestants, const TuningEffort& effort,
                         ThreadPool& pool, const Target& target) {
  Race race(effort, pool, target);
  for (const auto& contestant : contestants) race.enter(contestant.get());
  race.run();
  return race.times();
}

}  // namespace burnish
