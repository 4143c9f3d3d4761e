#pragma once
// The words and forms in which `burnish audit` shows what it found.
#include <string>
#include <vector>

#include "cli/audit_inputs.h"
#include "cli/cost_words.h"
#include "cli/json.h"

namespace burnish::cli {

struct AuditFinding {
  AuditCase known;
  cost::Audit audit;
};

/// What was seen, a line each.
std::vector<Fact> observed_facts(const AuditFinding& finding);
/// What the present settings would do by simulation, beside what was seen; says so where they differ much.
Fact replay_fact(const AuditFinding& finding);
/// "dynamic batching up to 8, 2 ms delay: 1.9x throughput, p99 +3.0 ms (to 15.1 ms), …"
std::string advice_text(const cost::Audit& audit, const cost::Advice& advice);
/// What all predictions rest on.
std::vector<std::string> assumption_texts(const AuditFinding& finding);

void print_audit(const AuditFinding& finding);
Json audit_json(const AuditFinding& finding);

}  // namespace burnish::cli
