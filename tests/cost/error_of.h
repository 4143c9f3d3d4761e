#pragma once
#include <string>

#include "base/error.h"

namespace burnish::cost {

/// What f's error says; "no error" if there is none.
template <typename F>
std::string error_of(const F& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace burnish::cost
