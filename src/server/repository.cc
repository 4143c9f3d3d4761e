#include "server/repository.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "server/version_policy.h"

namespace burnish::server {
namespace {

constexpr std::string_view kReady = "READY", kUnavailable = "UNAVAILABLE", kLoading = "LOADING",
                           kUnloading = "UNLOADING", kUnloaded = "unloaded";

std::vector<int64_t> numbers_of(const ModelFolder& folder) {
  std::vector<int64_t> numbers;
  for (const VersionFolder& version : folder.versions) numbers.push_back(version.number);
  return numbers;
}

Status not_found(std::string_view model) {
  return {StatusCode::kNotFound,
          fmt::format("model '{}' is not served; POST /v2/repository/index lists those that are", model)};
}

void add_failure(std::string& failures, int64_t version, const std::string& reason) {
  failures += fmt::format("{}version {}: {}", failures.empty() ? "" : "; ", version, reason);
}

}  // namespace

Repository::Repository(RepositoryOptions options, LoadVersion load)
    : options_(std::move(options)), load_(std::move(load)), retirement_(options_.drain_timeout) {}

void Repository::log(LogLevel level, const std::string& text) const {
  if (options_.log) options_.log(level, text);
}

void Repository::load_startup_models() {
  const std::lock_guard changing(change_mutex_);
  refresh_all(/*is_start=*/true);
  started_ = true;
}

void Repository::refresh() {
  const std::lock_guard changing(change_mutex_);
  refresh_all(/*is_start=*/false);
}

void Repository::refresh_all(bool is_start) {
  std::vector<std::string> skipped;
  const std::vector<ModelFolder> folders = scan_repository(options_.roots, skipped);
  for (const std::string& line : skipped) log(is_start ? LogLevel::kWarning : LogLevel::kVerbose, line);
  std::set<std::string> present, visited;
  for (const ModelFolder& folder : folders) present.insert(folder.name);
  for (const std::string& name : names_to_refresh(present, is_start)) {
    if (present.contains(name) || is_start) {
      update(name, copy_of(name).override_config, /*retry=*/is_start, visited);
    } else if (!options_.loads_on_request) {
      remove(name);
    }
  }
}

std::set<std::string> Repository::names_to_refresh(const std::set<std::string>& present, bool is_start) {
  std::set<std::string> names;
  const auto& startup = options_.startup_models;
  const bool all = !options_.loads_on_request || (is_start && std::ranges::find(startup, "*") != startup.end());
  if (all) names = present;
  const std::lock_guard lock(mutex_);
  known_ = present;
  for (const auto& [name, model] : models_) {
    if (!model.ready.empty() || !model.problem.empty()) names.insert(name);
  }
  if (!is_start) return names;
  if (!all) names.insert(startup.begin(), startup.end());
  for (const std::string& name : names) models_[name].is_required = true;
  return names;
}

Status Repository::load(const std::string& model, const std::string& config_json) {
  if (!options_.loads_on_request) {
    return {StatusCode::kInvalidArgument,
            "models are loaded by the server itself; start it with --model-control explicit"};
  }
  const std::lock_guard changing(change_mutex_);
  std::set<std::string> visited;
  return update(model, config_json, /*retry=*/true, visited);
}

Status Repository::unload(const std::string& model, bool dependents) {
  if (!options_.loads_on_request) {
    return {StatusCode::kInvalidArgument,
            "models are loaded by the server itself; start it with --model-control explicit"};
  }
  const std::lock_guard changing(change_mutex_);
  const Model now = copy_of(model);
  if (now.records.empty() && now.problem.empty()) return not_found(model);
  remove(model);
  if (!dependents || now.ready.empty()) return {};
  for (const EnsembleStep& step : now.ready.rbegin()->second->config().ensemble) remove(step.model);
  return {};
}

Repository::Model Repository::copy_of(const std::string& name) const {
  const std::shared_lock lock(mutex_);
  const auto found = models_.find(name);
  return found == models_.end() ? Model{} : found->second;
}

Status Repository::fail(const std::string& name, const std::string& reason) {
  const std::string text = fmt::format("cannot load model '{}': {}", name, reason);
  const std::lock_guard lock(mutex_);
  Model& model = models_[name];
  if (model.problem != reason) log(LogLevel::kError, text);
  model.problem = reason;
  return {StatusCode::kInvalidArgument, text};
}

Status Repository::update(const std::string& name, const std::string& override_config, bool retry,
                          std::set<std::string>& visited) {
  if (!visited.insert(name).second) return {};
  std::optional<ModelFolder> folder = scan_model(options_.roots, name);
  if (!folder) {
    if (!started_) fail(name, "the repository has no such folder");
    return {StatusCode::kNotFound, fmt::format("model '{}' is not in the repository", name.substr(0, 256))};
  }
  try {
    return update_from(std::move(*folder), override_config, retry, visited);
  } catch (const std::exception& error) {
    return fail(name, error.what());
  }
}

Status Repository::update_from(ModelFolder folder, const std::string& override_config, bool retry,
                               std::set<std::string>& visited) {
  std::vector<std::string> notes;
  ModelConfig config = read_config(folder, override_config, &notes);
  const bool is_pipeline = !config.ensemble.empty();
  if (is_pipeline && folder.versions.empty()) folder.versions.push_back({1, folder.path, "-"});
  // Of a pipeline, what was missing may be there now.
  Update update{folder, std::move(config), copy_of(folder.name), {}, retry || is_pipeline, {}};
  update.next.is_required = update.now.is_required;
  update.next.override_config = override_config;
  update.next.config_signature = fmt::format("{}|{}", folder.config_signature, override_config);
  if (update.next.config_signature != update.now.config_signature) {
    for (const std::string& note : notes) log(LogLevel::kInfo, fmt::format("model '{}': {}", folder.name, note));
  }
  if (const Status steps = update_steps(update.config, retry, visited); !steps.ok()) {
    throw Error(ErrorCode::kInvalidArgument, steps.message);
  }
  load_versions(update);
  put_in_place(update);
  if (update.failures.empty()) return {};
  return {StatusCode::kInvalidArgument, fmt::format("cannot load model '{}': {}", folder.name, update.failures)};
}

/// The models of a pipeline come first.
Status Repository::update_steps(const ModelConfig& config, bool retry, std::set<std::string>& visited) {
  for (const EnsembleStep& step : config.ensemble) {
    const Model model = copy_of(step.model);
    if (options_.loads_on_request && !model.ready.empty()) continue;
    if (Status status = update(step.model, model.override_config, retry, visited); !status.ok()) return status;
  }
  return {};
}

void Repository::load_versions(Update& update) {
  const VersionChoice choice = choose_versions(update.config.version_policy, numbers_of(update.folder));
  for (const int64_t number : choice.candidates) {
    if (update.next.ready.size() >= choice.wanted) break;
    load_version(update, *std::ranges::find(update.folder.versions, number, &VersionFolder::number));
  }
  if (choice.candidates.empty()) update.failures = "its folder holds no version that the policy allows, such as 1/";
  if (!update.next.ready.empty()) return;
  // Nothing of what is wanted can be loaded: what served before still does.
  for (const auto& [number, version] : update.now.ready) {
    update.next.ready[number] = version;
    update.next.records.try_emplace(number, update.now.records.at(number));
  }
}

void Repository::load_version(Update& update, const VersionFolder& version) {
  const auto record = update.now.records.find(version.number);
  const auto serving = update.now.ready.find(version.number);
  const bool is_same = update.now.config_signature == update.next.config_signature &&
                       record != update.now.records.end() && record->second.signature == version.signature;
  const bool failed_before = is_same && !record->second.reason.empty();
  if (!is_same || (failed_before && update.retry)) return load_anew(update, version);
  if (failed_before) add_failure(update.failures, version.number, record->second.reason);
  if (serving != update.now.ready.end()) update.next.ready.insert(*serving);
  update.next.records.insert(*record);
}

void Repository::load_anew(Update& update, const VersionFolder& version) {
  const std::string& name = update.folder.name;
  const auto serving = update.now.ready.find(version.number);
  if (serving == update.now.ready.end()) {
    const std::lock_guard lock(mutex_);
    models_[name].records[version.number] = {std::string(kLoading), {}, {}};
  }
  Record& record = update.next.records[version.number];
  record = {std::string(kReady), {}, version.signature};
  const auto start = Clock::now();
  try {
    update.next.ready[version.number] = load_(update.config, update.folder, version);
    const std::chrono::duration<double, std::milli> took = Clock::now() - start;
    log(LogLevel::kInfo, fmt::format("loaded model '{}' version {} in {:.0f} ms", name, version.number, took.count()));
  } catch (const std::exception& error) {
    record.reason = error.what();
    add_failure(update.failures, version.number, record.reason);
    log(LogLevel::kError, fmt::format("cannot load model '{}' version {}: {}", name, version.number, record.reason));
    // The files that it was loaded from before serve on; the reason tells.
    update.next.ready.erase(version.number);
    if (serving != update.now.ready.end()) update.next.ready.insert(*serving);
    if (serving == update.now.ready.end()) record.state = kUnavailable;
  }
}

void Repository::put_in_place(Update& update) {
  Ready retired;
  for (const auto& [number, version] : update.now.ready) {
    const auto next = update.next.ready.find(number);
    if (next == update.next.ready.end() || next->second != version) retired.emplace(number, version);
    if (next == update.next.ready.end()) update.next.records[number] = {std::string(kUnloading), {}, {}};
  }
  update.now.ready.clear();
  if (update.next.ready.empty()) update.next.problem = update.failures;
  {
    const std::lock_guard lock(mutex_);
    Model& model = models_[update.folder.name];
    for (const auto& [number, record] : model.records) {
      if (record.state == kUnloading || record.reason == kUnloaded) update.next.records.try_emplace(number, record);
    }
    model = std::move(update.next);
  }
  retire(update.folder.name, std::move(retired));
}

void Repository::remove(const std::string& name) {
  Ready retired;
  {
    const std::lock_guard lock(mutex_);
    const auto found = models_.find(name);
    if (found == models_.end()) return;
    retired.swap(found->second.ready);
    Model unloaded;
    for (const auto& [number, version] : retired) unloaded.records[number] = {std::string(kUnloading), {}, {}};
    found->second = std::move(unloaded);
    if (retired.empty()) models_.erase(found);
  }
  if (!retired.empty()) log(LogLevel::kInfo, fmt::format("unloading model '{}'", name));
  retire(name, std::move(retired));
}

void Repository::retire(const std::string& name, Ready&& versions) {
  for (auto& [number, version] : versions) {
    retirement_.add(std::move(version), [this, name, number = number] { forget(name, number); });
  }
}

/// Its memory is given back.
void Repository::forget(const std::string& name, int64_t version) {
  const std::lock_guard lock(mutex_);
  const auto model = models_.find(name);
  if (model == models_.end()) return;
  const auto record = model->second.records.find(version);
  if (record == model->second.records.end() || record->second.state != kUnloading) return;
  record->second = {std::string(kUnavailable), std::string(kUnloaded), {}};
}

std::shared_ptr<Servable> Repository::find(std::string_view model, std::string_view version, Status& status) const {
  int64_t number = -1;
  if (!version.empty()) {
    const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), number);
    if (error != std::errc() || end != version.data() + version.size() || number <= 0) {
      status = {StatusCode::kInvalidArgument,
                fmt::format("version '{}' is no positive integer", version.substr(0, 64))};
      return nullptr;
    }
  }
  const std::shared_lock lock(mutex_);
  const auto found = models_.find(model);
  if (found == models_.end() || found->second.ready.empty()) {
    status = absent(model, found == models_.end() ? nullptr : &found->second);
    return nullptr;
  }
  const Ready& ready = found->second.ready;
  const auto entry = number < 0 ? std::prev(ready.end()) : ready.find(number);
  if (entry != ready.end()) return entry->second;
  status = {StatusCode::kNotFound, fmt::format("model '{}' has no version {} that is ready", model, number)};
  return nullptr;
}

Status Repository::absent(std::string_view name, const Model* model) const {
  const bool is_loading = model != nullptr && std::ranges::any_of(model->records, [](const auto& record) {
                            return record.second.state == kLoading;
                          });
  if (is_loading || (!started_ && (model != nullptr || known_.contains(std::string(name))))) {
    return {StatusCode::kUnavailable, fmt::format("model '{}' is being loaded", name)};
  }
  if (model == nullptr || model->problem.empty()) return not_found(name.substr(0, 256));
  return {StatusCode::kUnavailable, fmt::format("model '{}' is not ready: {}", name, model->problem)};
}

}  // namespace burnish::server
