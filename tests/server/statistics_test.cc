// Histograms, predictions and counters.
#include "server/statistics.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "server/execution_times.h"

namespace burnish::server {
namespace {

using std::chrono::microseconds;

TEST(Histogram, QuantilesAreAtMostASixteenthTooHigh) {
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> normal(12, 3);
  std::vector<uint64_t> values(10'001);
  Histogram histogram;
  for (uint64_t& v : values) {
    v = static_cast<uint64_t>(normal(random));
    histogram.record(v);
  }
  std::ranges::sort(values);
  for (const double q : {0.0, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<size_t>(std::max(1.0, std::ceil(q * static_cast<double>(values.size()))));
    const uint64_t exact = values[rank - 1];
    EXPECT_GE(histogram.quantile_ns(q), exact) << q;
    EXPECT_LE(static_cast<double>(histogram.quantile_ns(q)), static_cast<double>(exact) * 17 / 16 + 1) << q;
  }
  EXPECT_EQ(histogram.count(), values.size());
  EXPECT_EQ(histogram.count_up_to(values.back()), values.size());
  EXPECT_EQ(histogram.quantile_ns(1), values.back());
}

TEST(Histogram, ExtremesAndNothing) {
  Histogram histogram;
  EXPECT_EQ(histogram.quantile_ns(0.5), 0U);
  histogram.record(0);
  EXPECT_EQ(histogram.quantile_ns(0.5), 0U);
  EXPECT_EQ(histogram.count_up_to(0), 1U);
  histogram.record(UINT64_MAX);
  EXPECT_EQ(histogram.quantile_ns(1), UINT64_MAX);
  Histogram other;
  other.record(31);
  other.record(32);
  EXPECT_EQ(other.count_up_to(31), 1U);
  histogram.merge(other);
  EXPECT_EQ(histogram.count(), 4U);
  EXPECT_EQ(histogram.count_up_to(40), 3U);
}

TEST(LatencyRecord, ForgetsWhatIsOlderThanAMinute) {
  LatencyRecord record;
  const LatencyRecord::Clock::time_point start{std::chrono::hours(5)};
  record.record(100, start);
  record.record(200, start + std::chrono::seconds(30));
  EXPECT_EQ(record.recent(start + std::chrono::seconds(31)).count(), 2U);
  EXPECT_EQ(record.recent(start + std::chrono::seconds(65)).count(), 1U);
  EXPECT_EQ(record.recent(start + std::chrono::seconds(200)).count(), 0U);
  record.record(300, start + std::chrono::seconds(201));
  EXPECT_EQ(record.recent(start + std::chrono::seconds(201)).count(), 1U);
  EXPECT_EQ(record.all().count(), 3U);
}

TEST(ExecutionTimes, PredictFromWhatWasMeasured) {
  ExecutionTimes times;
  EXPECT_EQ(times.least(1, 4), microseconds(0));
  EXPECT_EQ(times.typical(1, 4), ExecutionTimes::Duration::max());
  for (const int us : {300, 100, 200}) times.record(1, 4, microseconds(us));
  EXPECT_EQ(times.least(1, 4), microseconds(100));
  EXPECT_EQ(times.typical(1, 4), microseconds(200));
  EXPECT_EQ(times.least(1, 2), microseconds(0));      // fewer may be faster by any factor
  EXPECT_EQ(times.least(1, 100), microseconds(100));  // more are not faster
  EXPECT_EQ(times.typical(1, 8), microseconds(400));  // scaled up
  EXPECT_EQ(times.typical(1, 2), microseconds(200));  // no more than those of four
  EXPECT_EQ(times.least(2, 4), microseconds(0));      // another shape
  EXPECT_EQ(times.typical(0, 4), ExecutionTimes::Duration::max());
  for (int i = 0; i < 8; ++i) times.record(1, 4, microseconds(500));
  EXPECT_EQ(times.least(1, 4), microseconds(500));  // the older ones are forgotten
}

TEST(Statistics, CountAsTritonDoes) {
  Statistics statistics;
  InferTiming timing;
  timing.queue_ns = 10;
  timing.input_ns = 20;
  timing.infer_ns = 30;
  timing.output_ns = 40;
  Statistics::Executed good{timing, 2, 200, true, false, 0}, bad{timing, 1, 300, false, false, 0};
  statistics.record_execution(3, timing, {good, bad});
  statistics.record_execution(2, timing, {good});
  statistics.record_busy(3, 95);
  statistics.record_rejection(Outcome::kQueueFull, 5);
  statistics.record_cache_hit(7, 9);
  VersionState state;
  statistics.read(state);
  const ModelStatistics& s = state.statistics;
  EXPECT_EQ(s.inference_count, 4U);
  EXPECT_EQ(s.execution_count, 2U);
  EXPECT_EQ(s.success.count, 3U);
  EXPECT_EQ(s.success.ns, 409U);
  EXPECT_EQ(s.fail.count, 2U);
  EXPECT_EQ(s.fail.ns, 305U);
  EXPECT_EQ(s.queue.ns, 20U);
  EXPECT_EQ(s.compute_infer.ns, 60U);
  EXPECT_EQ(s.cache_hit.ns, 7U);
  ASSERT_EQ(s.batches.size(), 2U);
  EXPECT_EQ(s.batches[0].batch_size, 2U);
  EXPECT_EQ(s.batches[0].busy.count, 0U);
  EXPECT_EQ(s.batches[1].output.ns, 40U);
  EXPECT_EQ(s.batches[1].busy.ns, 95U);
  EXPECT_EQ(state.rejections.queue_full, 1U);
  EXPECT_GT(s.last_inference_ms, 1'600'000'000'000U);
}

}  // namespace
}  // namespace burnish::server
