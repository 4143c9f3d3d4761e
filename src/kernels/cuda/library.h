#pragma once
// Shared libraries that are opened when first needed, and stay open.
#include <dlfcn.h>

#include <span>

namespace burnish::cuda {

/// The library that the environment variable names, if it names one; else the first of `names` that is here. Null when
/// there is none.
void* open_library(const char* environment, std::span<const char* const> names);

/// False when the library lacks the function.
template <typename F>
bool bind(void* library, const char* name, F*& function) {
  function = reinterpret_cast<F*>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace burnish::cuda
