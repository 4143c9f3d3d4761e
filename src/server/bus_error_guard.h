#pragma once
// A client may cut a file that the server has mapped. The pages that are gone then read as zeros instead of ending the
// process.
#include <cstddef>

namespace burnish::server {

/// Installs the handler of SIGBUS with the first call. [pages, pages + size) is page aligned at its start.
void guard_against_bus_errors(void* pages, size_t size);
void forget_guard(void* pages);

}  // namespace burnish::server
