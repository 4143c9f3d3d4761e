// Builds: Python's options and callbacks to the builder's.
#include "python/build.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include "base/error.h"
#include "builder/build_target.h"
#include "python/bindings.h"
#include "python/borrowed_array.h"
#include "runtime/engine_choice.h"
#include "runtime/engine_impl.h"

namespace burnish::python {
namespace {

constexpr const char* kLevelNames[] = {"error", "warning", "info", "verbose"};  // in the order of LogLevel

/// Ctrl-C during a build: Python notes the signal, and we ask for it.
void raise_pending_signal() {
  const nb::gil_scoped_acquire acquire;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

Reporter reporter_of(const nb::object& log, const nb::object& progress) {
  Reporter reporter;
  reporter.poll = raise_pending_signal;
  if (!log.is_none()) {
    reporter.message = [&log](LogLevel level, std::string_view text) {
      const nb::gil_scoped_acquire acquire;
      log(kLevelNames[static_cast<size_t>(level)], nb::str(text.data(), text.size()));
    };
  }
  if (!progress.is_none()) {
    reporter.progress = [&progress](std::string_view stage, int64_t done, int64_t total) {
      const nb::gil_scoped_acquire acquire;
      progress(nb::str(stage.data(), stage.size()), done, total);
    };
  }
  return reporter;
}

/// Takes dictionaries of arrays from a Python iterator; keeps those of the current batch alive.
class SampleIterator {
 public:
  explicit SampleIterator(const nb::object& iterator) : iterator_(iterator) {}

  bool next(SampleBatch& batch) {
    const nb::gil_scoped_acquire acquire;
    arrays_.clear();
    const nb::object item = nb::steal(PyIter_Next(iterator_.ptr()));
    if (PyErr_Occurred() != nullptr) throw nb::python_error();
    if (!item.is_valid()) return false;
    for (const auto& [key, value] : nb::cast<nb::dict>(item)) {
      const auto name = nb::cast<std::string>(key);
      arrays_.push_back(std::make_unique<BorrowedArray>());
      BorrowedArray& array = *arrays_.back();
      array.borrow(value, DataType::kFloat32, fmt::format("the sample of '{}'", name));
      batch.push_back({name, array.dtype(), {array.shape().begin(), array.shape().end()}, array.data()});
    }
    return true;
  }

 private:
  const nb::object& iterator_;
  std::vector<std::unique_ptr<BorrowedArray>> arrays_;
};

Profile to_profile(const nb::dict& ranges) {
  Profile profile;
  for (const auto& [name, range] : ranges) {
    auto [min, opt, max] =
        nb::cast<std::tuple<std::vector<int64_t>, std::vector<int64_t>, std::vector<int64_t>>>(range);
    profile.inputs[nb::cast<std::string>(name)] = {std::move(min), std::move(opt), std::move(max)};
  }
  return profile;
}

struct Arguments {
  nb::object model;
  std::string base_directory;
  std::optional<std::string> output;
  BuildOptions options;
  nb::object samples, log, progress;
};

ModelSource source_of(const Arguments& a) {
  if (nb::isinstance<nb::str>(a.model)) return nb::cast<std::string>(a.model);
  const auto bytes = nb::cast<nb::bytes>(a.model);  // the caller keeps it alive
  return ModelBytes{{static_cast<const std::byte*>(bytes.data()), bytes.size()}, a.base_directory};
}

PyBuiltEngine build(Arguments& a) {
  const ModelSource source = source_of(a);
  SampleIterator samples(a.samples);
  if (!a.samples.is_none()) {
    a.options.precision.next_samples = [&samples](SampleBatch& batch) { return samples.next(batch); };
  }
  const BuildSettings settings{a.options, reporter_of(a.log, a.progress), {}};
  const nb::gil_scoped_release release;
  const int gpu = gpu_of(a.options.target);
  if (a.output) {
    BuildReport report = build_to_file(source, *a.output, settings);
    return {read_engines(*a.output), std::move(report), gpu};
  }
  auto [engines, report] = build_engines(source, settings);
  return {std::move(engines), std::move(report), gpu};
}

nb::bytes serialize(const PyBuiltEngine& built) {
  std::vector<std::byte> bytes;
  {
    const nb::gil_scoped_release release;
    bytes = serialize_engines(built.engines);
  }
  return nb::bytes(bytes.data(), bytes.size());
}

nb::dict ranges_of(const Profile& profile) {
  nb::dict ranges;
  for (const auto& [name, range] : profile.inputs) {
    ranges[name.c_str()] = nb::make_tuple(range.min, range.opt, range.max);
  }
  return ranges;
}

nb::dict to_dict(const BuildReport& report) {
  nb::dict fused;
  for (const auto& [kind, count] : report.fused) fused[kind.c_str()] = count;
  nb::dict dict;
  dict["seconds"] = report.seconds;
  dict["fused"] = fused;
  dict["nodes_before"] = report.nodes_before;
  dict["steps_after"] = report.steps_after;
  dict["engine_bytes"] = report.engine_bytes;
  dict["accuracy"] = report.accuracy;
  dict["accuracy_json"] = report.accuracy_json;
  dict["traffic"] = report.traffic;
  dict["traffic_json"] = report.traffic_json;
  dict["timed_candidates"] = report.timed_candidates;
  return dict;
}

Engine engine_of(const EngineData& data, int gpu) {
  return Engine(std::make_shared<const Engine::Impl>(data, &find_tactic, gpu));
}

}  // namespace

Engine engine_for_here(const PyBuiltEngine& built) {
  std::exception_ptr reason;
  for (const bool for_gpu : {true, false}) {
    for (const EngineData& data : built.engines) {
      if ((data.target_kind == "cuda") != for_gpu) continue;
      try {
        return engine_of(data, built.gpu);
      } catch (const Error& error) {
        const bool is_elsewhere = error.code() == ErrorCode::kMismatch || error.code() == ErrorCode::kUnsupported;
        if (!is_elsewhere) throw;
        if (!reason) reason = std::current_exception();
      }
    }
  }
  return Engine(std::make_shared<const Engine::Impl>(built.engines.front(), reason));
}

void bind_build(nb::module_& m) {
  nb::class_<PyBuiltEngine>(m, "BuiltEngine", "What build() made: give it to Engine, or write it.")
      .def("serialize", &serialize, "The bytes of an engine file.")
      .def(
          "save",
          [](const PyBuiltEngine& b, const std::string& path) {
            const nb::gil_scoped_release release;
            write_engines(b.engines, path);
          },
          nb::arg("path"), "Writes the engine file, complete or not at all.")
      .def_prop_ro(
          "report", [](const PyBuiltEngine& b) { return to_dict(b.report); },
          nb::sig("def report(self) -> dict[str, typing.Any]"));

  m.def(
      "parse_profile", [](const std::string& text) { return ranges_of(parse_profile(text)); }, nb::arg("text"),
      nb::sig("def parse_profile(text: str) -> dict[str, tuple[list[int], list[int], list[int]]]"),
      "\"input=1x3x224x224:8x3x224x224:32x3x224x224\" as build() takes it.");

  m.def(
      "has_tf32", [](const std::string& target) { return has_tf32(target); }, nb::arg("target"),
      "True when any of the targets rounds FP32 operands to TF32 where build(tf32=True) lets it.");

  m.def(
      "build",
      [](nb::object model, std::string base_directory, std::optional<std::string> output, std::string target,
         const std::vector<nb::dict>& profiles, std::string traffic, int traffic_profiles, int threads, int opt_level,
         std::string timing_cache, int64_t memory_limit, std::vector<std::string> disabled_passes, bool bf16, bool fp16,
         bool tf32, bool int8, bool best, std::vector<std::string> calibrate, nb::object samples,
         std::string calibrator, std::string calibration_cache, double accuracy_drop, std::string labels,
         std::string metric, bool verbose, nb::object log, nb::object progress) {
        Arguments a{std::move(model), std::move(base_directory), std::move(output), {}, std::move(samples),
                    std::move(log),   std::move(progress)};
        BuildOptions& o = a.options;
        o.target = std::move(target);
        for (const nb::dict& profile : profiles) o.profiles.push_back(to_profile(profile));
        o.traffic = std::move(traffic);
        o.traffic_profiles = traffic_profiles;
        o.num_threads = threads;
        o.opt_level = opt_level;
        o.timing_cache = std::move(timing_cache);
        o.memory_limit_bytes = memory_limit;
        o.disabled_passes = std::move(disabled_passes);
        o.verbose = verbose;
        o.precision = {.bf16 = bf16,
                       .fp16 = fp16,
                       .tf32 = tf32,
                       .int8 = int8,
                       .best = best,
                       .calibrate = std::move(calibrate),
                       .next_samples = {},
                       .calibrator = std::move(calibrator),
                       .calibration_cache = std::move(calibration_cache),
                       .accuracy_drop = accuracy_drop,
                       .labels = std::move(labels),
                       .metric_command = std::move(metric)};
        return build(a);
      },
      nb::arg("model"), nb::kw_only(), nb::arg("base_directory") = "", nb::arg("output") = nb::none(),
      nb::arg("target") = "cpu", nb::arg("profiles") = nb::list(), nb::arg("traffic") = "",
      nb::arg("traffic_profiles") = 3, nb::arg("threads") = 0, nb::arg("opt_level") = 3, nb::arg("timing_cache") = "",
      nb::arg("memory_limit") = 0, nb::arg("disabled_passes") = nb::list(), nb::arg("bf16") = false,
      nb::arg("fp16") = false, nb::arg("tf32") = false, nb::arg("int8") = false, nb::arg("best") = false,
      nb::arg("calibrate") = nb::list(), nb::arg("samples") = nb::none(), nb::arg("calibrator") = "mse",
      nb::arg("calibration_cache") = "", nb::arg("accuracy_drop") = 0.01, nb::arg("labels") = "",
      nb::arg("metric") = "", nb::arg("verbose") = false, nb::arg("log") = nb::none(), nb::arg("progress") = nb::none(),
      nb::sig(
          "def build(model: str | bytes, *, base_directory: str = '', output: str | None = None, target: str = 'cpu', "
          "profiles: list[dict[str, tuple[list[int], list[int], list[int]]]] = [], traffic: str = '', "
          "traffic_profiles: int = 3, threads: int = 0, opt_level: int = 3, timing_cache: str = '', memory_limit: int "
          "= 0, disabled_passes: list[str] = [], "
          "bf16: bool = False, fp16: bool = False, tf32: bool = False, int8: bool = False, best: bool = False, "
          "calibrate: list[str] = [], samples: collections.abc.Iterator[dict[str, typing.Any]] | None = None, "
          "calibrator: str = 'mse', calibration_cache: str = '', accuracy_drop: float = 0.01, labels: str = '', "
          "metric: str = '', verbose: bool = False, "
          "log: collections.abc.Callable[[str, str], None] | None = None, "
          "progress: collections.abc.Callable[[str, int, int], None] | None = None) -> BuiltEngine"),
      "Builds an engine from an ONNX file or a serialised ModelProto. See burnish.build for the options; samples is an "
      "iterator of dictionaries of arrays, log is given a level and a message, progress a stage, what is done, and the "
      "total. What a callback raises leaves build() as it is. The GIL is released in between.");
}

}  // namespace burnish::python
