#include "kernels/cuda/library.h"

#include <cstdlib>

namespace burnish::cuda {

void* open_library(const char* environment, std::span<const char* const> names) {
  if (const char* path = std::getenv(environment); path != nullptr && *path != '\0') {
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
  }
  for (const char* name : names) {
    if (void* library = dlopen(name, RTLD_NOW | RTLD_LOCAL)) return library;
  }
  return nullptr;
}

}  // namespace burnish::cuda
