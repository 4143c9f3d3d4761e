#pragma once
// What module.cc puts together: one function for each part of burnish._core.
#include <nanobind/nanobind.h>

namespace burnish::python {

/// Our exceptions become those of burnish.errors.
void bind_errors(nanobind::module_& m);
/// DataType, TensorInfo.
void bind_types(nanobind::module_& m);
/// build, BuiltEngine.
void bind_build(nanobind::module_& m);
/// Engine.
void bind_engine(nanobind::module_& m);
/// Context: executions on raw addresses.
void bind_context(nanobind::module_& m);
/// DeviceArray, and what there is of GPUs.
void bind_device(nanobind::module_& m);
/// ModelWriter, describe_model.
void bind_model(nanobind::module_& m);
/// attach, attachment: bytes that travel in an engine.
void bind_attachments(nanobind::module_& m);

}  // namespace burnish::python
