// The importer and the folding of constants on any bytes: a graph or an Error, never a crash.
#include <cstddef>
#include <cstdint>

#include "base/error.h"
#include "onnx/importer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  burnish::ImportOptions options;
  options.max_nodes = 10'000;
  try {
    const auto graph = burnish::import_model({reinterpret_cast<const std::byte*>(data), size}, "", options);
    graph.verify();
    for (const auto& output : graph.outputs()) burnish::try_evaluate(graph, output.value);
  } catch (const burnish::Error& error) {
    if (error.code() == burnish::ErrorCode::kInternal) throw;  // a broken invariant of ours is a finding
  }
  return 0;
}
