// burnish._core: what the Python package is built on.
#include "python/bindings.h"

NB_MODULE(_core, m) {
  using namespace burnish::python;
  m.doc() = "The native half of Burnish: compiler and runtime. Use it through the package burnish.";
  m.attr("VERSION") = BURNISH_VERSION;
  bind_errors(m);
  bind_types(m);
  bind_build(m);
  bind_engine(m);
  bind_context(m);
  bind_device(m);
  bind_model(m);
  bind_attachments(m);
}
