#include "kernels/cpu/onednn/library.h"

#include <dlfcn.h>

// Made by cmake/LazyLibrary.cmake: the jumps behind oneDNN's functions.
extern "C" {
extern const int onednn_num_functions;
extern const char* const onednn_function_names[];
extern void* onednn_functions[];
}

namespace burnish::onednn {
namespace {

constexpr int kUnimplemented = 5;  // dnnl_unimplemented, in every version
int unimplemented() {
  return kUnimplemented;
}

void* open_and_bind() {
  void* library = dlopen(library_name(), RTLD_NOW | RTLD_LOCAL);
  for (int i = 0; i < onednn_num_functions; ++i) {
    void* function = library == nullptr ? nullptr : dlsym(library, onednn_function_names[i]);
    onednn_functions[i] = function != nullptr ? function : reinterpret_cast<void*>(&unimplemented);
  }
  return library;
}

void* library() {
  static void* const handle = open_and_bind();  // never closed: kernels may hold its code
  return handle;
}

}  // namespace

bool library_available() {
  return library() != nullptr;
}
const char* library_name() {
  return BURNISH_ONEDNN_LIBRARY;
}
void* library_symbol(const char* name) {
  return library_available() ? dlsym(library(), name) : nullptr;
}

}  // namespace burnish::onednn
