// cuda.cudnn_attention: FusedAttention by NVIDIA's library. A configuration names one of its engines. What that
// compiled is stored in the engine file, so that loading compiles nothing.
#include <map>

#include "kernels/cuda/cudnn_attention_graph.h"
#include "kernels/cuda/cudnn_plan.h"
#include "kernels/cuda/generated.h"
#include "kernels/cuda/tactics.h"
#include "ops/fused.h"

namespace burnish::cuda {
namespace {

/// Each is compiled, which takes seconds.
constexpr size_t kMostEngines = 2;
constexpr int kOldestSm = 80;

DnnAttention read(const Problem& problem) {
  DnnAttention a;
  check(read_dnn_attention(problem, a), ErrorCode::kUnsupported, "this {} is not for cuda.cudnn_attention", problem.op);
  return a;
}

std::string key(const DnnAttention& a, const std::string& config) {
  return fmt::format("attention {} {}", config, key_of(a));
}

std::shared_ptr<const DnnPlan> make_plan(const DnnAttention& a, const std::string& config, const dnn::Site& site) {
  const std::string_view engine = text_of(config, "engine");
  check(!engine.empty(), ErrorCode::kUnsupported, "cuDNN has no engine for attention over heads of {} columns", a.qk);
  return std::make_shared<const DnnPlan>(DnnAttentionGraph(a, site), parse_dnn_engine(engine, config), site);
}

/// From its text; where that is another kind of GPU's, compiled here.
std::shared_ptr<const DnnPlan> load(const DnnAttention& a, const std::string& config, PackedView text,
                                    const dnn::Site& site) {
  try {
    return std::make_shared<const DnnPlan>(std::string(reinterpret_cast<const char*>(text.data()), text.size()), site);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;
  }
  return make_plan(a, config, site);
}

class DnnAttentionKernel : public Kernel {
 public:
  DnnAttentionKernel(const DnnAttention& a, const std::string& config, PackedView text, const Target& target)
      : a_(a), device_(device_of(target)), site_(dnn::Site::of_device(target.device)) {
    device_.make_current();
    plan_ = shared_dnn_plan(key(a, config), site_, [&] { return load(a, config, text, site_); });
  }

  size_t scratch_bytes() const override { return plan_->workspace_bytes(); }

  void run(const KernelArgs& args) const override {
    std::array<int64_t, 5> ids{};
    std::array<void*, 5> pointers{};
    size_t size = 0;
    const auto add = [&](DnnAttentionTensor id, const void* pointer) {
      ids[size] = static_cast<int64_t>(id);
      pointers[size++] = const_cast<void*>(pointer);  // the library's pointers are all alike
    };
    for (size_t i = 0; i < 3; ++i) add(static_cast<DnnAttentionTensor>(i + 1), operand(args, i));
    add(DnnAttentionTensor::kY, args.outputs[0]);
    check_alignment(std::span(pointers).first(size));
    add(DnnAttentionTensor::kScale, &a_.scale);
    device_.make_current();
    plan_->run(std::span(ids).first(size), std::span(pointers).first(size), args.scratch, args.stream, site_);
  }

 private:
  const void* operand(const KernelArgs& args, size_t i) const {
    const auto* data = static_cast<const std::byte*>(args.inputs[static_cast<size_t>(a_.inputs[i])]);
    return data + a_.column[i] * static_cast<int64_t>(size_of(a_.type));
  }
  static void check_alignment(std::span<void* const> pointers) {
    for (void* p : pointers) {
      if (reinterpret_cast<uintptr_t>(p) % kDnnAligned == 0) continue;
      throw Error(ErrorCode::kUnsupported, "cuDNN has no attention over tensors that are not aligned")
          .with_hint(
              "align the memory of the inputs and outputs to 16 bytes, or build the engine without the tactic "
              "cuda.cudnn_attention");
    }
  }

  DnnAttention a_;
  const Device& device_;
  dnn::Site& site_;
  std::shared_ptr<const DnnPlan> plan_;
};

class DnnAttentionTactic : public Tactic {
 public:
  std::string_view name() const override { return "cuda.cudnn_attention"; }
  std::vector<std::string_view> ops() const override { return {kFusedAttention}; }

  bool supports(const Problem& problem, const Target& target) const override {
    DnnAttention a;
    return target.device >= 0 && target.sm >= kOldestSm && read_dnn_attention(problem, a) && dnn::available();
  }

  std::vector<std::string> candidates(const Problem& problem, const Target& target) const override {
    dnn::Site& site = dnn::Site::of_device(target.device);
    device_of(target).make_current();
    const std::lock_guard lock(site.mutex());
    return dnn_attention_candidates(read(problem), target.arch(), site);
  }

  void warm_up(const Problem& problem, const std::string& config) const override { compiled(problem, config); }
  std::vector<PackedBlob> pack(const Problem& problem, const std::string& config) const override {
    return {compiled(problem, config)};
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    const DnnAttention a = read(problem);
    if (const std::string_view built = text_of(config, "cudnn"); built != dnn::version()) {
      throw Error(ErrorCode::kMismatch,
                  fmt::format("the engine was built with cuDNN {}, here is {}", built, dnn::version()))
          .with_hint("build it again with this version: engines of one are unknown to another");
    }
    return std::make_unique<DnnAttentionKernel>(a, config, packed_at(packed, 0), target);
  }

  bool allocates() const override { return true; }  // run() makes a variant pack each time

 private:
  /// The plan's text, compiled once a process. Throws kUnsupported where the library refuses it, or has no text of it.
  static PackedBlob compiled(const Problem& problem, const std::string& config) {
    static std::mutex mutex;
    static std::map<std::string, PackedBlob> known;
    const DnnAttention a = read(problem);
    // Of several GPUs the calling thread's; prepare() finds out whether it is another kind.
    const int device = current_device();
    const std::string name = fmt::format("{} {}", device, key(a, config));
    {
      const std::lock_guard lock(mutex);
      if (const auto found = known.find(name); found != known.end()) return found->second;
    }
    PackedBlob blob;
    {
      dnn::Site& site = dnn::Site::of_device(device);
      Device::get(device).make_current();
      const std::lock_guard lock(site.mutex());
      const std::string text = make_plan(a, config, site)->text();
      const auto bytes = std::as_bytes(std::span(text));
      blob.assign(bytes.begin(), bytes.end());
    }
    const std::lock_guard lock(mutex);
    return known[name] = blob;
  }
};

}  // namespace

std::vector<std::string> dnn_attention_candidates(const DnnAttention& a, std::string_view arch, const dnn::Site& site) {
  const std::string prefix = fmt::format("{} cudnn={}", arch, dnn::version());
  std::vector<std::string> configs;
  try {
    const DnnWish wish{.most = kMostEngines, .most_compiled = kMostEngines};
    for (const DnnEngine& engine : find_dnn_engines(DnnAttentionGraph(a, site), wish, site)) {
      configs.push_back(fmt::format("{} engine={}", prefix, to_string(engine)));
    }
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;
  }
  if (configs.empty()) configs.push_back(prefix);
  return configs;
}

const Tactic& cudnn_attention_tactic() {
  static const DnnAttentionTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
