// The engine reader and the runtime on any bytes: an Exception, or a run within the engine's memory. The checksums are
// mended first, so that mutations get past them.
#include <burnish/engine.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "../runtime/mend_checksums.h"

namespace {

constexpr size_t kMaxArenaBytes = 1 << 20;
constexpr int64_t kMaxInputElements = 1 << 12;

// False for inputs that would take long.
bool set_inputs(const burnish::Engine& engine, burnish::ExecutionContext& context, std::vector<int64_t>& memory) {
  memory.assign(kMaxInputElements + 1, 0);
  for (const burnish::BindingInfo& input : engine.inputs()) {
    const std::vector<int64_t> shape = engine.input_range(input.name).min;
    int64_t elements = 1;
    for (const int64_t d : shape) {
      if (d > kMaxInputElements || elements * d > kMaxInputElements) return false;
      elements *= d;
    }
    context.set_input_shape(input.name, shape);
    context.set_input(input.name, memory.data());
  }
  return true;
}

void load_and_run(std::span<const std::byte> bytes) {
  const burnish::Engine engine = burnish::Engine::deserialize(bytes);
  burnish::ExecutionContext context = engine.create_context(1);
  std::vector<int64_t> memory;
  if (!set_inputs(engine, context, memory)) return;
  context.prepare();
  if (context.arena_bytes() <= kMaxArenaBytes) context.execute();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto* first = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> bytes(first, first + size);
  burnish::testing::mend_checksums(bytes);
  try {
    load_and_run(bytes);
  } catch (const burnish::Exception& e) {
    if (e.code() == "internal") throw;  // a broken invariant of ours is a finding
  }
  return 0;
}
