#include "server/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "server/json_text.h"
#include "server/trace_tensor.h"

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

int64_t nanoseconds(Clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace

Tracer::Tracer(std::string file, TraceSettings settings) : file_(std::move(file)), initial_(settings) {
  check(!settings.is_on() || !file_.empty(), ErrorCode::kInvalidArgument, "traces need a file: give trace_file");
  if (settings.is_on()) open();
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
          above.count.value_or(below.count), above.log_frequency.value_or(below.log_frequency),
          above.tensors.value_or(below.tensors)};
}

TraceSettings Tracer::settings_of(const Scope* scope) const {
  const TraceSettings all = merged(initial_, all_.set);
  return scope ? merged(all, scope->set) : all;
}

bool Tracer::any_on() const {
  const auto on = [this](const Scope* scope) { return settings_of(scope).is_on(); };
  return on(nullptr) || std::any_of(models_.begin(), models_.end(), [&](const auto& item) { return on(&item.second); });
}

/// True, with a number and what is wanted of it, when the request is to be traced.
bool Tracer::sample(Traced& traced) {
  const std::lock_guard lock(mutex_);
  const auto found = models_.find(traced.model);
  Scope& scope = found == models_.end() ? all_ : found->second;
  const TraceSettings settings = settings_of(found == models_.end() ? nullptr : &found->second);
  if (!settings.is_on() || ++scope.num_seen % settings.rate != 0) return false;
  if (settings.count > 0) {
    // Counted down where the count was set, so that models without their own share it.
    (found != models_.end() && found->second.set.count ? found->second : all_).set.count = settings.count - 1;
    is_on_ = any_on();
  }
  traced.id = ++last_id_;
  traced.timestamps = settings.timestamps;
  traced.tensors = settings.tensors;
  return true;
}

// Now, while the client cannot have changed them.
void Tracer::keep_tensors(const InferRequest& request, Traced& traced) {
  traced.outputs = request.outputs;
  for (const InputTensor& input : request.inputs) {
    const std::string elements = elements_text(input.dtype, input.data);
    append_record({traced.id, "TENSOR_QUEUE_INPUT", input.name, kserve_name(input.dtype), input.shape, elements},
                  traced.inputs);
  }
}

ResponseCallback Tracer::follow(InferRequest& request, ResponseCallback done) {
  if (!is_on_.load(std::memory_order_relaxed)) return done;
  Traced traced{.model = request.model, .request_id = request.id, .received = request.received, .handed = Clock::now()};
  if (!sample(traced)) return done;
  request.trace_id = traced.id;
  if (traced.tensors) keep_tensors(request, traced);
  return [this, traced = std::move(traced), done = std::move(done)](InferResponse&& response) {
    write(traced, response, Clock::now());
    done(std::move(response));
  };
}

void Tracer::append_timestamps(const Traced& traced, const InferResponse& response, Clock::time_point ended,
                               std::string& text) {
  const InferTiming& t = response.timing;
  const auto compute = static_cast<uint64_t>(nanoseconds(traced.handed)) + t.queue_ns;
  text += fmt::format(",\n{{\"id\":{},\"timestamps\":[{{\"name\":\"REQUEST_START\",\"ns\":{}}}", traced.id,
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
}

void Tracer::append_outputs(const Traced& traced, const InferResponse& response, std::string& text) {
  for (const OutputTensor& output : response.outputs) {
    Bytes data = output.data;
    if (output.shared_bytes > 0) {
      const SharedBytes& target = std::ranges::find(traced.outputs, output.name, &RequestedOutput::name)->target;
      data = {target.data, output.shared_bytes, target.owner, true, target.gpu};
    }
    const bool is_classes = !output.classes.empty();
    const std::string elements =
        is_classes ? fmt::format("{}", fmt::join(output.classes, ",")) : elements_text(output.dtype, data);
    append_record({traced.id, "TENSOR_BACKEND_OUTPUT", output.name, is_classes ? "BYTES" : kserve_name(output.dtype),
                   output.shape, elements},
                  text);
  }
}

void Tracer::write(const Traced& traced, const InferResponse& response, Clock::time_point ended) {
  std::string text = fmt::format("{{\"id\":{},\"model_name\":", traced.id);
  append_json_text(traced.model, text);
  const std::string& version = response.version;
  const bool number = !version.empty() && version.find_first_not_of("0123456789") == std::string::npos;
  text += fmt::format(",\"model_version\":{},\"request_id\":", number ? version : "-1");
  append_json_text(traced.request_id, text);
  text += "}";
  text += traced.inputs;
  if (traced.timestamps) append_timestamps(traced, response, ended, text);
  if (traced.tensors) append_outputs(traced, response, text);

  const std::lock_guard lock(mutex_);
  const uint64_t frequency = settings_of(nullptr).log_frequency;
  if (frequency > 0 && num_in_file_ >= frequency) {
    writer_->append("\n]\n");
    writer_->switch_to(fmt::format("{}.{}", file_, ++num_files_));
    num_in_file_ = 0;
  }
  if (writer_->append((num_in_file_ == 0 ? "[\n" : ",\n") + text)) ++num_in_file_;
}

void Tracer::set_levels(const std::vector<std::string>& levels, Overrides& overrides) {
  for (const std::string& level : levels) {
    check(level == "TIMESTAMPS" || level == "TENSORS" || level == "OFF", ErrorCode::kInvalidArgument,
          "trace setting 'trace_level': '{}' is none of TIMESTAMPS, TENSORS, OFF", level);
  }
  const auto has = [&](const char* level) { return std::ranges::find(levels, level) != levels.end(); };
  overrides.timestamps = levels.empty() ? std::nullopt : std::optional(has("TIMESTAMPS"));
  overrides.tensors = levels.empty() ? std::nullopt : std::optional(has("TENSORS"));
}

std::vector<std::string> Tracer::levels_of(const TraceSettings& settings) {
  std::vector<std::string> levels;
  if (settings.timestamps) levels.emplace_back("TIMESTAMPS");
  if (settings.tensors) levels.emplace_back("TENSORS");
  if (levels.empty()) levels.emplace_back("OFF");
  return levels;
}

void Tracer::set(const std::string& name, const std::vector<std::string>& values, Overrides& overrides) {
  const bool none = values.empty();
  check(none || values.size() == 1 || name == "trace_level", ErrorCode::kInvalidArgument,
        "trace setting '{}' takes one value and got {}", name, values.size());
  if (name == "trace_level") {
    set_levels(values, overrides);
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
    if (changed.timestamps.value_or(false) || changed.tensors.value_or(false)) {
      check(!file_.empty(), ErrorCode::kInvalidArgument, "traces need a file: start the server with one");
      open();
    }
  } catch (const Error& e) {
    return {StatusCode::kInvalidArgument, e.what()};
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
  now = {{"trace_level", levels_of(s)},
         {"trace_rate", {std::to_string(s.rate)}},
         {"trace_count", {std::to_string(s.count)}},
         {"log_frequency", {std::to_string(s.log_frequency)}},
         {"trace_file", {file_}},
         {"trace_mode", {"triton"}}};
  return {};
}

}  // namespace burnish::server
