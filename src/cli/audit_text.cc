// burnish audit for a terminal.
#include <fmt/format.h>

#include "cli/audit_report.h"
#include "cli/command.h"

namespace burnish::cli {
namespace {

void print_fact(const Fact& fact) {
  fmt::print("  {:<13}{}\n", fact.name, printable(fact.value));
}

}  // namespace

void print_audit(const AuditFinding& f) {
  fmt::print("{}\n", printable(f.audit.inputs.seen.name));
  for (const Fact& fact : observed_facts(f)) print_fact(fact);
  print_fact(replay_fact(f));
  fmt::print("\nAdvice, the best first; effects by simulation\n");
  if (f.audit.advice.empty()) fmt::print("  nothing that was tried is a tenth better than what is set\n");
  int number = 0;
  for (const cost::Advice& advice : f.audit.advice) fmt::print("  {}. {}\n", ++number, advice_text(f.audit, advice));
  fmt::print("\nAssumed\n");
  for (const std::string& text : assumption_texts(f)) fmt::print("  - {}\n", printable(text));
  fmt::print("\n");
}

}  // namespace burnish::cli
