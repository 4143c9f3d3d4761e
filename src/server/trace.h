#pragma once
// Traces of single requests in Triton's JSON format: when each stage of it began and ended, and the tensors.
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "server/bounded_writer.h"
#include "server/inference_server.h"

namespace burnish::server {

struct TraceSettings {
  bool timestamps = false;     ///< trace_level TIMESTAMPS; neither it nor TENSORS: OFF.
  uint64_t rate = 1000;        ///< trace_rate: one of so many requests.
  int64_t count = -1;          ///< trace_count: so many more; -1: without end.
  uint64_t log_frequency = 0;  ///< A new file <trace_file>.<n> after so many; 0: one file.
  bool tensors = false;        ///< trace_level TENSORS.
  bool is_on() const { return (timestamps || tensors) && count != 0; }
};

/// Thread-safe.
class Tracer {
 public:
  /// file: where traces go, chosen by who starts the server and never by a client; empty: tracing cannot be turned on.
  explicit Tracer(std::string file, TraceSettings settings = {});
  /// Ends the file.
  ~Tracer();

  /// What is to be called with the request's answer instead of `done`. Costs nothing while no trace is on.
  ResponseCallback follow(InferRequest& request, ResponseCallback done);
  /// Changes and tells the settings of a model, or, where it is empty, those of all models without their own. A change
  /// to no values takes back what was set. All or nothing is changed.
  Status settings(std::string_view model, const Settings& change, Settings& now);

 private:
  /// What was set for one model or for all.
  struct Overrides {
    std::optional<bool> timestamps, tensors;  ///< Both or none.
    std::optional<uint64_t> rate;
    std::optional<int64_t> count;
    std::optional<uint64_t> log_frequency;
    bool empty() const { return !timestamps && !rate && !count && !log_frequency; }
  };
  struct Scope {
    Overrides set;
    uint64_t num_seen = 0;
  };
  /// What is kept of a request until its answer.
  struct Traced {
    uint64_t id = 0;
    std::string model, request_id;
    Clock::time_point received, handed;  ///< To the server, to the scheduler.
    bool timestamps = false, tensors = false;
    std::string inputs = {};                    ///< Their records.
    std::vector<RequestedOutput> outputs = {};  ///< For those in shared memory.
  };
  static void set(const std::string& name, const std::vector<std::string>& values, Overrides& overrides);
  static TraceSettings merged(TraceSettings below, const Overrides& above);
  TraceSettings settings_of(const Scope* scope) const;
  bool any_on() const;
  void open();
  bool sample(Traced& traced);
  static void keep_tensors(const InferRequest& request, Traced& traced);
  static void set_levels(const std::vector<std::string>& levels, Overrides& overrides);
  static std::vector<std::string> levels_of(const TraceSettings& settings);
  static void append_timestamps(const Traced& traced, const InferResponse& response, Clock::time_point ended,
                                std::string& text);
  static void append_outputs(const Traced& traced, const InferResponse& response, std::string& text);
  void write(const Traced& traced, const InferResponse& response, Clock::time_point ended);

  const std::string file_;
  const TraceSettings initial_;
  std::atomic<bool> is_on_{false};
  std::mutex mutex_;
  Scope all_;
  std::map<std::string, Scope, std::less<>> models_;
  uint64_t last_id_ = 0, num_in_file_ = 0, num_files_ = 0;
  std::unique_ptr<BoundedWriter> writer_;
};

}  // namespace burnish::server
