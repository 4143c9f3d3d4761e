// cuda.host: any operator by its reference on the host, copied there and back. Slow, right, always there; it waits for
// the GPU, so that a plan with such a step is no CUDA graph.
#include <vector>

#include "kernels/cpu/tactics.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/tactics.h"

namespace burnish::cuda {
namespace {

size_t bytes_of(const TensorDesc& desc) {
  return desc.present() ? static_cast<size_t>(desc.shape.num_elements()) * size_of(desc.dtype) : 0;
}

class HostKernel : public Kernel {
 public:
  HostKernel(const Problem& problem, const Target& target)
      : device_(device_of(target)), reference_(reference_tactic().prepare(problem, "", {}, target)) {
    for (const TensorDesc& desc : problem.inputs) input_bytes_.push_back(bytes_of(desc));
    for (const TensorDesc& desc : problem.outputs) output_bytes_.push_back(bytes_of(desc));
  }

  bool synchronizes() const override { return true; }

  void run(const KernelArgs& args) const override {
    device_.make_current();
    Buffers inputs(input_bytes_), outputs(output_bytes_);
    for (size_t i = 0; i < input_bytes_.size(); ++i) {
      if (args.inputs[i] != nullptr) copy_to_host(inputs.data[i], args.inputs[i], input_bytes_[i], args.stream);
    }
    check_result(driver().StreamSynchronize(args.stream), "executing");
    const auto scratch = allocate_aligned(reference_->scratch_bytes());
    reference_->run({inputs.constant, outputs.data, scratch.get(), args.pool});
    for (size_t i = 0; i < output_bytes_.size(); ++i) {
      if (args.outputs[i] != nullptr) copy_to_device(args.outputs[i], outputs.data[i], output_bytes_[i], args.stream);
    }
    check_result(driver().StreamSynchronize(args.stream), "executing");
  }

 private:
  struct Buffers {
    explicit Buffers(const std::vector<size_t>& sizes) {
      for (const size_t bytes : sizes) {
        memory.push_back(bytes == 0 ? nullptr : allocate_aligned(bytes));
        data.push_back(memory.back().get());
        constant.push_back(data.back());
      }
    }
    std::vector<std::shared_ptr<void>> memory;
    std::vector<void*> data;
    std::vector<const void*> constant;
  };

  const Device& device_;
  std::unique_ptr<Kernel> reference_;
  std::vector<size_t> input_bytes_, output_bytes_;
};

class HostTactic : public Tactic {
 public:
  std::string_view name() const override { return "cuda.host"; }
  std::vector<std::string_view> ops() const override { return {}; }
  bool supports(const Problem& problem, const Target& target) const override {
    return reference_tactic().supports(problem, target);
  }
  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string&, std::span<const PackedView>,
                                  const Target& target) const override {
    return std::make_unique<HostKernel>(problem, target);
  }
};

}  // namespace

const Tactic& host_tactic() {
  static const HostTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
