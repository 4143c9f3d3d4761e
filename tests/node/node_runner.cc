// Runs the ONNX backend node tests that export_cases.py wrote, and keeps the list of those that do not pass true.
//
//   test_node_runner --cases FOLDER --excluded FILE [--reference] [--filter TEXT] [--failures FILE] [--json FILE]
//
// Exit status 0: every case in scope passes, except for exactly those that FILE lists with a reason.
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "node/isolate.h"
#include "node/node_case.h"
#include "node/run_case.h"

namespace burnish::node_test {
namespace {

constexpr unsigned kTimeoutS = 30;
constexpr double kBarPercent = 90;

struct Options {
  std::string cases, excluded, filter, failures, json;
  bool reference = false;
};

Options parse_options(int argc, char** argv) {
  Options options;
  const std::map<std::string, std::string*> values = {{"--cases", &options.cases},
                                                      {"--excluded", &options.excluded},
                                                      {"--filter", &options.filter},
                                                      {"--failures", &options.failures},
                                                      {"--json", &options.json}};
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--reference") {
      options.reference = true;
      continue;
    }
    const auto value = values.find(arg);
    check(value != values.end() && i + 1 < argc, ErrorCode::kInvalidArgument, "unknown or incomplete option '{}'", arg);
    *value->second = argv[++i];
  }
  return options;
}

struct Tally {
  int total = 0, out_of_scope = 0, passed = 0, excluded = 0;
  std::vector<std::string> failures;  ///< "case <tab> reason" of failures that are not listed.
  std::vector<std::string> stale;     ///< Cases that are listed but pass, or do not exist.

  int in_scope() const { return total - out_of_scope; }
  double percent() const { return in_scope() == 0 ? 0 : 100.0 * passed / in_scope(); }
  bool good() const { return failures.empty() && stale.empty() && percent() >= kBarPercent; }
};

std::string first_line(const std::string& text) {
  std::string line = text;
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

/// Cases listed as random are not even run: by chance they might pass.
bool is_random(const std::map<std::string, std::string>& exclusions, const std::string& name) {
  const auto listed = exclusions.find(name);
  return listed != exclusions.end() && listed->second.starts_with("random numbers");
}

void run_one(const NodeCase& node_case, bool reference, std::map<std::string, std::string>& exclusions, Tally& tally) {
  ++tally.total;
  if (!node_case.in_scope()) {
    ++tally.out_of_scope;
    return;
  }
  if (is_random(exclusions, node_case.name)) {
    exclusions.erase(node_case.name);
    ++tally.excluded;
    return;
  }
  const auto run = [&] { return reference ? run_reference(node_case) : run_engine(node_case); };
  const std::string wrong = run_isolated(run, kTimeoutS);
  const bool listed = exclusions.erase(node_case.name) > 0;
  if (wrong.empty()) {
    ++tally.passed;
    if (listed) tally.stale.push_back(node_case.name);
  } else if (listed) {
    ++tally.excluded;
  } else {
    tally.failures.push_back(node_case.name + "\t" + first_line(wrong));
    std::printf("FAIL %s: %s\n", node_case.name.c_str(), wrong.c_str());
  }
}

void report(const Tally& tally, const Options& options) {
  for (const std::string& name : tally.stale) {
    std::printf("STALE %s is listed in %s, but passes or does not exist\n", name.c_str(), options.excluded.c_str());
  }
  const int skipped = tally.out_of_scope + tally.excluded;
  std::printf("%d passed, %zu failed, %d skipped of %d\n", tally.passed, tally.failures.size(), skipped, tally.total);
  std::printf("ONNX node tests: %d of %d in scope pass = %.2f %% (bar %.0f %%)\n", tally.passed, tally.in_scope(),
              tally.percent(), kBarPercent);
  if (!options.failures.empty()) {
    std::string lines;
    for (const std::string& failure : tally.failures) lines += failure + "\n";
    write_file(options.failures, lines);
  }
  if (options.json.empty()) return;
  write_file(options.json,
             fmt::format("{{\"mode\": \"{}\", \"total\": {}, \"in_scope\": {}, \"passed\": {}, \"failed\": {}, "
                         "\"excluded\": {}, \"stale\": {}, \"percent\": {:.2f}}}\n",
                         options.reference ? "reference" : "engine", tally.total, tally.in_scope(), tally.passed,
                         tally.failures.size(), tally.excluded, tally.stale.size(), tally.percent()));
}

int run(const Options& options) {
  auto exclusions = load_exclusions(options.excluded);
  Tally tally;
  for (const NodeCase& node_case : load_cases(options.cases)) {
    if (node_case.name.find(options.filter) == std::string::npos) continue;
    run_one(node_case, options.reference, exclusions, tally);
  }
  if (options.filter.empty()) {
    for (const auto& [name, reason] : exclusions) tally.stale.push_back(name);
  }
  report(tally, options);
  const bool filtered = !options.filter.empty();
  return tally.good() || (filtered && tally.failures.empty() && tally.stale.empty()) ? 0 : 1;
}

}  // namespace
}  // namespace burnish::node_test

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  try {
    return burnish::node_test::run(burnish::node_test::parse_options(argc, argv));
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 2;
  }
}
