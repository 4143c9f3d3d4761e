#include "builder/traffic_choice.h"

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
    measure();
    set_profiles(choose_profiles(compiler_.model(), profiles_.front(), traffic_, weights_of(traffic_, timings_),
                                 static_cast<size_t>(compiler_.options().traffic_profiles)));
    measure();
    TrafficReport report{compiler_.options().traffic, {}, leave_out_what_does_not_pay(), kLeastGain, 0, 0};
    measure();  // anew: what was picked for its times had luck, too
    report.rows = rows();
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
    if (profiles_.size() == 1 + more.size()) return;
    profiles_.resize(1);
    profiles_.insert(profiles_.end(), more.begin(), more.end());
    chosen_ = more.empty() ? general_ : compile_(profiles_);
  }

  std::vector<TrafficRow> leave_out_what_does_not_pay() {
    std::vector<OptimizationProfile> kept;
    std::vector<TrafficRow> left_out;
    const auto measured = rows();
    for (size_t i = 1; i < measured.size(); ++i) {
      if (measured[i].gain() >= kLeastGain) {
        kept.push_back(measured[i].profile);
      } else {
        left_out.push_back(measured[i]);
      }
    }
    set_profiles(kept);
    return left_out;
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
