// burnish run: one inference, from .npy files to .npy files.
#include <fmt/format.h>

#include <filesystem>

#include "base/npy.h"
#include "cli/command.h"
#include "cli/execution.h"
#include "cli/inputs.h"
#include "cli/json.h"
#include "runtime/engine_impl.h"

namespace burnish::cli {
namespace {

struct Options {
  std::string engine, output_dir;
  InputRequest inputs;
  int num_threads = 0;
  OutputFlags flags;
};

double magnitude_of(const Tensor& tensor) {
  double largest = 0;
  if (tensor.dtype() != DType::kFloat32) return 0;
  for (int64_t i = 0; i < tensor.num_elements(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(tensor.as<float>()[i])));
  }
  return largest;
}

Json describe(const std::string& name, const Tensor& tensor, const std::string& file) {
  Json json = {{"name", name},
               {"dtype", name_of(tensor.dtype())},
               {"shape", std::vector<int64_t>(tensor.shape().begin(), tensor.shape().end())}};
  if (tensor.dtype() == DType::kFloat32) json["max_abs"] = magnitude_of(tensor);
  if (!file.empty()) json["file"] = file;
  return json;
}

/// Empty without --output-dir.
std::string write_output(const Options& options, const std::string& name, const Tensor& tensor) {
  if (options.output_dir.empty()) return "";
  std::string path = options.output_dir + "/" + file_name_of(name) + ".npy";
  write_npy(path, tensor);
  return path;
}

int run(const Options& options) {
  const Engine engine = Engine::load(options.engine);
  const auto inputs = make_inputs(engine.impl()->data, options.inputs);
  ExecutionContext context = engine.create_context(options.num_threads);
  bind_inputs(context, inputs);
  context.execute();
  if (!options.output_dir.empty()) std::filesystem::create_directories(options.output_dir);
  Json outputs = Json::array();
  for (const BindingInfo& info : engine.outputs()) {
    const Tensor tensor = copy_output(context, info);
    outputs.push_back(describe(info.name, tensor, write_output(options, info.name, tensor)));
    if (options.flags.json || options.flags.quiet) continue;
    const std::string file = outputs.back().value("file", "");
    fmt::print("{}: {} {}{}\n", info.name, name_of(tensor.dtype()), to_string(tensor.shape()),
               file.empty() ? "" : " → " + file);
  }
  if (options.flags.json) print_json({{"outputs", outputs}});
  return 0;
}

Action declare(OptionSet& command, const CommandLine&) {
  auto options = std::make_shared<Options>();
  command.add("engine", options->engine, "The engine file").required().value_name("M.engine");
  add_file_option(command, options->inputs);
  add_shape_options(command, options->inputs);
  command.add("-o,--output-dir", options->output_dir, "Folder for <output name>.npy; '/' in a name becomes '_'")
      .value_name("DIR");
  command.add("--threads", options->num_threads, "Threads to run with [all cores]").value_name("N");
  command.flag("-q,--quiet", options->flags.quiet, "Say nothing but errors");
  add_json_flag(command, options->flags);
  return [options] { return run(*options); };
}

}  // namespace

const Command kRun = {"run", "Run an engine once",
                      R"(  burnish run m.engine --input image=cat.npy --output-dir results
  burnish run m.engine --shape image=8x3x224x224 --seed 7      (random data))",
                      declare};

}  // namespace burnish::cli
