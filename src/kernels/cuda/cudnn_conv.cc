// cuda.cudnn_conv: convolutions of images, channels last, by NVIDIA's library. A configuration names one of its engines
// with its settings ("engine") and another that takes any address ("any"), as the library gave them at build time:
// nothing is chosen later, the same engine file runs the same kernels.
#include <algorithm>
#include <array>

#include "kernels/cuda/cudnn_plan.h"
#include "kernels/cuda/generated.h"
#include "kernels/cuda/no_kernel.h"
#include "kernels/cuda/tactics.h"

namespace burnish::cuda {
namespace {

/// What a plan may be given: pointers to the tensors of the graph.
struct Pack {
  std::array<int64_t, 6> ids{};
  std::array<void*, 6> pointers{};
  size_t size = 0;
  void add(DnnTensor id, const void* pointer) {
    ids[size] = static_cast<int64_t>(id);
    pointers[size++] = const_cast<void*>(pointer);  // the library's pointers are all alike
  }
};

class DnnKernel : public Kernel {
 public:
  DnnKernel(const DnnConv& conv, const std::string& config, std::span<const PackedView> packed, const Target& target)
      : conv_(conv), device_(device_of(target)), site_(dnn::Site::of_device(target.device)) {
    size_t blob = 0;
    weights_ = packed_at(packed, blob++).device;
    if (conv.has_bias) bias_ = packed_at(packed, blob++).device;
    if (conv.has_scales) scales_ = packed_at(packed, blob++).device;
    device_.make_current();
    aligned_ = plan_of(config, "engine", kDnnAligned);
    if (text_of(config, "any").empty()) return;
    try {
      any_ = plan_of(config, "any", kDnnAnyAddress);
    } catch (const Error& error) {  // then images must be aligned
      if (error.code() != ErrorCode::kUnsupported) throw;
    }
  }

  size_t scratch_bytes() const override {
    return std::max(aligned_->workspace_bytes(), any_ != nullptr ? any_->workspace_bytes() : 0);
  }

  void run(const KernelArgs& args) const override {
    Pack pack;
    pack.add(DnnTensor::kX, args.inputs[0]);
    pack.add(DnnTensor::kY, args.outputs[0]);
    if (conv_.form.residual != Residual::kNone) pack.add(DnnTensor::kResidual, args.inputs[kFusedResidual]);
    const DnnPlan& plan = plan_for(pack);
    pack.add(DnnTensor::kW, weights_);
    if (conv_.has_bias) pack.add(DnnTensor::kBias, bias_);
    if (conv_.has_scales) pack.add(DnnTensor::kScales, scales_);
    device_.make_current();
    plan.run(std::span(pack.ids).first(pack.size), std::span(pack.pointers).first(pack.size), args.scratch, args.stream,
             site_);
  }

 private:
  std::shared_ptr<const DnnPlan> plan_of(const std::string& config, std::string_view name, int64_t alignment) const {
    const std::string_view engine = text_of(config, name);
    check(!engine.empty(), ErrorCode::kUnsupported, "cuDNN has no engine for a convolution of {} by {} channels",
          conv_.form.all_in_channels(), conv_.out_channels());
    return shared_dnn_plan_or_other(conv_, parse_dnn_engine(engine, config), alignment, site_);
  }
  const DnnPlan& plan_for(const Pack& images) const {
    const bool aligned = std::all_of(images.pointers.begin(), images.pointers.end(),
                                     [](void* p) { return reinterpret_cast<uintptr_t>(p) % kDnnAligned == 0; });
    if (aligned) return *aligned_;
    if (any_ == nullptr) {
      throw Error(ErrorCode::kUnsupported, "cuDNN has no engine for this convolution of images that are not aligned")
          .with_hint(
              "align the memory of the inputs and outputs to 16 bytes, or build the engine without the tactic "
              "cuda.cudnn_conv");
    }
    return *any_;
  }

  DnnConv conv_;
  const Device& device_;
  dnn::Site& site_;
  const void *weights_ = nullptr, *bias_ = nullptr, *scales_ = nullptr;  // on the GPU
  std::shared_ptr<const DnnPlan> aligned_, any_;
};

class DnnTactic : public Tactic {
 public:
  std::string_view name() const override { return "cuda.cudnn_conv"; }
  std::vector<std::string_view> ops() const override { return {kFusedConv}; }

  bool supports(const Problem& problem, const Target& target) const override {
    DnnConv conv;
    return target.device >= 0 && read_dnn_conv(problem, conv) && !conv.empty() && dnn::available();
  }

  std::vector<std::string> candidates(const Problem& problem, const Target& target) const override {
    const DnnConv conv = read(problem);
    dnn::Site& site = dnn::Site::of_device(target.device);
    device_of(target).make_current();
    const std::lock_guard lock(site.mutex());
    return dnn_conv_candidates(conv, target.arch(), site);
  }

  bool packs_input(const Problem& problem, int input) const override {
    DnnConv conv;
    return read_dnn_conv(problem, conv) && (input == kFusedWeights || (input == kFusedBias && conv.has_bias) ||
                                            (input == kFusedWeightScales && conv.has_scales));
  }
  std::vector<PackedBlob> pack(const Problem& problem, const std::string&) const override {
    return pack_dnn_conv(problem, read(problem));
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    const DnnConv conv = read(problem);
    if (conv.empty()) return std::make_unique<NoKernel>();
    dnn::library();
    if (const std::string_view built = text_of(config, "cudnn"); built != dnn::version()) {
      throw Error(ErrorCode::kMismatch,
                  fmt::format("the engine was built with cuDNN {}, here is {}", built, dnn::version()))
          .with_hint("build it again with this version: engines of one are unknown to another");
    }
    return std::make_unique<DnnKernel>(conv, config, packed, target);
  }

  bool allocates() const override { return true; }  // run() makes a variant pack each time
  bool accepts_strided_input(const Problem& problem, int input) const override {
    DnnConv conv;
    return input == 0 ||
           (input == kFusedResidual && read_dnn_conv(problem, conv) && conv.form.residual != Residual::kNone);
  }
  bool accepts_strided_output(const Problem&, int) const override { return true; }

 private:
  DnnConv read(const Problem& problem) const {
    DnnConv conv;
    check(read_dnn_conv(problem, conv), ErrorCode::kUnsupported, "this {} is not for {}", problem.op, name());
    return conv;
  }
};

}  // namespace

const Tactic& cudnn_conv_tactic() {
  static const DnnTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
