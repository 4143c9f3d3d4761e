// burnish inspect: what is in a model or an engine.
#include <fmt/format.h>

#include <filesystem>

#include "base/file.h"
#include "builder/profiles.h"
#include "cli/accuracy_text.h"
#include "cli/command.h"
#include "cli/describe.h"
#include "cli/json.h"
#include "engine/engine_bundle.h"
#include "engine/engine_file.h"
#include "ir/text.h"
#include "onnx/importer.h"
#include "passes/pipeline.h"

namespace burnish::cli {
namespace {

struct Options {
  std::string file;
  bool dot = false, text = false, optimised = false, accuracy = false;
  std::string html;
  OutputFlags flags;
};

/// By the name's end; content would do as well, but an error about the wrong format should name the file's own.
bool is_model(const std::string& path) {
  return std::filesystem::path(path).extension() != ".engine";
}

int inspect_model(const Options& options) {
  check(!options.accuracy, ErrorCode::kInvalidArgument, "--accuracy is for engines; '{}' is a model", options.file);
  Graph graph = import_model_file(options.file);
  if (options.optimised) run_passes(graph);
  if (options.dot) {
    fmt::print("{}", dot_of(graph));
  } else if (options.text) {
    fmt::print("{}", print(graph));
  } else if (options.flags.json) {
    print_json(describe_model(graph));
  } else {
    print_model(graph);
  }
  return 0;
}

int inspect_accuracy(const Options& options, const EngineData& engine) {
  const auto report = stored_report(engine);
  if (!report) {
    throw Error(ErrorCode::kInvalidArgument,
                fmt::format("'{}' has no accuracy report: nothing was measured when it was built", options.file))
        .with_hint(
            "burnish build MODEL.onnx --int8 --calibrate DATA measures and stores one (--bf16, --fp16 and --best do, "
            "too)");
  }
  if (!options.html.empty()) write_file(options.html, accuracy_page(*report, options.file));
  if (options.flags.json) {
    print_json(Json::parse(report->json));
  } else if (options.html.empty()) {
    print_accuracy(*report);
  } else {
    fmt::print("{}: written\n", options.html);
  }
  return 0;
}

void show_engine(const Options& options, const EngineData& engine) {
  if (options.dot) {
    fmt::print("{}", dot_of(engine));
  } else if (options.flags.json) {
    print_json(describe_engine(engine));
  } else {
    print_engine(engine);
  }
}

/// All engines of a bundle, one after the other.
int inspect_engine(const Options& options) {
  check(!options.text && !options.optimised, ErrorCode::kInvalidArgument,
        "--text and --optimised are for models; "
        "'{}' is an engine",
        options.file);
  const auto file = MappedFile::open(options.file);
  std::vector<EngineData> engines;
  for (const EngineVariant& variant : engine_variants(file->bytes(), options.file)) {
    engines.push_back(parse_engine(variant.bytes, file, options.file));
  }
  if (options.accuracy) return inspect_accuracy(options, engines.front());
  if (options.flags.json && engines.size() > 1) {
    Json all = Json::array();
    for (const EngineData& engine : engines) all.push_back(describe_engine(engine));
    print_json({{"engines", all}});
    return 0;
  }
  for (const EngineData& engine : engines) show_engine(options, engine);
  return 0;
}

Action declare(OptionSet& command, const CommandLine&) {
  auto options = std::make_shared<Options>();
  command.add("file", options->file, "An .onnx or .engine file").required().value_name("FILE");
  const Option dot =
      command.flag("--dot", options->dot, "A picture for Graphviz: burnish inspect F --dot | dot -Tsvg > f.svg");
  command.flag("--text", options->text, "A model's whole graph as text").excludes(dot);
  command.flag("--optimised", options->optimised, "Run the passes on the model first");
  Option accuracy = command.flag("--accuracy", options->accuracy,
                                 "What lower precision cost an engine, as measured when it was built");
  accuracy.excludes(dot);
  command.add("--html", options->html, "With --accuracy: a page with pictures").needs(accuracy).value_name("FILE");
  add_json_flag(command, options->flags);
  return [options] { return is_model(options->file) ? inspect_model(*options) : inspect_engine(*options); };
}

}  // namespace

const Command kInspect = {"inspect", "Show what is in a model or an engine",
                          R"(  burnish inspect model.onnx
  burnish inspect model.engine --json
  burnish inspect model.engine --accuracy --html accuracy.html
  burnish inspect model.engine --dot | dot -Tsvg > model.svg)",
                          declare};

}  // namespace burnish::cli
