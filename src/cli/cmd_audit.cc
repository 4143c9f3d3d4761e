// burnish audit: how well a running server is used, and what would use it better.
#include <fmt/format.h>

#include "base/error.h"
#include "cli/audit_report.h"
#include "cli/command.h"

namespace burnish::cli {
namespace {

struct Options {
  AuditWords words;
  OutputFlags flags;
};

void tell_waiting(double seconds) {
  fmt::print(stderr, "watching for {:.3g} s …\n", seconds);
}

int run(const Options& options) {
  Json json = Json::array();
  for (AuditCase& known : read_audit_cases(options.words, options.flags.json ? [](double) {} : tell_waiting)) {
    const AuditFinding finding = with_frame([&] { return known.inputs.seen.name; },
                                            [&] {
                                              return AuditFinding{known, cost::make_audit(known.inputs)};
                                            });
    options.flags.json ? json.push_back(audit_json(finding)) : print_audit(finding);
  }
  if (options.flags.json) print_json({{"audits", json}});
  return 0;
}

Action declare(OptionSet& command, const CommandLine&) {
  auto options = std::make_shared<Options>();
  add_audit_options(command, options->words);
  add_json_flag(command, options->flags);
  return [options] { return run(*options); };
}

}  // namespace

const Command kAudit = {"audit", "Tell how well a running server is used, and what would serve it better",
                        R"(  burnish audit http://localhost:8000/metrics --interval 60s --p99 50ms
  burnish audit before.prom after.prom --interval 60s --model resnet50 --instances 2 --times b1.json,b8.json
  burnish audit requests.csv --instances 2 --p99 100ms --json)",
                        declare};

}  // namespace burnish::cli
