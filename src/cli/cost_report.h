#pragma once
// The forms in which `burnish cost` shows a report.
#include <string>

#include "cli/json.h"
#include "cost/report.h"

namespace burnish::cli {

void print_cost(const cost::Report& report);
Json cost_json(const cost::Report& report);
/// One row a variant and volume, with a header; names are quoted.
std::string cost_csv(const cost::Report& report);
/// One page that needs no network and no script.
std::string cost_page(const cost::Report& report);

}  // namespace burnish::cli
