#pragma once
// The models that are served: loaded from folders, replaced while they serve, given back.
#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>

#include "base/log.h"
#include "server/repository_scan.h"
#include "server/retirement.h"
#include "server/servable.h"

namespace burnish::server {

struct RepositoryOptions {
  std::vector<std::string> roots;
  bool loads_on_request = false;            ///< Control mode explicit: only what a client or startup_models asks for.
  std::vector<std::string> startup_models;  ///< Of that mode; "*": all there are.
  std::chrono::milliseconds drain_timeout{30000};
  std::function<void(LogLevel, const std::string&)> log;
};

/// Loads one version, warmed up and ready; throws when it cannot.
using LoadVersion = std::function<std::shared_ptr<Servable>(const ModelConfig& config, const ModelFolder& folder,
                                                            const VersionFolder& version)>;

/// Thread-safe. Changes happen one after the other; requests go on meanwhile. A version takes over once it is loaded;
/// the one before it drains. What cannot be loaded changes nothing but the index.
class Repository {
 public:
  Repository(RepositoryOptions options, LoadVersion load);
  Repository(const Repository&) = delete;
  Repository& operator=(const Repository&) = delete;

  /// Loads what should be served from the start. Throws kIo when a root cannot be read.
  void load_startup_models();
  /// Looks at the disk again: new, changed and vanished models; of control mode explicit only those that are loaded.
  void refresh();
  /// Of control mode explicit. Returns when the model serves, or why it does not.
  Status load(const std::string& model, const std::string& config_json);
  /// Returns at once; the model then drains. dependents: the models of a pipeline's steps as well.
  Status unload(const std::string& model, bool dependents);

  /// version: empty, or a number. Null with a status that says why.
  std::shared_ptr<Servable> find(std::string_view model, std::string_view version, Status& status) const;
  /// Ready versions, ascending.
  std::vector<std::shared_ptr<Servable>> versions_of(std::string_view model) const;
  std::vector<std::shared_ptr<Servable>> all() const;
  std::vector<IndexEntry> index(bool only_ready) const;
  /// True when the start-up is over and every model that it was to load has a ready version. Models that are added
  /// later and cannot be loaded change nothing.
  bool is_ready() const;
  /// Finishes the requests under way, pipelines first, and unloads all models.
  void drain(Clock::time_point deadline);

 private:
  struct Record {
    std::string state, reason;
    std::string signature;  ///< Of the files that were loaded, or could not be.
  };
  using Ready = std::map<int64_t, std::shared_ptr<Servable>>;
  struct Model {
    std::string override_config, config_signature;
    std::string problem;       ///< Of the model as a whole; empty: none.
    bool is_required = false;  ///< The server is not ready without it.
    Ready ready;
    std::map<int64_t, Record> records;
  };
  /// One change of one model, from what it is to what it shall be.
  struct Update {
    const ModelFolder& folder;
    ModelConfig config;
    Model now, next;
    bool retry = false;  ///< Versions that could not be loaded before are tried again.
    std::string failures;
  };

  void refresh_all(bool is_start);
  /// visited: models that this change has looked at, so that pipelines of pipelines come to an end.
  Status update(const std::string& name, const std::string& override_config, bool retry,
                std::set<std::string>& visited);
  Status update_from(ModelFolder folder, const std::string& override_config, bool retry,
                     std::set<std::string>& visited);
  Status update_steps(const ModelConfig& config, bool retry, std::set<std::string>& visited);
  void load_versions(Update& update);
  void load_version(Update& update, const VersionFolder& version);
  void load_anew(Update& update, const VersionFolder& version);
  void put_in_place(Update& update);
  Status fail(const std::string& name, const std::string& reason);
  void remove(const std::string& name);
  void retire(const std::string& name, Ready&& versions);
  void forget(const std::string& name, int64_t version);
  /// Why there is no ready version.
  Status absent(std::string_view name, const Model* model) const;
  Model copy_of(const std::string& name) const;
  std::set<std::string> names_to_refresh(const std::set<std::string>& present, bool is_start);
  void log(LogLevel level, const std::string& text) const;

  RepositoryOptions options_;
  LoadVersion load_;
  std::mutex change_mutex_;                           ///< Held by whoever changes models, for as long as that takes.
  mutable std::shared_mutex mutex_;                   ///< Guards models_ and known_, briefly.
  std::map<std::string, Model, std::less<>> models_;  ///< Those that are, or should be, served; and those unloaded.
  std::set<std::string> known_;                       ///< Names that the disk held when it was last looked at.
  std::atomic<bool> started_{false};
  Retirement retirement_;  ///< Last: its thread uses the others.
};

}  // namespace burnish::server
