#pragma once
// What an ExecutionContext holds. Errors leave as burnish::Error here; the public class translates them.
#include <burnish/engine.h>

#include <memory>
#include <vector>

#include "base/thread_pool.h"
#include "runtime/engine_impl.h"
#include "runtime/late_steps.h"
#include "runtime/session.h"
#include "runtime/specialization.h"

namespace burnish {

struct ExecutionContext::Impl {
 public:
  Impl(std::shared_ptr<const Engine::Impl> engine, int num_threads);

  void set_input_shape(std::string_view name, std::span<const int64_t> shape);
  void set_input(std::string_view name, const void* data);
  void set_input(std::string_view name, DataType dtype, std::span<const int64_t> shape, const void* data);
  void set_output(std::string_view name, void* data, size_t capacity_bytes);
  void prepare();
  /// observer may be null.
  void execute(const StepObserver* observer);
  /// Like execute(), but on the caller's stream, without waiting for it.
  void enqueue(void* stream);

  bool depends_on_data(std::string_view output) const;
  bool is_written_directly(std::string_view output) const;
  TensorView output(std::string_view name, bool with_data) const;
  size_t arena_bytes() const { return session_->arena_bytes(); }
  int num_threads() const { return pool_.num_threads(); }
  std::vector<StepTiming> profile(int rounds);

 private:
  /// A specialisation with what it needs while running.
  struct Prepared {
    Prepared(const Engine::Impl& engine, const Plan& plan, const Target& target, Session& session,
             const std::vector<Shape>& shapes);
    Specialization steps;
    std::unique_ptr<Runner> runner;
    std::unique_ptr<LateSteps> late;
    uint64_t last_used = 0;
  };
  struct Input {
    const void* data = nullptr;
    bool is_set = false;
    bool has_shape = false;
  };
  struct Output {
    void* target = nullptr;  // the caller's memory
    size_t capacity = 0;
    const void* result = nullptr;
    Shape shape;
  };

  const Plan& interface() const { return engine_->data.plans[0]; }
  void bind();
  void bind_inputs();
  void bind_outputs();
  bool overlaps_an_input(const void* data, size_t num_bytes) const;
  void stage_inputs(void* stream);
  void check_capacities() const;
  /// Everything but waiting.
  void launch(void* stream, const StepObserver* observer);
  void deliver_outputs(void* stream);
  TensorView computed_output(size_t i) const;

  std::shared_ptr<const Engine::Impl> engine_;
  ThreadPool pool_;
  Target target_;
  std::unique_ptr<Session> session_;
  std::vector<Shape> shapes_;  // by input
  std::vector<Input> inputs_;
  std::vector<Output> outputs_;
  std::vector<std::unique_ptr<Prepared>> cache_;
  Prepared* current_ = nullptr;  // null when the shapes have changed
  uint64_t uses_ = 0;
  std::byte* arena_ = nullptr;
  std::vector<const void*> input_bases_;
  std::vector<void*> output_bases_;
  bool is_bound_ = false;
  bool has_run_ = false;
};

}  // namespace burnish
