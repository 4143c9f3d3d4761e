#include "builder/sample_runner.h"

#include <algorithm>

#include "runtime/context_impl.h"

namespace burnish {
namespace {

TensorView first_rows(TensorView view, int64_t rows) {
  view.shape[0] = rows;
  return view;
}

}  // namespace

SampleRunner::SampleRunner(EngineData data, const Target& target)
    : engine_(std::make_shared<const Engine::Impl>(std::move(data), &find_tactic, target.device)),
      context_(engine_.create_context(target.num_threads)) {
  if (engine_.inputs().empty()) return;
  const ShapeRange range = engine_.input_range(engine_.inputs()[0].name);
  if (range.opt.empty()) return;
  min_batch_ = std::max<int64_t>(1, range.min[0]);
  batch_ = std::max<int64_t>(1, range.opt[0]);
}

SampleRunner::~SampleRunner() = default;

void SampleRunner::execute(const Samples& samples, const std::vector<int64_t>& indices) {
  bound_ = samples.gather(indices);
  for (const auto& [name, tensor] : bound_) {
    context_.set_input_shape(name, tensor.shape().dims());
    context_.set_input(name, tensor.data());
  }
  context_.execute();
}

void SampleRunner::run(const Samples& samples, std::span<const int64_t> indices,
                       const std::function<void(const Batch&)>& visit) {
  for (size_t done = 0; done < indices.size();) {
    const auto valid = std::min(indices.size() - done, static_cast<size_t>(batch_));
    std::vector<int64_t> chunk(indices.begin() + static_cast<int64_t>(done),
                               indices.begin() + static_cast<int64_t>(done + valid));
    for (size_t i = 0; static_cast<int64_t>(chunk.size()) < min_batch_; ++i)
      chunk.push_back(indices[i % indices.size()]);
    execute(samples, chunk);
    std::map<std::string, TensorView> outputs;
    for (const BindingInfo& output : engine_.outputs()) {
      TensorView view{DType::kUndefined, Shape(context_.output_shape(output.name)),
                      const_cast<void*>(context_.output(output.name))};
      view.dtype = engine_.impl()->data.plans[0].values[value_of_output(output.name)].dtype;
      const bool counts = view.shape.rank() > 0 && view.shape[0] == static_cast<int64_t>(chunk.size());
      outputs.emplace(output.name, counts ? first_rows(view, static_cast<int64_t>(valid)) : view);
    }
    visit({indices.subspan(done, valid), outputs});
    done += valid;
  }
}

size_t SampleRunner::value_of_output(const std::string& name) const {
  for (const Binding& b : engine_.impl()->data.plans[0].outputs) {
    if (b.name == name) return static_cast<size_t>(b.value);
  }
  throw_error(ErrorCode::kInternal, "the engine has no output '{}'", name);
}

}  // namespace burnish
