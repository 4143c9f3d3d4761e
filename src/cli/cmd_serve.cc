// burnish serve: a repository of models behind HTTP and gRPC.
#include <malloc.h>
#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>

#include "base/error.h"
#include "base/thread_pool.h"
#include "cli/json.h"
#include "cli/serve_build.h"
#include "cli/serve_options.h"
#include "cli/service_manager.h"

namespace burnish::cli {
namespace {

using server::Clock;

/// Messages from any thread, one after the other.
Reporter in_turn(const Reporter& reporter) {
  const auto mutex = std::make_shared<std::mutex>();
  Reporter wrapped = reporter;
  wrapped.message = [reporter, mutex](LogLevel level, std::string_view text) {
    const std::lock_guard lock(*mutex);
    reporter.log(level, printable(text));
  };
  wrapped.progress = [reporter, mutex](std::string_view stage, int64_t done, int64_t total) {
    const std::lock_guard lock(*mutex);
    reporter.advance(stage, done, total);
  };
  return wrapped;
}

sigset_t handled_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

/// As many connections as the system lets a process have.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// glibc would keep up to eight heaps a core, each with its own holes: a server's memory creeps up for hours.
void share_heaps() {
  mallopt(M_ARENA_MAX, std::max(2, num_available_cores()));
}

class Serving {
 public:
  explicit Serving(const ServeOptions& options)
      : options_(options), reporter_(in_turn(make_console_reporter(level_of(options.flags)))), local_(local_options()) {
    check(!options.no_http || !options.no_grpc, ErrorCode::kInvalidArgument, "--no-http and --no-grpc leave nothing");
    if (!options.no_http) http_ = std::make_unique<server::HttpServer>(local_, http_options());
    if (http_) local_.count_connections_with([this] { return http_->num_connections(); });
    if (!options.no_grpc) grpc_ = std::make_unique<server::GrpcServer>(local_, grpc_options_of(options));
  }

  /// Listens from the first moment, loads, and serves until a signal ends it. Signals must be blocked in all threads.
  int run() {
    const sigset_t signals = handled_signals();
    if (http_) http_->start();
    if (grpc_) grpc_->start();
    loader_ = std::thread([this] { load(); });
    int signal = 0;
    while (sigwait(&signals, &signal) == 0 && signal == SIGHUP) ask_for_reload();
    std::signal(SIGHUP, SIG_IGN);
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);  // a second one ends the process at once
    stop();
    if (failure_) std::rethrow_exception(failure_);
    return 0;
  }

 private:
  server::HttpOptions http_options() const {
    server::HttpOptions http = http_options_of(options_);
    http.reporter = reporter_;
    return http;
  }

  server::LocalServerOptions local_options() {
    server::LocalServerOptions local = local_options_of(options_);
    local.repository.log = [this](LogLevel level, const std::string& text) { reporter_.log(level, text); };
    local.engine_cache_salt = engine_cache_salt();
    const std::string timing_cache = local.engine_cache.empty() ? "" : local.engine_cache + "/timing.cache";
    local.build_engine = engine_builder(reporter_, timing_cache, is_stopping_);
    return local;
  }

  /// The loader's thread: what takes long, so that signals never wait.
  void load() {
    try {
      local_.start();
      announce();
    } catch (...) {
      failure_ = std::current_exception();
      kill(getpid(), SIGTERM);
      return;
    }
    std::unique_lock lock(mutex_);
    while (true) {
      wake_.wait(lock, [this] { return is_stopping_ || reload_asked_; });
      if (is_stopping_) return;
      reload_asked_ = false;
      lock.unlock();
      reporter_.log(LogLevel::kInfo, "looking at the repository again");
      local_.refresh();
      lock.lock();
    }
  }

  void ask_for_reload() {
    const std::lock_guard lock(mutex_);
    reload_asked_ = true;
    wake_.notify_all();
  }

  /// The one line that says it serves.
  void announce() {
    const bool is_ready = local_.is_ready();
    check(is_ready || is_stopping_ || !options_.exit_on_error, ErrorCode::kInvalidArgument,
          "a model cannot be loaded (see above), and --exit-on-error is set");
    if (is_ready) notify_service_manager("READY=1");
    const size_t models = local_.repository_index(/*only_ready=*/true).size();
    const std::chrono::duration<double, std::milli> took = Clock::now() - started_;
    if (options_.flags.json) {
      Json json = {{"ready", is_ready}, {"models", models}, {"ms", took.count()}, {"host", options_.host}};
      if (http_) json["http_port"] = http_->port();
      if (grpc_) json["grpc_port"] = grpc_->port();
      print_json(json);
    } else {
      const std::string http = http_ ? fmt::format(", HTTP {}:{}", options_.host, http_->port()) : "";
      const std::string grpc = grpc_ ? fmt::format(", gRPC {}:{}", options_.host, grpc_->port()) : "";
      fmt::print("{}: {} model version{} after {:.0f} ms{}{}\n", is_ready ? "ready" : "not ready", models,
                 models == 1 ? "" : "s", took.count(), http, grpc);
    }
    std::fflush(stdout);
  }

  void stop() {
    notify_service_manager("STOPPING=1");
    {
      const std::lock_guard lock(mutex_);
      is_stopping_ = true;
      wake_.notify_all();
    }
    local_.announce_end();
    std::this_thread::sleep_for(std::chrono::duration<double>(options_.shutdown_delay_s));
    const auto deadline = Clock::now() + local_options_of(options_).repository.drain_timeout;
    std::thread grpc([&] {
      if (grpc_) grpc_->stop(deadline);
    });
    if (http_) http_->stop(deadline);
    grpc.join();
    loader_.join();
    local_.stop(deadline);
  }

  const ServeOptions& options_;
  const Clock::time_point started_ = Clock::now();
  Reporter reporter_;
  std::atomic<bool> is_stopping_{false};
  bool reload_asked_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::exception_ptr failure_;
  server::LocalServer local_;
  std::unique_ptr<server::HttpServer> http_;
  std::unique_ptr<server::GrpcServer> grpc_;
  std::thread loader_;
};

Action declare(OptionSet& command, const CommandLine&) {
  auto options = std::make_shared<ServeOptions>();
  declare_serve_options(command, *options);
  return [options] {
    const sigset_t signals = handled_signals();
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);  // before there is any other thread: all inherit it
    std::signal(SIGPIPE, SIG_IGN);
    raise_file_limit();
    share_heaps();
    return Serving(*options).run();
  };
}

}  // namespace

const Command kServe = {
    "serve", "Serve models over HTTP and gRPC (KServe v2, as Triton's clients speak it)",
    R"(  burnish serve models                                   (models/resnet50/1/model.engine, or model.onnx)
  burnish serve models --model-control poll --poll-seconds 2
  burnish serve models --host 0.0.0.0 --tls-certificate server.pem --tls-key server.key --token-file tokens
  burnish serve models --model-control explicit --load-model resnet50 --http-management-port 8003)",
    declare};

}  // namespace burnish::cli
