// Bytes that travel in an engine file without being part of its plans: what a refit needs, for instance.
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <charconv>

#include "base/error.h"
#include "python/bindings.h"
#include "python/build.h"
#include "python/engine.h"
#include "runtime/engine_impl.h"

namespace burnish::python {
namespace {

/// The metadata that tells which blob holds the attachment.
std::string key_of(const std::string& name) {
  return "attachment." + name;
}

void attach(EngineData& data, const std::string& name, const nb::bytes& content) {
  const bool is_new = data.metadata.emplace(key_of(name), std::to_string(data.blobs.size())).second;
  check(is_new, ErrorCode::kInvalidArgument, "the engine has an attachment '{}' already", name);
  Blob blob{DType::kUInt8, Shape{static_cast<int64_t>(content.size())}, {}, nullptr, content.size()};
  const std::shared_ptr<void> memory = allocate_aligned(content.size());
  std::memcpy(memory.get(), content.data(), content.size());
  blob.data = static_cast<const std::byte*>(memory.get());
  blob.owner = memory;
  data.blobs.push_back(std::move(blob));
}

nb::object attachment(const PyEngine& engine, const std::string& name) {
  const EngineData& data = engine.engine().impl()->data;
  const auto entry = data.metadata.find(key_of(name));
  if (entry == data.metadata.end()) return nb::none();
  const std::string& text = entry->second;
  size_t index = data.blobs.size();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  check(error == std::errc() && end == text.data() + text.size() && index < data.blobs.size() &&
            data.blobs[index].dtype == DType::kUInt8,
        ErrorCode::kCorrupt, "the attachment '{}' is blob '{}', which the engine does not have", name, text);
  return nb::bytes(data.blobs[index].data, data.blobs[index].num_bytes);
}

}  // namespace

void bind_attachments(nb::module_& m) {
  m.def(
      "attach",
      [](PyBuiltEngine& built, const std::string& name, const nb::bytes& content) {
        for (EngineData& data : built.engines) attach(data, name, content);
      },
      nb::arg("built"), nb::arg("name"), nb::arg("content"),
      "Stores bytes in the engine that are not part of its plans; executions do not touch them.");
  m.def("attachment", &attachment, nb::arg("engine"), nb::arg("name"),
        nb::sig("def attachment(engine: Engine, name: str) -> bytes | None"),
        "What attach() stored under the name; None where there is nothing.");
}

}  // namespace burnish::python
