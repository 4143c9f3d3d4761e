#pragma once
#include <functional>
#include <string>

namespace burnish::node_test {

/// Runs f in a child process and returns its result; a crash or more than timeout_s seconds gives a text that says so.
std::string run_isolated(const std::function<std::string()>& f, unsigned timeout_s);

}  // namespace burnish::node_test
