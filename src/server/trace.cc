#include "server/trace.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "server/json_text.h"

namespace burnish::server {
namespace {

template <typename T>
T parse_number(const std::string& name, const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  check(error == std::errc() && end == text.data() + text.size(), ErrorCode::kInvalidArgument,
        "trace setting '{}': '{}' is not a number that fits", name, text);
  return value;
}

bool parse_level(const std::vector<std::string>& levels) {
  bool timestamps = false;
  for (const std::string& level : levels) {
    check(level != "TENSORS", ErrorCode::kUnsupported,
          "trace setting 'trace_level': TENSORS is not supported; TIMESTAMPS and OFF are");
    check(level == "TIMESTAMPS" || level == "OFF", ErrorCode::kInvalidArgument,
          "trace setting 'trace_level': '{}' is none of TIMESTAMPS, OFF", level);
    timestamps |= level == "TIMESTAMPS";
  }
  return timestamps;
}

int64_t nanoseconds(Clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

Tracer::Tracer(std::string file, TraceSettings settings) : file_(std::move(file)), initial_(settings) {
  check(!settings.timestamps || !file_.empty(), ErrorCode::kInvalidArgument, "traces need a file: give trace_file");
  if (settings.timestamps) open();
  is_on_ = any_on();
}

Tracer::~Tracer() {
  if (writer_ && num_in_file_ > 0) writer_->append("\n]\n");
}

void Tracer::open() {
  if (!writer_) writer_ = std::make_unique<BoundedWriter>(file_, BoundedWriter::Open::kTruncate, size_t{16} << 20);
}

TraceSettings Tracer::merged(TraceSettings below, const Overrides& above) {
  return {above.timestamps.value_or(below.timestamps), above.rate.value_or(below.rate),
          above.count.value_or(below.count), above.log_frequency.value_or(below.log_frequency)};
}

TraceSettings Tracer::settings_of(const Scope* scope) const {
  const TraceSettings all = merged(initial_, all_.set);
  return scope ? merged(all, scope->set) : all;
}

bool Tracer::any_on() const {
  const auto on = [this](const Scope* scope) {
    const TraceSettings settings = settings_of(scope);
    return settings.timestamps && settings.count != 0;
  };
  return on(nullptr) || std::any_of(models_.begin(), models_.end(), [&](const auto& item) { return on(&item.second); });
}

/// A trace's number, or 0.
uint64_t Tracer::sample(const std::string& model) {
  const std::lock_guard lock(mutex_);
  const auto found = models_.find(model);
  Scope& scope = found == models_.end() ? all_ : found->second;
  const TraceSettings settings = settings_of(found == models_.end() ? nullptr : &found->second);
  if (!settings.timestamps || settings.count == 0 || ++scope.num_seen % settings.rate != 0) return 0;
  if (settings.count > 0) {
    // Counted down where the count was set, so that models without their own share it.
    (found != models_.end() && found->second.set.count ? found->second : all_).set.count = settings.count - 1;
    is_on_ = any_on();
  }
  return ++last_id_;
}

ResponseCallback Tracer::follow(InferRequest& request, ResponseCallback done) {
  if (!is_on_.load(std::memory_order_relaxed)) return done;
  request.trace_id = sample(request.model);
  if (request.trace_id == 0) return done;
  const Traced traced{request.trace_id, request.model, request.id, request.received, Clock::now()};
  return [this, traced, done = std::move(done)](InferResponse&& response) {
    write(traced, response, Clock::now());
    done(std::move(response));
  };
}

void Tracer::write(const Traced& traced, const InferResponse& response, Clock::time_point ended) {
  const InferTiming& t = response.timing;
  const auto compute = static_cast<uint64_t>(nanoseconds(traced.handed)) + t.queue_ns;
  std::string text = fmt::format("{{\"id\":{},\"model_name\":", traced.id);
  append_json_text(traced.model, text);
  const std::string& version = response.version;
  const bool number = !version.empty() && version.find_first_not_of("0123456789") == std::string::npos;
  text += fmt::format(",\"model_version\":{},\"request_id\":", number ? version : "-1");
  append_json_text(traced.request_id, text);
  text += fmt::format("}},\n{{\"id\":{},\"timestamps\":[{{\"name\":\"REQUEST_START\",\"ns\":{}}}", traced.id,
                      nanoseconds(traced.received));
  const auto stamp = [&](std::string_view name, uint64_t ns) {
    text += fmt::format(",{{\"name\":\"{}\",\"ns\":{}}}", name, ns);
  };
  stamp("QUEUE_START", static_cast<uint64_t>(nanoseconds(traced.handed)));
  if (response.status.ok()) {
    stamp("COMPUTE_START", compute);
    stamp("COMPUTE_INPUT_END", compute + t.input_ns);
    stamp("COMPUTE_OUTPUT_START", compute + t.input_ns + t.infer_ns);
    stamp("COMPUTE_END", compute + t.input_ns + t.infer_ns + t.output_ns);
  }
  stamp("REQUEST_END", static_cast<uint64_t>(nanoseconds(ended)));
  text += "]}";

  const std::lock_guard lock(mutex_);
  const uint64_t frequency = settings_of(nullptr).log_frequency;
  if (frequency > 0 && num_in_file_ >= frequency) {
    writer_->append("\n]\n");
    writer_->switch_to(fmt::format("{}.{}", file_, ++num_files_));
    num_in_file_ = 0;
  }
  if (writer_->append((num_in_file_ == 0 ? "[\n" : ",\n") + text)) ++num_in_file_;
}

void Tracer::set(const std::string& name, const std::vector<std::string>& values, Overrides& overrides) {
  const bool none = values.empty();
  check(none || values.size() == 1 || name == "trace_level", ErrorCode::kInvalidArgument,
        "trace setting '{}' takes one value and got {}", name, values.size());
  if (name == "trace_level") {
    overrides.timestamps = none ? std::nullopt : std::optional(parse_level(values));
  } else if (name == "trace_rate") {
    overrides.rate = none ? std::nullopt : std::optional(parse_number<uint64_t>(name, values[0]));
    check(overrides.rate != 0, ErrorCode::kInvalidArgument,
          "trace setting 'trace_rate': 0 of requests cannot be traced; OFF is trace_level's");
  } else if (name == "trace_count") {
    overrides.count = none ? std::nullopt : std::optional(parse_number<int64_t>(name, values[0]));
    check(overrides.count.value_or(0) >= -1, ErrorCode::kInvalidArgument,
          "trace setting 'trace_count': {} is below -1, which is without end", values.empty() ? "" : values[0]);
  } else if (name == "log_frequency") {
    overrides.log_frequency = none ? std::nullopt : std::optional(parse_number<uint64_t>(name, values[0]));
  } else if (name == "trace_file" || name == "trace_mode") {
    throw_error(ErrorCode::kInvalidArgument, "trace setting '{}' is chosen where the server is started", name);
  } else {
    throw_error(ErrorCode::kInvalidArgument,
                "there is no trace setting '{}'; there are trace_level, trace_rate, trace_count, log_frequency", name);
  }
}

Status Tracer::settings(std::string_view model, const Settings& change, Settings& now) {
  const std::lock_guard lock(mutex_);
  const auto found = models_.find(model);
  Overrides changed = model.empty() ? all_.set : found == models_.end() ? Overrides{} : found->second.set;
  try {
    for (const auto& [name, values] : change) set(name, values, changed);
    if (changed.timestamps.value_or(false)) {
      check(!file_.empty(), ErrorCode::kInvalidArgument, "traces need a file: start the server with one");
      open();
    }
  } catch (const Error& e) {
    return {e.code() == ErrorCode::kUnsupported ? StatusCode::kUnsupported : StatusCode::kInvalidArgument, e.what()};
  }
  if (model.empty()) {
    all_.set = changed;
  } else if (!changed.empty()) {
    models_[std::string(model)].set = changed;
  } else if (found != models_.end()) {
    models_.erase(found);
  }
  is_on_ = any_on();
  const auto scope = models_.find(model);
  const TraceSettings s = settings_of(scope == models_.end() ? nullptr : &scope->second);
  now = {{"trace_level", {s.timestamps ? "TIMESTAMPS" : "OFF"}},
         {"trace_rate", {std::to_string(s.rate)}},
         {"trace_count", {std::to_string(s.count)}},
         {"log_frequency", {std::to_string(s.log_frequency)}},
         {"trace_file", {file_}},
         {"trace_mode", {"triton"}}};
  return {};
}

}  // namespace burnish::server
