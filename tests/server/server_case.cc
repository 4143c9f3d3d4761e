#include "server/server_case.h"

#include <sched.h>

#include <random>

#include "base/tensor.h"
#include "kernels/tactic.h"
#include "runtime/engine_impl.h"
#include "runtime/test_engines.h"

namespace burnish::server::testing {
namespace {

using burnish::testing::PlanBuilder;

class GateTactic : public Tactic {
 public:
  std::string_view name() const override { return "test.gate"; }
  std::vector<std::string_view> ops() const override { return {"Relu"}; }
  bool supports(const Problem&, const Target&) const override { return true; }
  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string&, std::span<const PackedView>,
                                  const Target&) const override {
    class GateKernel : public Kernel {
     public:
      explicit GateKernel(Shape shape) : shape_(shape) {}
      void run(const KernelArgs& args) const override {
        const auto* x = static_cast<const float*>(args.inputs[0]);
        auto* y = static_cast<float*>(args.outputs[0]);
        Gate::get().pass(x, shape_[0], shape_[1]);
        for (int64_t i = 0; i < shape_.num_elements(); ++i) y[i] = std::max(x[i], 0.0F);
      }

     private:
      Shape shape_;
    };
    return std::make_unique<GateKernel>(problem.outputs[0].shape);
  }
};

const Tactic* find_with_gate(std::string_view name) {
  static const GateTactic gate;
  return name == gate.name() ? &gate : find_tactic(name);
}

Engine engine_of(EngineData data) {
  return Engine(std::make_shared<const Engine::Impl>(std::move(data), &find_with_gate));
}

AttributeMap attribute(const std::string& name, int64_t value) {
  AttributeMap attrs;
  attrs.set(name, value);
  return attrs;
}

}  // namespace

Gate& Gate::get() {
  static Gate gate;
  return gate;
}

void Gate::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  permits_ = 0;
  batches_.clear();
  order_.clear();
}

void Gate::open() {
  const std::lock_guard lock(mutex_);
  is_closed_ = false;
  changed_.notify_all();
}

void Gate::let_one_through() {
  const std::lock_guard lock(mutex_);
  ++permits_;
  changed_.notify_all();
}

void Gate::wait_for_arrival() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return waiting_ > permits_; });
}

std::vector<int64_t> Gate::batches() const {
  const std::lock_guard lock(mutex_);
  return batches_;
}

std::vector<float> Gate::order() const {
  const std::lock_guard lock(mutex_);
  return order_;
}

void Gate::pass(const float* data, int64_t items, int64_t item_elements) {
  std::unique_lock lock(mutex_);
  batches_.push_back(items);
  for (int64_t i = 0; i < items; ++i) order_.push_back(data[i * item_elements]);
  ++waiting_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return !is_closed_ || permits_ > 0; });
  --waiting_;
  if (is_closed_) --permits_;
}

Engine gated_engine() {
  PlanBuilder b;
  const Dim batch = Dim::symbol("batch");
  const auto x = b.input("x", DType::kFloat32, {batch, 4});
  const auto y = b.value("y", DType::kFloat32, {batch, 4});
  b.step("Relu", {x}, {y}, {}, "test.gate");
  b.output("y", y);
  b.profile("x", Shape{1, 4}, Shape{2, 4}, Shape{8, 4});
  return engine_of(b.build());
}

Engine affine_engine(int64_t max_batch, int64_t min_batch) {
  PlanBuilder b;
  const Dim batch = Dim::symbol("batch");
  const auto x = b.input("x", DType::kFloat32, {batch, 16});
  const auto two = b.floats("two", Shape{16}, std::vector<float>(16, 2));
  const auto doubled = b.value("doubled", DType::kFloat32, {batch, 16});
  const auto y = b.value("y", DType::kFloat32, {batch, 16});
  const auto sum = b.value("sum", DType::kFloat32, {batch, 1});
  b.step("Mul", {x, two}, {doubled});
  b.step("Add", {doubled, x}, {y});
  b.step("ReduceSum", {y, b.ints("axes", {1})}, {sum}, attribute("keepdims", 1));
  b.output("y", y);
  b.output("sum", sum);
  b.profile("x", Shape{min_batch, 16}, Shape{max_batch, 16}, Shape{max_batch, 16});
  return engine_of(b.build());
}

Engine masked_engine() {
  PlanBuilder b;
  const Dim batch = Dim::symbol("batch"), length = Dim::symbol("length");
  const auto x = b.input("x", DType::kFloat32, {batch, length});
  const auto mask = b.input("mask", DType::kFloat32, {batch, length});
  const auto y = b.value("y", DType::kFloat32, {batch, length});
  const auto total = b.value("total", DType::kFloat32, {batch, 1});
  b.step("Mul", {x, mask}, {y});
  b.step("ReduceSum", {y, b.ints("axes", {1})}, {total}, attribute("keepdims", 1));
  b.output("y", y);
  b.output("total", total);
  for (const char* input : {"x", "mask"}) b.profile(input, Shape{1, 1}, Shape{4, 16}, Shape{8, 64});
  return engine_of(b.build());
}

Engine conv_engine() {
  return engine_of(burnish::testing::conv_engine());
}

// memory is added only where start is 0: zeros at the start show in the same way as those of the server.
Engine running_sum_engine() {
  PlanBuilder b;
  const Dim batch = Dim::symbol("batch");
  const SymShape column{batch, 1};
  const auto x = b.input("x", DType::kFloat32, column);
  const auto memory = b.input("memory", DType::kFloat32, column);
  const auto start = b.input("start", DType::kFloat32, column);
  const auto end = b.input("end", DType::kFloat32, column);
  const auto id = b.input("id", DType::kInt64, column);
  const auto y = b.value("y", DType::kFloat32, column);
  const auto controls = b.value("controls", DType::kFloat32, {batch, 2});
  const auto same_id = b.value("same_id", DType::kInt64, column);
  b.step("Add", {x, memory}, {y});
  b.step("Concat", {start, end}, {controls}, attribute("axis", 1));
  b.step("Neg", {id}, {same_id});
  b.output("y", y);
  b.output("next_memory", y);
  b.output("controls", controls);
  b.output("minus_id", same_id);
  for (const char* input : {"x", "memory", "start", "end", "id"}) {
    b.profile(input, Shape{1, 1}, Shape{1, 1}, Shape{8, 1});
  }
  return engine_of(b.build());
}

Engine lookup_engine() {
  PlanBuilder b;
  const Dim batch = Dim::symbol("batch");
  const auto words = b.input("words", DType::kInt64, {batch});
  const auto table = b.floats("table", Shape{3, 2}, {0, 1, 10, 11, 20, 21});
  const auto y = b.value("y", DType::kFloat32, {batch, 2});
  b.step("Gather", {table, words}, {y}, attribute("axis", 0));
  b.output("y", y);
  b.profile("words", Shape{1}, Shape{1}, Shape{8});
  return engine_of(b.build());
}

Engine bool_engine() {
  PlanBuilder b;
  const Dim batch = Dim::symbol("batch");
  const auto x = b.input("x", DType::kBool, {batch, 4});
  const auto y = b.value("y", DType::kBool, {batch, 4});
  b.step("Not", {x}, {y});
  b.output("y", y);
  b.profile("x", Shape{1, 4}, Shape{1, 4}, Shape{8, 4});
  return engine_of(b.build());
}

Engine nonzero_engine() {
  PlanBuilder b;
  const Dim n = Dim::symbol("n");
  const auto x = b.input("x", DType::kFloat32, {n});
  const auto y = b.value("y", DType::kInt64, {1, Dim::symbol("count")});
  b.step("NonZero", {x}, {y});
  b.output("y", y);
  b.profile("x", Shape{1}, Shape{4}, Shape{8});
  return engine_of(b.build());
}

ModelConfig bound_config(const std::string& name) {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof(set), &set);
  int core = 0;
  while (!CPU_ISSET(static_cast<size_t>(core), &set)) ++core;
  ModelConfig config;
  config.name = name;
  config.instance_groups.emplace_back();
  config.instance_groups[0].count = 1;
  config.instance_groups[0].threads = 1;
  config.instance_groups[0].cores = {core};
  return config;
}

namespace {

template <typename T>
InputTensor tensor_of(const std::string& name, DataType dtype, std::vector<int64_t> shape,
                      const std::vector<T>& values) {
  const auto copy = std::make_shared<std::vector<T>>(values);
  return {
      name, dtype, std::move(shape), {std::as_bytes(std::span(*copy)).data(), copy->size() * sizeof(T), copy, false}};
}

}  // namespace

InputTensor float_tensor(const std::string& name, std::vector<int64_t> shape, const std::vector<float>& values) {
  return tensor_of(name, DataType::kFloat32, std::move(shape), values);
}

InputTensor int64_tensor(const std::string& name, std::vector<int64_t> shape, const std::vector<int64_t>& values) {
  return tensor_of(name, DataType::kInt64, std::move(shape), values);
}

InferRequest request_of(std::vector<InputTensor> inputs) {
  InferRequest request;
  request.inputs = std::move(inputs);
  return request;
}

InferRequest gated_request(float value, int64_t items) {
  return request_of({float_tensor("x", {items, 4}, std::vector<float>(static_cast<size_t>(4 * items), value))});
}

std::future<InferResponse> submit(ModelVersion& model, InferRequest request) {
  const auto promise = std::make_shared<std::promise<InferResponse>>();
  model.submit(std::move(request), [promise](InferResponse&& response) { promise->set_value(std::move(response)); });
  return promise->get_future();
}

InferResponse infer(ModelVersion& model, InferRequest request) {
  return submit(model, std::move(request)).get();
}

std::vector<float> floats_of(const InferResponse& response, const std::string& output) {
  EXPECT_EQ(response.status.message, "");
  for (const OutputTensor& tensor : response.outputs) {
    if (tensor.name != output) continue;
    std::vector<float> values(tensor.data.size / sizeof(float));
    if (!values.empty()) std::memcpy(values.data(), tensor.data.data, tensor.data.size);
    return values;
  }
  ADD_FAILURE() << "no output " << output;
  return {};
}

std::map<std::string, std::vector<float>> executed_alone(const Engine& engine, const InferRequest& request) {
  ExecutionContext context = engine.create_context(1);
  for (const InputTensor& input : request.inputs) {
    context.set_input(input.name, input.dtype, input.shape, input.data.data);
  }
  context.execute();
  std::map<std::string, std::vector<float>> outputs;
  for (const BindingInfo& output : engine.outputs()) {
    if (output.dtype != DataType::kFloat32) continue;
    const auto* data = static_cast<const float*>(context.output(output.name));
    outputs[output.name] = {data, data + context.output_bytes(output.name) / sizeof(float)};
  }
  return outputs;
}

std::vector<float> numbers(size_t count, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> uniform(-4, 4);
  std::vector<float> values(count);
  for (float& v : values) v = uniform(random);
  return values;
}

}  // namespace burnish::server::testing
