// burnish cost: how many instances a traffic needs, what they cost, and from when on a faster variant pays.
#include <fmt/format.h>

#include "base/file.h"
#include "cli/command.h"
#include "cli/cost_inputs.h"
#include "cli/cost_pictures.h"
#include "cli/cost_report.h"
#include "cli/png.h"

namespace burnish::cli {
namespace {

/// Sharp on a slide.
constexpr int kPngWidth = 2 * static_cast<int>(kFileWidth);

struct Options {
  CostInputs inputs;
  std::string html, svg, png, csv;
  OutputFlags flags;
};

int run(const Options& options) {
  const cost::Report report = cost::make_report(make_scenario(options.inputs));
  const auto write = [&](const std::string& path, const auto& write_to) {
    if (path.empty()) return;
    write_to(path);
    if (!options.flags.json) fmt::print(stderr, "{}: written\n", printable(path));
  };
  write(options.html, [&](const std::string& path) { write_file(path, cost_page(report)); });
  write(options.svg, [&](const std::string& path) { write_file(path, staircase_file(report)); });
  write(options.csv, [&](const std::string& path) { write_file(path, cost_csv(report)); });
  write(options.png, [&](const std::string& path) { write_png(path, staircase_file(report), kPngWidth); });
  if (options.flags.json) {
    print_json(cost_json(report));
  } else {
    print_cost(report);
  }
  return 0;
}

Action declare(OptionSet& command, const CommandLine&) {
  auto options = std::make_shared<Options>();
  add_cost_options(command, options->inputs);
  const std::string group = "Output";
  command.add("--html", options->html, "A page with the staircases and every formula").value_name("FILE").group(group);
  command.add("--svg", options->svg, "The staircases as a picture").value_name("FILE").group(group);
  command.add("--png", options->png, "The same as a PNG picture; needs rsvg-convert (Debian's librsvg2-bin)")
      .value_name("FILE")
      .group(group);
  command.add("--csv", options->csv, "A row for every variant and volume").value_name("FILE").group(group);
  add_json_flag(command, options->flags);
  return [options] { return run(*options); };
}

}  // namespace

const Command kCost = {"cost", "Plan instances and costs for a traffic, and when a faster variant pays",
                       R"(  burnish bench m.engine --shape image=8x3x224x224 --json > b8.json
  burnish cost --variant today=1:10ms,8:55ms --variant burnish=b1.json,b8.json --requests-per-day 1M --p99 50ms \
               --price 2.50USD/h --one-off-cost 5000USD --html cost.html
  burnish cost --variant m=b1.json,b8.json --log requests.csv --p99 100ms --prices prices.toml --machine g4dn.xlarge)",
                       declare};

}  // namespace burnish::cli
