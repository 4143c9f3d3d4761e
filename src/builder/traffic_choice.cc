#include "builder/traffic_choice.h"

#include <algorithm>

#include "base/file.h"
#include "builder/traffic_meter.h"
#include "builder/traffic_report.h"

namespace burnish {
namespace {

/// Less is within what timing alone differs by, and not worth a second set of packed weights.
constexpr double kLeastGain = 0.02;

std::vector<double> weights_of(const TrafficPoints& traffic, const std::vector<PointTiming>& timings) {
  std::vector<double> weights;
  for (size_t p = 0; p < timings.size(); ++p) {
    weights.push_back(traffic.points[p].executions * timings[p].general_us);
  }
  return weights;
}

int64_t weight_bytes(const EngineData& data) {
  int64_t bytes = 0;
  for (const Blob& blob : data.blobs) bytes += static_cast<int64_t>(blob.num_bytes);
  return bytes;
}

class Choice {
 public:
  Choice(const ModelCompiler& compiler, const OptimizationProfile& general, const TrafficPoints& traffic,
         const CompileProfiles& compile)
      : compiler_(compiler),
        traffic_(traffic),
        compile_(compile),
        profiles_{general},
        general_(compile(profiles_)),
        chosen_(general_) {}

  TrafficChoice run() {
    TrafficReport report;
    measure();
    set_profiles(
        candidate_profiles(compiler_.model(), profiles_.front(), traffic_, weights_of(traffic_, timings_), most()));
    measure();
    // Until all that are left pay, measured anew: what was picked for its times had luck, too.
    while (leave_out_what_does_not_pay(report.left_out)) measure();
    report.file = compiler_.options().traffic;
    report.rows = rows();
    report.least_gain = kLeastGain;
    report.general_weight_bytes = weight_bytes(general_);
    report.weight_bytes = weight_bytes(chosen_);
    return {profiles_, traffic_summary(report, traffic_), traffic_json(report, traffic_, timings_)};
  }

 private:
  void measure() {
    timings_ = time_points(general_, chosen_, traffic_.points, compiler_.target().num_threads, compiler_.reporter());
  }

  std::vector<TrafficRow> rows() const { return traffic_rows(profiles_, traffic_, timings_); }

  /// The general profile and these.
  void set_profiles(const std::vector<OptimizationProfile>& more) {
    profiles_.resize(1);
    profiles_.insert(profiles_.end(), more.begin(), more.end());
    chosen_ = more.empty() ? general_ : compile_(profiles_);
  }

  size_t most() const { return static_cast<size_t>(compiler_.options().traffic_profiles); }

  /// Keeps of those that pay as many as are wanted, of the largest savings. False when these are all.
  bool leave_out_what_does_not_pay(std::vector<TrafficRow>& left_out) {
    std::vector<OptimizationProfile> kept;
    auto measured = rows();
    std::stable_sort(measured.begin() + 1, measured.end(),
                     [](const TrafficRow& a, const TrafficRow& b) { return a.saved_us() > b.saved_us(); });
    for (size_t i = 1; i < measured.size(); ++i) {
      if (measured[i].gain() >= kLeastGain && kept.size() < most()) {
        kept.push_back(measured[i].profile);
      } else {
        left_out.push_back(measured[i]);
      }
    }
    if (kept.size() + 1 == profiles_.size()) return false;
    set_profiles(kept);
    return true;
  }

  const ModelCompiler& compiler_;
  const TrafficPoints& traffic_;
  const CompileProfiles& compile_;
  std::vector<OptimizationProfile> profiles_;
  EngineData general_, chosen_;
  std::vector<PointTiming> timings_;  // of chosen_
};

}  // namespace

TrafficPoints read_traffic(const ModelCompiler& compiler, const std::vector<OptimizationProfile>& profiles) {
  check(
      profiles.size() == 1, ErrorCode::kInvalidArgument,
      "--traffic chooses the profiles itself: give at most one --profile, with all shapes that the engine must allow, "
      "instead of {}",
      profiles.size());
  check(compiler.target().device >= 0, ErrorCode::kUnsupported,
        "--traffic times the profiles, but the GPU that --target names is not at hand: build on a machine that has it, "
        "or give the profiles with --profile");
  const std::string& file = compiler.options().traffic;
  return traffic_points(compiler.model(), profiles.front(), parse_observed_shapes(read_file(file), file));
}

TrafficChoice choose_for_traffic(const ModelCompiler& compiler, const OptimizationProfile& general,
                                 const TrafficPoints& traffic, const CompileProfiles& compile) {
  return Choice(compiler, general, traffic, compile).run();
}

}  // namespace burnish
