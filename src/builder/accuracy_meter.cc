#include "builder/accuracy_meter.h"

#include <burnish/builder.h>

#include <algorithm>

#include "base/error.h"
#include "base/npy.h"
#include "builder/metric_command.h"
#include "ops/elements.h"
#include "quantize/loss.h"
#include "quantize/metrics.h"

namespace burnish {
namespace {

Shape with_count(const Shape& item, int64_t count) {
  Shape shape{count};
  for (const int64_t d : item) shape.push_back(d);
  return shape;
}

std::string file_name_of(std::string name) {
  std::ranges::replace(name, '/', '_');
  return name;
}

}  // namespace

AccuracyMeter::AccuracyMeter(const PrecisionOptions& options, const Samples& samples, std::vector<int64_t> indices,
                             EngineData reference, const Target& target)
    : samples_(samples), indices_(std::move(indices)), target_(target), command_(options.metric_command) {
  reference_ = run(std::move(reference));
  check(!reference_.empty(), ErrorCode::kInvalidArgument, "the model has no outputs whose accuracy could be measured");
  if (!options.labels.empty()) read_labels(options.labels);
  if (!command_.empty()) {
    name_ = fmt::format("metric of '{}'", command_);
  } else if (!labels_.empty()) {
    name_ = "top-1 accuracy";
  } else {
    const Output& first = reference_[0];
    const auto kind = guess_output_kind(first.values.data(), with_count(first.item, num_samples()));
    name_ = kind == OutputKind::kClasses ? "top-1 agreement with FP32" : "cosine similarity to FP32";
  }
  reference_metric_ = judge(reference_);
}

void AccuracyMeter::read_labels(const std::string& path) {
  const Tensor all = read_npy(path);
  check(is_integer(all.dtype()) && all.num_elements() == samples_.size(), ErrorCode::kInvalidArgument,
        "labels '{}' hold {} {} numbers; one integer is needed for each of the {} samples", path, all.num_elements(),
        name_of(all.dtype()), samples_.size());
  const Shape& item = reference_[0].item;
  check(item.rank() == 1, ErrorCode::kInvalidArgument,
        "labels need an output of one score a class; '{}' gives {} for a sample", reference_[0].name, to_string(item));
  std::vector<int64_t> values(static_cast<size_t>(all.num_elements()));
  load_elements<int64_t>(all.view(), values.data());
  for (const int64_t i : indices_) labels_.push_back(values[static_cast<size_t>(i)]);
}

std::vector<AccuracyMeter::Output> AccuracyMeter::run(EngineData engine) const {
  std::vector<Output> outputs;
  SampleRunner runner(std::move(engine), target_);
  runner.run(samples_, indices_, [&](const SampleRunner::Batch& batch) {
    for (const auto& [name, view] : batch.outputs) {
      const bool counts = view.shape.rank() > 0 && view.shape[0] == static_cast<int64_t>(batch.indices.size());
      if (!counts || !is_floating(view.dtype)) continue;
      auto output = std::ranges::find(outputs, name, &Output::name);
      if (output == outputs.end()) {
        output = outputs.insert(output, {name, Shape(view.shape.dims().subspan(1)), {}});
      }
      std::vector<float>& values = output->values;
      const size_t old = values.size();
      values.resize(old + static_cast<size_t>(view.num_elements()));
      load_elements<float>(view, values.data() + old);
    }
  });
  // An output whose first dimension was the batch's by chance has not as much for every sample.
  std::erase_if(outputs, [&](const Output& o) {
    return static_cast<int64_t>(o.values.size()) != num_samples() * o.item.num_elements();
  });
  return outputs;
}

double AccuracyMeter::metric(EngineData candidate) const {
  return judge(run(std::move(candidate)));
}

double AccuracyMeter::judge(const std::vector<Output>& outputs) const {
  if (!command_.empty()) return by_command(outputs);
  return labels_.empty() ? against_reference(outputs) : against_labels(outputs);
}

double AccuracyMeter::against_labels(const std::vector<Output>& outputs) const {
  return top1_accuracy(outputs[0].values, labels_, outputs[0].item[0]);
}

double AccuracyMeter::against_reference(const std::vector<Output>& outputs) const {
  std::vector<OutputKind> kinds;
  for (const Output& o : reference_)
    kinds.push_back(guess_output_kind(o.values.data(), with_count(o.item, num_samples())));
  Loss loss(kinds);
  for (size_t i = 0; i < outputs.size(); ++i) {
    loss.add(i, outputs[i].values.data(), reference_[i].values.data(), with_count(outputs[i].item, num_samples()));
  }
  return 1 - loss.value();
}

double AccuracyMeter::by_command(const std::vector<Output>& outputs) const {
  const TemporaryFolder folder;
  for (const Output& o : outputs) {
    Tensor t(DType::kFloat32, with_count(o.item, num_samples()));
    std::copy(o.values.begin(), o.values.end(), t.as<float>());
    write_npy(folder.path() + "/" + file_name_of(o.name) + ".npy", t);
  }
  write_npy(folder.path() + "/indices.npy", Tensor::from_ints(indices_));
  return measure_by_command(command_, folder.path());
}

}  // namespace burnish
