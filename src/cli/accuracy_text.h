#pragma once
// The accuracy report for people: in the terminal, and as a page.
#include <string>

#include "cli/accuracy_report.h"

namespace burnish::cli {

/// To stdout: the builds that were measured, the layers that add most noise first, the warnings.
void print_accuracy(const AccuracyReport& report);

/// One page that needs nothing else: no script, no network. title: the engine's file, not escaped.
std::string accuracy_page(const AccuracyReport& report, const std::string& title);

}  // namespace burnish::cli
