// ModelWriter: models made node by node. describe_model: what an ONNX model is, with all inferred types.
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include "onnx/model_writer.h"
#include "python/bindings.h"
#include "python/borrowed_array.h"
#include "runtime/engine_impl.h"

namespace burnish::python {
namespace {

Tensor tensor_of(nb::handle array, const std::string& what) {
  BorrowedArray memory;
  memory.borrow(array, DataType::kFloat32, what);
  return Tensor(dtype_of(memory.dtype()), Shape(memory.shape()), nullptr, memory.data()).clone();
}

template <typename T>
bool all_are(const nb::sequence& items) {
  for (const nb::handle item : items) {
    if (!nb::isinstance<T>(item)) return false;
  }
  return true;
}

Attribute list_of(const nb::sequence& items, const std::string& name) {
  if (all_are<nb::int_>(items)) return nb::cast<std::vector<int64_t>>(items);
  if (all_are<nb::str>(items)) return nb::cast<std::vector<std::string>>(items);
  std::vector<float> floats;
  for (const nb::handle item : items) {
    if (!nb::isinstance<nb::float_>(item) && !nb::isinstance<nb::int_>(item)) {
      throw_error(ErrorCode::kInvalidArgument, "attribute '{}': a list holds integers, floats or strings, all alike",
                  name);
    }
    floats.push_back(nb::cast<float>(item));
  }
  return floats;
}

Attribute attribute_of(nb::handle value, const std::string& name) {
  if (nb::isinstance<nb::int_>(value)) return nb::cast<int64_t>(value);  // bool is one
  if (nb::isinstance<nb::float_>(value)) return nb::cast<float>(value);
  if (nb::isinstance<nb::str>(value)) return nb::cast<std::string>(value);
  if (nb::isinstance<nb::list>(value) || nb::isinstance<nb::tuple>(value)) {
    return list_of(nb::borrow<nb::sequence>(value), name);
  }
  return tensor_of(value, "attribute '" + name + "'");
}

using Names = std::vector<std::string>;

void add_node(ModelWriter& w, std::string op, Names inputs, Names outputs, std::string name, std::string domain,
              const nb::dict& attributes) {
  ModelWriter::NodeSpec node{std::move(op),     std::move(domain),  std::move(name),
                             std::move(inputs), std::move(outputs), {}};
  for (const auto& [key, value] : attributes) {
    const auto attribute = nb::cast<std::string>(key);
    node.attributes.set(attribute, attribute_of(value, attribute));
  }
  w.add_node(node);
}

nb::dict describe(const Value& value) {
  nb::dict d;
  d["name"] = value.name;
  d["dtype"] = nb::cast(std::string(burnish::name_of(value.type.dtype)));
  d["shape"] = nb::none();
  d["is_constant"] = value.is_constant();
  if (!value.type.shape) return d;
  nb::list shape;
  for (const Dim& dim : *value.type.shape) {
    if (dim.is_constant()) {
      shape.append(dim.value());
    } else {
      shape.append(to_string(dim));
    }
  }
  d["shape"] = shape;
  return d;
}

nb::dict describe(const Graph& graph) {
  nb::dict model;
  nb::list inputs, outputs, nodes;
  nb::dict values;
  for (ValueId id = 0; id < graph.num_value_ids(); ++id)
    values[graph.value(id).name.c_str()] = describe(graph.value(id));
  for (const ValueId id : graph.inputs()) inputs.append(describe(graph.value(id)));
  for (const auto& output : graph.outputs()) {
    nb::dict d = describe(graph.value(output.value));
    d["name"] = output.name;
    outputs.append(d);
  }
  for (const NodeId id : graph.topological_order()) {
    nb::dict node;
    node["name"] = graph.node(id).name;
    node["op"] = graph.node(id).op;
    nodes.append(node);
  }
  model["name"] = graph.name;
  model["inputs"] = inputs;
  model["outputs"] = outputs;
  model["nodes"] = nodes;
  model["values"] = values;
  model["metadata"] = nb::dict();
  for (const auto& [key, value] : graph.metadata) model["metadata"][key.c_str()] = value;
  return model;
}

Graph import(const nb::object& model, const std::string& base_directory) {
  if (nb::isinstance<nb::str>(model)) {
    const auto path = nb::cast<std::string>(model);
    const nb::gil_scoped_release release;
    return import_model_file(path);
  }
  const auto bytes = nb::cast<nb::bytes>(model);
  const nb::gil_scoped_release release;
  return import_model({static_cast<const std::byte*>(bytes.data()), bytes.size()}, base_directory);
}

}  // namespace

void bind_model(nb::module_& m) {
  using Dims = std::vector<ModelWriter::InputDim>;
  nb::class_<ModelWriter>(m, "ModelWriter", "An ONNX model made piece by piece; serialize() gives what build() takes.")
      .def(nb::init<const std::string&, int64_t>(), nb::arg("name") = "network", nb::arg("opset") = kNewestOpset)
      .def(
          "add_input",
          [](ModelWriter& w, const std::string& name, DataType type, const Dims& shape) {
            w.add_input(name, dtype_of(type), shape);
          },
          nb::arg("name"), nb::arg("data_type"), nb::arg("shape"),
          nb::sig("def add_input(self, name: str, data_type: DataType, shape: collections.abc.Sequence[int | str]) -> "
                  "None"),
          "Dimensions are numbers, or names of free ones ('': a name of its own).")
      .def(
          "add_constant",
          [](ModelWriter& w, const std::string& name, nb::handle array) {
            w.add_constant(name, tensor_of(array, "constant '" + name + "'"));
          },
          nb::arg("name"), nb::arg("array"), nb::sig("def add_constant(self, name: str, array: typing.Any) -> None"),
          "Copies the array.")
      .def("add_node", &add_node, nb::arg("op"), nb::arg("inputs"), nb::arg("outputs"), nb::arg("name") = "",
           nb::arg("domain") = "", nb::arg("attributes") = nb::dict(),
           nb::sig(
               "def add_node(self, op: str, inputs: list[str], outputs: list[str], name: str = '', domain: str = '', "
               "attributes: dict[str, typing.Any] = {}) -> None"),
           "Inputs and outputs by the names of their values; '' for an absent optional one. Attributes are numbers, "
           "strings, lists of these, or arrays.")
      .def("mark_output", &ModelWriter::mark_output, nb::arg("value"))
      .def("import_opset", &ModelWriter::import_opset, nb::arg("domain"), nb::arg("version"))
      .def(
          "serialize",
          [](const ModelWriter& w) {
            const std::string bytes = w.serialize();
            return nb::bytes(bytes.data(), bytes.size());
          },
          "The bytes of a ModelProto. Names and types are checked when it is imported.");

  m.def(
      "describe_model",
      [](const nb::object& model, const std::string& base_directory) {
        return describe(import(model, base_directory));
      },
      nb::arg("model"), nb::arg("base_directory") = "",
      nb::sig("def describe_model(model: str | bytes, base_directory: str = '') -> dict[str, typing.Any]"),
      "Imports an ONNX model and tells its inputs, outputs, nodes and values with all types that can be inferred. "
      "Raises "
      "one error that lists every problem of the model.");
}

}  // namespace burnish::python
