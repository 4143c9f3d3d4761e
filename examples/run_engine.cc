// Loads an engine, runs it once on zeros at the shapes it was tuned for, and prints what comes out:
//   build/release/bin/run_engine M.engine
#include <burnish/engine.h>

#include <cstdio>
#include <functional>
#include <numeric>

int main(int argc, char** argv) try {
  if (argc != 2) return std::fprintf(stderr, "usage: run_engine M.engine\n"), 2;
  const burnish::Engine engine = burnish::Engine::load(argv[1]);  // immutable, shared by all contexts
  burnish::ExecutionContext context = engine.create_context();    // one per thread of yours

  std::vector<std::vector<double>> memory;  // outlives execute(): inputs are read where they are
  for (const burnish::BindingInfo& input : engine.inputs()) {
    const std::vector<int64_t> shape = engine.input_range(input.name).opt;
    const auto elements = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
    memory.emplace_back(static_cast<size_t>(elements));  // no element is larger than a double
    context.set_input_shape(input.name, shape);
    context.set_input(input.name, memory.back().data());
  }
  context.execute();

  for (const burnish::BindingInfo& output : engine.outputs()) {
    std::printf("%s: [", output.name.c_str());
    for (const int64_t d : context.output_shape(output.name)) std::printf(" %lld", static_cast<long long>(d));
    std::printf(" ], %zu bytes\n", context.output_bytes(output.name));
    if (output.dtype == burnish::DataType::kFloat32 && context.output_bytes(output.name) >= sizeof(float))
      std::printf("  first element %g\n", *static_cast<const float*>(context.output(output.name)));
  }
  return 0;
} catch (const burnish::Exception& e) {
  return std::fprintf(stderr, "error (%s): %s\n", e.code().c_str(), e.what()), 1;
}
