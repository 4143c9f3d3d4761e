#include <burnish/engine.h>

#include "runtime/boundary.h"
#include "runtime/context_impl.h"

namespace burnish {

ExecutionContext::ExecutionContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ExecutionContext::ExecutionContext(ExecutionContext&&) noexcept = default;
ExecutionContext& ExecutionContext::operator=(ExecutionContext&&) noexcept = default;
ExecutionContext::~ExecutionContext() = default;

void ExecutionContext::set_input_shape(std::string_view name, std::span<const int64_t> shape) {
  at_boundary([&] { impl_->set_input_shape(name, shape); });
}

void ExecutionContext::set_input(std::string_view name, const void* data) {
  at_boundary([&] { impl_->set_input(name, data); });
}

void ExecutionContext::set_input(std::string_view name, DataType dtype, std::span<const int64_t> shape,
                                 const void* data) {
  at_boundary([&] { impl_->set_input(name, dtype, shape, data); });
}

void ExecutionContext::set_output(std::string_view name, void* data, size_t capacity_bytes) {
  at_boundary([&] { impl_->set_output(name, data, capacity_bytes); });
}

void ExecutionContext::prepare() {
  at_boundary([&] { impl_->prepare(); });
}

void ExecutionContext::execute() {
  at_boundary([&] { impl_->execute(nullptr); });
}

void ExecutionContext::enqueue(void* stream) {
  at_boundary([&] { impl_->enqueue(stream); });
}

bool ExecutionContext::depends_on_data(std::string_view output) const {
  return at_boundary([&] { return impl_->depends_on_data(output); });
}

bool ExecutionContext::is_written_directly(std::string_view output) const {
  return at_boundary([&] { return impl_->is_written_directly(output); });
}

std::vector<int64_t> ExecutionContext::output_shape(std::string_view name) const {
  return at_boundary([&] {
    const Shape shape = impl_->output(name, false).shape;
    return std::vector<int64_t>(shape.begin(), shape.end());
  });
}

const void* ExecutionContext::output(std::string_view name) const {
  return at_boundary([&]() -> const void* { return impl_->output(name, true).data; });
}

size_t ExecutionContext::output_bytes(std::string_view name) const {
  return at_boundary([&] { return impl_->output(name, false).num_bytes(); });
}

size_t ExecutionContext::arena_bytes() const {
  return impl_->arena_bytes();
}
int ExecutionContext::num_threads() const {
  return impl_->num_threads();
}

std::vector<StepTiming> ExecutionContext::profile(int rounds) {
  return at_boundary([&] { return impl_->profile(rounds); });
}

}  // namespace burnish
