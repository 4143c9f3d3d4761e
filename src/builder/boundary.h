#pragma once
// Where our errors become the public API's exceptions.
#include <burnish/engine.h>

#include <utility>

#include "base/error.h"

namespace burnish {

/// Runs f; an Error that leaves it is thrown on as burnish::Exception, what callbacks throw as it is.
template <typename F>
decltype(auto) with_public_errors(F&& f) {
  try {
    return std::forward<F>(f)();
  } catch (const Error& error) {
    throw Exception(std::string(name_of(error.code())), error.what());
  }
}

}  // namespace burnish
