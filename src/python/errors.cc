// The one place where our errors become Python's.
#include <burnish/engine.h>

#include <string>

#include "base/error.h"
#include "python/bindings.h"

namespace burnish::python {
namespace {

namespace nb = nanobind;

void raise(std::string_view code, const char* message) {
  try {
    const nb::object make = nb::module_::import_("burnish.errors").attr("from_code");
    const nb::object error = make(nb::str(code.data(), code.size()), nb::str(message));
    PyErr_SetObject(error.type().ptr(), error.ptr());
  } catch (nb::python_error& failure) {
    failure.restore();
  }
}

void translate(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    raise(name_of(error.code()), error.what());
  } catch (const Exception& error) {
    raise(error.code(), error.what());
  }
}

}  // namespace

void bind_errors(nb::module_&) {
  nb::register_exception_translator(translate);
}

}  // namespace burnish::python
