#pragma once
/// \file
/// The runtime's public API: load an engine, make contexts, execute. Depends on nothing but the standard library.
///
/// Every function that can fail throws burnish::Exception, whose what() names the culprit, the reason and the next
/// step.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace burnish {

/// Element types that bindings can have. Those narrower than a byte take one byte an element.
enum class DataType {
  kFloat32,
  kFloat64,
  kFloat16,
  kBFloat16,
  kInt8,
  kInt16,
  kInt32,
  kInt64,
  kUInt8,
  kUInt16,
  kUInt32,
  kUInt64,
  kBool,
  kFloat8E4M3FN,
  kFloat8E4M3FNUZ,
  kFloat8E5M2,
  kFloat8E5M2FNUZ,
  kFloat8E8M0,
  kFloat4E2M1,
  kInt4,
  kUInt4,
  kInt2,
  kUInt2
};

class Exception : public std::runtime_error {
 public:
  Exception(std::string code, const std::string& what) : std::runtime_error(what), code_(std::move(code)) {}
  /// Stable: "invalid_argument", "io", "corrupt", "mismatch", …
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

/// An input or output of an engine. A dimension of -1 is free within the profiles, or depends on data. The shape of an
/// output is empty, too, when even its number of dimensions depends on data.
struct BindingInfo {
  std::string name;
  DataType dtype;
  std::vector<int64_t> shape;
};

/// The shapes of one input that a profile allows: each dimension from min to max; tuned at opt.
struct ShapeRange {
  std::vector<int64_t> min, opt, max;
};

struct StepTiming {
  std::string name, op, tactic;
  double median_us = 0;
  double gflops = 0;     ///< Arithmetic of one run, in 10⁹ operations (0 when not counted).
  double megabytes = 0;  ///< Memory touched by one run: inputs, weights, outputs.
};

class ExecutionContext;

/// Immutable; may be shared by any number of threads and contexts.
class Engine {
 public:
  /// Maps the file, which must stay unchanged while the engine lives. Throws for damaged files and for engines of
  /// another version, target or ISA. device: which GPU, for engines that were built for one.
  static Engine load(const std::string& path, int device = 0);
  /// From bytes in memory, which are copied.
  static Engine deserialize(std::span<const std::byte> bytes, int device = 0);

  const std::vector<BindingInfo>& inputs() const;
  const std::vector<BindingInfo>& outputs() const;
  size_t num_profiles() const;
  /// What a profile allows for an input. Of the profiles that allow the shapes of all inputs, the one whose opt is
  /// nearest (as a ratio) is used; of equally near ones the narrower, then the first.
  ShapeRange input_range(std::string_view name, size_t profile = 0) const;
  /// Packed weights and constants, in bytes.
  size_t weight_bytes() const;
  /// num_threads: 0 means all cores of this process. Contexts are independent of each other. May be called from many
  /// threads at once.
  ExecutionContext create_context(int num_threads = 0) const;

  struct Impl;
  explicit Engine(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  const std::shared_ptr<const Impl>& impl() const { return impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

/// One execution's threads, memory and bindings. Not thread-safe; movable. Keeps its engine alive.
class ExecutionContext {
 public:
  ExecutionContext(ExecutionContext&&) noexcept;
  ExecutionContext& operator=(ExecutionContext&&) noexcept;
  ~ExecutionContext();

  /// Must be called before the first execute() for every input with free dimensions. Throws for a shape that no profile
  /// allows. New shapes make the next execute() prepare (that allocates); the last few shapes are remembered.
  void set_input_shape(std::string_view name, std::span<const int64_t> shape);
  /// Dense, row-major memory of the caller, read during execute(): the host's or, with an engine for a GPU, also that
  /// GPU's. Memory that is not aligned to the element is copied.
  void set_input(std::string_view name, const void* data);
  /// set_input_shape() and set_input() together; throws if the input has another element type.
  void set_input(std::string_view name, DataType dtype, std::span<const int64_t> shape, const void* data);
  /// Optional: memory of the caller that execute() writes the output to; capacity in bytes. It is computed in directly
  /// where possible (memory aligned to the element that no input overlaps), else copied to. nullptr takes it back.
  void set_output(std::string_view name, void* data, size_t capacity_bytes);
  /// Plans for the current shapes now instead of in execute().
  void prepare();
  /// Runs and returns when the outputs are there. Allocates nothing once it ran with these shapes (except for outputs
  /// whose shape depends on data). After an error the context can be used further; the outputs are undefined then.
  void execute();
  /// Of engines for GPUs: puts the execution on the caller's stream (a cudaStream_t or CUstream of the same GPU) and
  /// returns. Outputs are there when the stream has got so far: in device memory of set_output(), in page-locked host
  /// memory of set_output(), else in the context's own. One execution of a context at a time.
  void enqueue(void* stream);

  /// True when an output's shape depends on data: it is known after execute() only. Valid after prepare().
  bool depends_on_data(std::string_view output) const;
  /// Valid after execute() (shapes that do not depend on data: after prepare()).
  std::vector<int64_t> output_shape(std::string_view name) const;
  /// Dense and row-major: the memory of set_output(), else the context's own. Valid until the next execute() or change
  /// of shape.
  const void* output(std::string_view name) const;
  /// True when the last execute() computed the output in the memory of set_output(), so that nothing was copied.
  bool is_written_directly(std::string_view output) const;
  /// Bytes of the output: elements times their size.
  size_t output_bytes(std::string_view name) const;
  /// Bytes of the arena: the largest of all shapes prepared so far.
  size_t arena_bytes() const;
  /// Threads that one execution uses, the caller's included.
  int num_threads() const;
  /// Executes `rounds` times with a clock around every step.
  std::vector<StepTiming> profile(int rounds);

  struct Impl;
  explicit ExecutionContext(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace burnish
