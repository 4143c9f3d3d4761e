// cuda.cublaslt: matrix products by NVIDIA's library. A configuration names one of its kernels with its settings
// ("algo") and another that takes any address ("any"), as the library gave them at build time. Shapes that these do not
// fit (some multiply one row only) get what the library would then have given first: the same version gives the same, so
// the same engine runs the same kernels.
#include <algorithm>
#include <charconv>

#include "kernels/cuda/cublaslt_product.h"
#include "kernels/cuda/generated.h"
#include "kernels/cuda/no_kernel.h"
#include "kernels/cuda/tactics.h"
#include "ops/fused.h"

namespace burnish::cuda {
namespace {

constexpr int kMostAlgorithms = 16;
constexpr size_t kMostWorkspace = size_t{32} << 20;
constexpr uint32_t kAlignment16 = 16;
/// Its address stands for that of a bias, of which only the alignment counts: that of device memory.
alignas(256) constexpr std::byte kAnyBias{};

/// "1a.0.…": eight words of hexadecimal digits.
std::string words_of(const lt::Algorithm& algorithm) {
  return fmt::format("{:x}", fmt::join(algorithm.words, "."));
}

lt::Algorithm algorithm_of(std::string_view text, std::string_view config) {
  lt::Algorithm algorithm;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (size_t i = 0; i < algorithm.words.size(); ++i) {
    const auto [next, error] = std::from_chars(at, end, algorithm.words[i], 16);
    const bool separated = i + 1 == algorithm.words.size() ? next == end : next != end && *next == '.';
    check(error == std::errc() && separated, ErrorCode::kCorrupt, "'{}' is no algorithm in the configuration '{}'",
          text, config);
    at = next + 1;
  }
  return algorithm;
}

/// The library's best guesses for operands aligned to so many bytes, best first.
std::vector<lt::Algorithm> algorithms_for(const LtProduct& product, int device, uint32_t alignment, int wanted) {
  const LtDescriptors d(product, &kAnyBias);
  lt::Descriptor preference = lt::Descriptor::preference();
  preference.set(lt::kPreferenceWorkspace, kMostWorkspace);
  // Partial sums must not be rounded to Y's type.
  preference.set(lt::kPreferenceReductions, lt::kReduceInComputeType);
  for (const int operand :
       {lt::kPreferenceAlignmentA, lt::kPreferenceAlignmentB, lt::kPreferenceAlignmentC, lt::kPreferenceAlignmentD}) {
    preference.set(operand, alignment);
  }
  std::vector<lt::Heuristic> found(static_cast<size_t>(wanted));
  int count = 0;
  const lt::Status status = lt::library().MatmulAlgoGetHeuristic(lt::handle_of(device), d.operation.handle(),
                                                                 d.w.handle(), d.a.handle(), d.r.handle(), d.y.handle(),
                                                                 preference.handle(), wanted, found.data(), &count);
  if (status == lt::kNotSupported) return {};
  lt::check_status(status, "looking for algorithms");
  std::vector<lt::Algorithm> algorithms;
  for (int i = 0; i < count; ++i) {
    if (found[static_cast<size_t>(i)].status == 0) algorithms.push_back(found[static_cast<size_t>(i)].algorithm);
  }
  return algorithms;
}

/// An algorithm that fits the product, and its workspace.
struct Choice {
  lt::Algorithm algorithm;
  size_t workspace_bytes = 0;
  bool present = false;
};

class LtKernel : public Kernel {
 public:
  LtKernel(const LtProduct& product, const std::string& config, const void* bias, const Target& target)
      : product_(product),
        device_(device_of(target)),
        library_(lt::library()),
        handle_(lt::handle_of(target.device)),
        descriptors_(product, bias) {
    beta_ = product.residual > 0 ? 1.0F : 0.0F;
    aligned_ = choice_of(config, "algo", kAlignment16);
    any_ = choice_of(config, "any", static_cast<uint32_t>(size_of(product.type)));
    check(aligned_.present || any_.present, ErrorCode::kUnsupported,
          "cuBLASLt has no algorithm for a product of {} x {} x {}", product.m, product.n, product.k);
  }

  size_t scratch_bytes() const override { return std::max(aligned_.workspace_bytes, any_.workspace_bytes); }

  void run(const KernelArgs& args) const override {
    const void *a = args.inputs[0], *w = args.inputs[1];
    void* y = args.outputs[0];
    const void* r = product_.residual > 0 ? args.inputs[static_cast<size_t>(product_.residual)] : y;
    const Choice& choice = choice_for(a, w, r, y);
    const LtDescriptors& d = descriptors_;
    const lt::Descriptor& r_layout = product_.residual > 0 ? d.r : d.y;
    device_.make_current();
    const lt::Status status = library_.Matmul(handle_, d.operation.handle(), &product_.alpha, w, d.w.handle(), a,
                                              d.a.handle(), &beta_, r, r_layout.handle(), y, d.y.handle(),
                                              &choice.algorithm, args.scratch, choice.workspace_bytes, args.stream);
    lt::check_status(status, "multiplying");
  }

 private:
  /// The configuration's algorithm, or the library's first where that does not fit these shapes. Absent where there is
  /// none for operands aligned to so many bytes.
  Choice choice_of(const std::string& config, std::string_view name, uint32_t alignment) const {
    const std::string_view text = text_of(config, name);
    if (text.empty()) return {};
    const Choice built = checked(algorithm_of(text, config));
    if (built.present) return built;
    const auto found = algorithms_for(product_, device_.ordinal(), alignment, 1);
    return found.empty() ? Choice{} : checked(found[0]);
  }

  /// Absent where the algorithm does not fit these shapes.
  Choice checked(const lt::Algorithm& algorithm) const {
    Choice choice{.algorithm = algorithm};
    const LtDescriptors& d = descriptors_;
    lt::Heuristic result;
    const lt::Status status = library_.MatmulAlgoCheck(handle_, d.operation.handle(), d.w.handle(), d.a.handle(),
                                                       d.r.handle(), d.y.handle(), &choice.algorithm, &result);
    choice.present = status == 0 && result.status == 0;
    choice.workspace_bytes = result.workspace_bytes;
    return choice;
  }

  const Choice& choice_for(const void* a, const void* w, const void* r, const void* y) const {
    const auto bits = [](const void* p) { return reinterpret_cast<uintptr_t>(p); };
    if (aligned_.present && (bits(a) | bits(w) | bits(r) | bits(y)) % kAlignment16 == 0) return aligned_;
    if (!any_.present) {
      throw Error(ErrorCode::kUnsupported, "cuBLASLt has no algorithm for tensors that are not aligned to 16 bytes")
          .with_hint(
              "align the memory of the inputs and outputs, or build the engine without the tactic cuda.cublaslt");
    }
    return any_;
  }

  LtProduct product_;
  const Device& device_;
  const lt::Library& library_;
  Handle handle_;
  LtDescriptors descriptors_;
  float beta_ = 0;
  Choice aligned_, any_;
};

class LtTactic : public Tactic {
 public:
  std::string_view name() const override { return "cuda.cublaslt"; }
  std::vector<std::string_view> ops() const override { return {kFusedMatMul, "MatMul", "Gemm", kFusedConv}; }

  bool supports(const Problem& problem, const Target& target) const override {
    LtProduct product;
    return target.device >= 0 && lt::available() && read_lt_product(problem, product);
  }

  std::vector<std::string> candidates(const Problem& problem, const Target& target) const override {
    LtProduct p;
    read_lt_product(problem, p);
    std::string prefix = fmt::format("{} cublaslt={}", target.arch(), lt::version());
    const auto any = algorithms_for(p, target.device, static_cast<uint32_t>(size_of(p.type)), 1);
    if (!any.empty()) prefix += " any=" + words_of(any[0]);
    std::vector<std::string> configs;
    for (const lt::Algorithm& algorithm : algorithms_for(p, target.device, kAlignment16, kMostAlgorithms)) {
      configs.push_back(fmt::format("{} algo={}", prefix, words_of(algorithm)));
    }
    if (configs.empty()) configs.push_back(prefix);
    return configs;
  }

  bool packs_input(const Problem& problem, int input) const override {
    LtProduct product;
    return input > 0 && read_lt_product(problem, product) && input == product.bias;
  }

  std::vector<PackedBlob> pack(const Problem& problem, const std::string&) const override {
    LtProduct product;
    if (!read_lt_product(problem, product) || product.bias == 0) return {};
    return {pack_lt_bias(problem, product)};
  }

  std::unique_ptr<Kernel> prepare(const Problem& problem, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    LtProduct product;
    check(read_lt_product(problem, product), ErrorCode::kUnsupported, "this {} is not for {}", problem.op, name());
    if (product.m == 0 || product.n == 0 || product.batch == 0) return std::make_unique<NoKernel>();
    lt::library();
    if (const std::string_view built = text_of(config, "cublaslt"); built != lt::version()) {
      throw Error(ErrorCode::kMismatch,
                  fmt::format("the engine was built with cuBLASLt {}, here is {}", built, lt::version()))
          .with_hint("build it again with this version: algorithms of one are unknown to another");
    }
    return std::make_unique<LtKernel>(product, config, product.bias > 0 ? packed_at(packed, 0).device : nullptr,
                                      target);
  }

  bool accepts_strided_input(const Problem& problem, int input) const override {
    LtProduct product;
    return read_lt_product(problem, product) && (input == 0 || (input > 0 && input == product.residual));
  }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem& problem, int input) const override {
    LtProduct product;
    return input > 0 && read_lt_product(problem, product) && input == product.residual;
  }
};

}  // namespace

const Tactic& cublaslt_tactic() {
  static const LtTactic tactic;
  return tactic;
}

}  // namespace burnish::cuda
