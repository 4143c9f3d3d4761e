#pragma once
/// \file
/// The runtime's public API: load an engine, make contexts, execute. Depends on nothing but the standard library.
///
/// Every function that can fail throws burnish::Exception, whose what() names the culprit, the reason and the next step.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace burnish {

/// Element types that bindings can have.
enum class DataType { kFloat32, kFloat64, kFloat16, kBFloat16, kInt8, kInt16, kInt32, kInt64, kUInt8, kUInt16, kUInt32,
                      kUInt64, kBool, kOther };

class Exception : public std::runtime_error {
 public:
  Exception(std::string code, const std::string& what) : std::runtime_error(what), code_(std::move(code)) {}
  /// Stable: "invalid_argument", "io", "corrupt", "mismatch", …
  const std::string& code() const { return code_; }

 private:
  std::string code_;
};

/// An input or output of an engine. A dimension of -1 is free within the profiles.
struct BindingInfo {
  std::string name;
  DataType dtype;
  std::vector<int64_t> shape;
};

struct StepTiming {
  std::string name, op, tactic;
  double median_us = 0;
  double gflops = 0;      ///< Arithmetic of one run, in 10⁹ operations (0 when not counted).
  double megabytes = 0;   ///< Memory touched by one run: inputs, weights, outputs.
};

class ExecutionContext;

/// Immutable; may be shared by any number of threads and contexts.
class Engine {
 public:
  /// Maps the file. Throws for damaged files and for engines of another version, target or ISA.
  static Engine load(const std::string& path);
  /// From bytes in memory, which are copied.
  static Engine deserialize(std::span<const std::byte> bytes);

  const std::vector<BindingInfo>& inputs() const;
  const std::vector<BindingInfo>& outputs() const;
  size_t num_profiles() const;
  /// Packed weights and constants, in bytes.
  size_t weight_bytes() const;
  /// num_threads: 0 means all cores of this process. Contexts are independent of each other.
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

  /// Shapes must lie within a profile. New shapes make the next execute() prepare (that allocates); shapes seen before
  /// are remembered.
  void set_input_shape(std::string_view name, std::span<const int64_t> shape);
  /// Dense, row-major memory of the caller, read during execute(). Aligned to the element at least.
  void set_input(std::string_view name, const void* data);
  /// Optional: memory of the caller that execute() writes the output to; capacity in bytes.
  void set_output(std::string_view name, void* data, size_t capacity_bytes);
  /// Plans for the current shapes now instead of in execute().
  void prepare();
  /// Runs and returns when the outputs are there. Allocates nothing once prepared for these shapes (except for outputs
  /// whose shape depends on data).
  void execute();

  /// Valid after execute() (shapes that do not depend on data: after prepare()).
  std::vector<int64_t> output_shape(std::string_view name) const;
  /// Valid until the next execute() or change of shape.
  const void* output(std::string_view name) const;
  /// Bytes of the arena for the current shapes.
  size_t arena_bytes() const;
  /// Executes `rounds` times with a clock around every step.
  std::vector<StepTiming> profile(int rounds);

  struct Impl;
  explicit ExecutionContext(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace burnish
