#pragma once
// Where internal errors become public ones, once.
#include <burnish/engine.h>

#include <new>
#include <string>

#include "base/error.h"

namespace burnish {

/// Runs f; whatever it throws leaves as burnish::Exception.
template <typename F>
decltype(auto) at_boundary(F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (const Error& e) {
    throw Exception(std::string(name_of(e.code())), e.what());
  } catch (const Exception&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw Exception("out_of_memory", "out of memory");
  } catch (const std::exception& e) {
    throw Exception("internal", e.what());
  }
}

}  // namespace burnish
