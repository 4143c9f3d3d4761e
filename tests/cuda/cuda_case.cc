#include "cuda/cuda_case.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <utility>

#include "kernels/cuda/config.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/nvrtc.h"

namespace burnish::testing {
namespace {

using cuda::Device;

constexpr unsigned char kGuard = 0xcd;
constexpr size_t kGuardBytes = 256;
constexpr int kRunsInARow = 5;
constexpr int kOfflineArchitectures[] = {90, 80, 120, 75};

/// 0 under sanitizers (BURNISH_TIMED_RUNS), where times say nothing.
int num_timed_runs() {
  const char* wanted = std::getenv("BURNISH_TIMED_RUNS");
  return wanted == nullptr ? 20 : std::atoi(wanted);
}

/// What ran on the GPU, printed as it runs.
void print_row(std::string_view tactic, const ProblemCase& c, const std::vector<Tensor>& outputs,
               const std::string& config, double us) {
  std::string shapes;
  for (const Tensor& t : c.inputs) {
    shapes += t.defined() ? fmt::format(" {}{}", name_of(t.dtype()), to_string(t.shape())) : " _";
  }
  fmt::print("GPU {:<24} {:9.2f} us  {}{} -> {}  [{}]\n", tactic, us, c.op, shapes, to_string(outputs[0].shape()),
             config);
  std::fflush(stdout);
}

size_t row_bytes(const TensorDesc& d) {
  return static_cast<size_t>(d.ld_dense()) * size_of(d.dtype);
}
size_t row_step(const TensorDesc& d) {
  return static_cast<size_t>(d.ld()) * size_of(d.dtype);
}
size_t num_rows(const TensorDesc& d) {
  return d.shape.rank() == 0 ? 1 : static_cast<size_t>(d.shape.product(0, d.shape.rank() - 1));
}

/// A tensor's memory on the GPU with guards around it and between its rows.
class Buffer {
 public:
  Buffer(const Device& device, const cuda::Stream& stream, const TensorDesc& desc, int misalign)
      : stream_(stream), desc_(desc) {
    if (!desc.present()) return;
    offset_ = kGuardBytes + static_cast<size_t>(misalign) * size_of(desc.dtype);
    bytes_ = num_rows(desc) * row_step(desc);
    memory_ = device.allocate(offset_ + bytes_ + kGuardBytes);
    clear();
  }
  void* data() const { return memory_ == nullptr ? nullptr : static_cast<char*>(memory_.get()) + offset_; }
  void clear() const {
    if (memory_ != nullptr) cuda::fill_bytes(memory_.get(), kGuard, total(), stream_.handle());
  }
  void write(const Tensor& dense) const {
    if (memory_ == nullptr) return;
    std::vector<unsigned char> bytes(bytes_, kGuard);
    for (size_t r = 0; r < num_rows(desc_) && row_bytes(desc_) > 0; ++r) {
      std::memcpy(bytes.data() + r * row_step(desc_), static_cast<const char*>(dense.data()) + r * row_bytes(desc_),
                  row_bytes(desc_));
    }
    cuda::copy_to_device(data(), bytes.data(), bytes_, stream_.handle());
    stream_.synchronize();
  }
  Tensor read() const {
    std::vector<unsigned char> bytes(total());
    cuda::copy_to_host(bytes.data(), memory_.get(), bytes.size(), stream_.handle());
    stream_.synchronize();
    const auto clean = [&](size_t begin, size_t end) {
      return std::all_of(bytes.begin() + static_cast<std::ptrdiff_t>(begin),
                         bytes.begin() + static_cast<std::ptrdiff_t>(end), [](auto b) { return b == kGuard; });
    };
    EXPECT_TRUE(clean(0, offset_)) << "written before the start";
    EXPECT_TRUE(clean(offset_ + bytes_, bytes.size())) << "written past the end";
    Tensor dense(desc_.dtype, desc_.shape);
    for (size_t r = 0; r < num_rows(desc_) && row_bytes(desc_) > 0; ++r) {
      const size_t at = offset_ + r * row_step(desc_);
      std::memcpy(static_cast<char*>(dense.data()) + r * row_bytes(desc_), bytes.data() + at, row_bytes(desc_));
      EXPECT_TRUE(clean(at + row_bytes(desc_), at + row_step(desc_))) << "the gap behind row " << r << " was written";
    }
    return dense;
  }

 private:
  size_t total() const { return offset_ + bytes_ + kGuardBytes; }
  const cuda::Stream& stream_;
  TensorDesc desc_;
  size_t offset_ = 0, bytes_ = 0;
  std::shared_ptr<void> memory_;
};

class GpuCase {
 public:
  GpuCase(const Tactic& tactic, const ProblemCase& c, Problem problem, const std::string& config, const Target& target,
          int misalign)
      : device_(cuda::device_of(target)), stream_(device_), case_(c), problem_(std::move(problem)) {
    for (const PackedBlob& blob : tactic.pack(problem_, config)) {
      packed_.push_back(blob);
      packed_memory_.push_back(device_.allocate(blob.size()));
      cuda::copy_to_device(packed_memory_.back().get(), blob.data(), blob.size(), stream_.handle());
      stream_.synchronize();
    }
    std::vector<PackedView> views;
    for (size_t i = 0; i < packed_.size(); ++i) {
      views.emplace_back(packed_[i].data(), packed_[i].size());
      views.back().device = packed_memory_[i].get();
    }
    for (size_t i = 0; i < problem_.inputs.size(); ++i) {
      const bool gone = problem_.is_constant[i] && tactic.packs_input(problem_, static_cast<int>(i));
      inputs_.emplace_back(device_, stream_, gone ? TensorDesc{} : problem_.inputs[i], misalign);
      if (!gone) inputs_.back().write(c.inputs[i]);
      if (gone) problem_.constants[i] = Tensor{};
    }
    for (const TensorDesc& desc : problem_.outputs) outputs_.emplace_back(device_, stream_, desc, misalign);
    for (const Buffer& b : inputs_) input_pointers_.push_back(b.data());
    for (const Buffer& b : outputs_) output_pointers_.push_back(b.data());
    kernel_ = tactic.prepare(problem_, config, views, target);
    scratch_ = device_.allocate(kernel_->scratch_bytes());
    cuda::fill_bytes(scratch_.get(), kGuard, kernel_->scratch_bytes(), stream_.handle());
    flags_ = cuda::allocate_flags(stream_, kernel_->num_flags());
  }

  const Problem& problem() const { return problem_; }

  void run_once(int in_place) {
    for (const Buffer& b : outputs_) b.clear();
    if (in_place >= 0) {
      const auto i = static_cast<size_t>(in_place);
      outputs_[0].write(case_.inputs[i]);
      input_pointers_[i] = outputs_[0].data();
    }
    run();
    stream_.synchronize();
    if (in_place >= 0) input_pointers_[static_cast<size_t>(in_place)] = inputs_[static_cast<size_t>(in_place)].data();
  }
  Tensor output(size_t i) const { return outputs_[i].read(); }

  /// A kernel whose blocks wait for each other leaves its flags as it found them, and has the same bits every time,
  /// one run right behind the other.
  void expect_flags_left_zero() {
    if (flags_ == nullptr) return;
    run_once(-1);
    const Tensor once = output(0);
    for (int i = 0; i < kRunsInARow; ++i) run();
    std::vector<uint32_t> flags(kernel_->num_flags(), 1);
    cuda::copy_to_host(flags.data(), flags_.get(), flags.size() * sizeof(uint32_t), stream_.handle());
    stream_.synchronize();
    EXPECT_EQ(std::count(flags.begin(), flags.end(), 0U), static_cast<std::ptrdiff_t>(flags.size()));
    const Tensor again = output(0);
    EXPECT_EQ(std::memcmp(again.data(), once.data(), once.num_bytes()), 0) << "other bits in another run";
  }

  double time_us() {
    const int runs = num_timed_runs();
    if (runs <= 0) return 0;
    cuda::Event begin(device_), end(device_);
    run();
    begin.record(stream_.handle());
    for (int i = 0; i < runs; ++i) run();
    end.record(stream_.handle());
    end.synchronize();
    return end.us_since(begin) / runs;
  }

 private:
  void run() {
    kernel_->run({input_pointers_, output_pointers_, scratch_.get(), &pool_, stream_.handle(), flags_.get()});
  }

  const Device& device_;
  cuda::Stream stream_;
  const ProblemCase& case_;
  Problem problem_;
  std::vector<PackedBlob> packed_;
  std::vector<std::shared_ptr<void>> packed_memory_;
  std::vector<Buffer> inputs_, outputs_;
  std::vector<const void*> input_pointers_;
  std::vector<void*> output_pointers_;
  std::unique_ptr<Kernel> kernel_;
  std::shared_ptr<void> scratch_;
  std::shared_ptr<uint32_t> flags_;
  ThreadPool pool_{1};
};

Problem posed(const ProblemCase& c, const std::vector<Tensor>& expected, const CudaOptions& options) {
  Problem problem = make_problem(c, expected);
  for (size_t i = 0; i < options.free_inputs.size(); ++i) problem.inputs[i].free_dims = options.free_inputs[i];
  for (size_t i = 0; i < options.free_outputs.size(); ++i) problem.outputs[i].free_dims = options.free_outputs[i];
  return problem;
}

bool can_run_in_place(const Tactic& tactic, const Problem& p, int i) {
  const auto at = static_cast<size_t>(i);
  return p.has_input(i) && !p.is_constant[at] && p.inputs[at].shape == p.outputs[0].shape &&
         p.inputs[at].dtype == p.outputs[0].dtype && p.inputs[at].ld() == p.outputs[0].ld() &&
         tactic.may_run_in_place(p, i);
}

void check_on_gpu(const Tactic& tactic, const ProblemCase& c, const std::vector<Tensor>& expected,
                  const std::string& config, const Target& target, const CudaOptions& options) {
  GpuCase prepared(tactic, c, posed(c, expected, options), config, target, options.misalign);
  for (int in_place = -1; in_place < static_cast<int>(c.inputs.size()); ++in_place) {
    if (in_place >= 0 && !can_run_in_place(tactic, prepared.problem(), in_place)) continue;
    SCOPED_TRACE(fmt::format("{}, config '{}', in place {}", tactic.name(), config, in_place));
    prepared.run_once(in_place);
    for (size_t o = 0; o < expected.size(); ++o) expect_equal(prepared.output(o), expected[o], options.check);
  }
  prepared.expect_flags_left_zero();
  print_row(tactic.name(), c, expected, config, prepared.time_us());
}

/// All programs at once: compiling is what takes time.
void warm_up(const Tactic& tactic, const Problem& problem, const std::vector<std::string>& configs) {
  std::atomic<size_t> next = 0;
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t < std::max(1U, std::thread::hardware_concurrency()); ++t) {
    threads.emplace_back([&] {
      for (size_t i = next++; i < configs.size(); i = next++) {
        try {
          tactic.warm_up(problem, configs[i]);
        } catch (const Error&) {  // reported where it is packed
        }
      }
    });
  }
}

void run_on_gpu(const Tactic& tactic, const ProblemCase& c, const std::vector<Tensor>& expected,
                const CudaOptions& options) {
  const Target target = detect_cuda(0, 1);
  const Problem problem = posed(c, expected, options);
  if (!tactic.supports(problem, target)) {
    ADD_FAILURE() << tactic.name() << " refuses " << c.op << " on " << target.arch();
    return;
  }
  int num_run = 0;
  const auto configs = options.check.configs.empty() ? tactic.candidates(problem, target) : options.check.configs;
  warm_up(tactic, problem, configs);
  for (const std::string& config : configs) {
    try {
      check_on_gpu(tactic, c, expected, config, target, options);
      ++num_run;
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kUnsupported) << "config '" << config << "': " << e.what();
    }
  }
  EXPECT_GT(num_run, 0) << tactic.name() << ": no configuration could be prepared";
}

/// A program costs a fifth of a second: with BURNISH_COMPILE_FIRST=1, as scripts/test.sh sets it, only each test's
/// first is compiled.
bool is_to_be_compiled() {
  static const bool first_only = std::getenv("BURNISH_COMPILE_FIRST") != nullptr;
  static const ::testing::TestInfo* last = nullptr;
  const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
  return std::exchange(last, test) != test || !first_only;
}

void expect_compiles(const Tactic& tactic, const Problem& problem, const std::string& config) {
  if (!is_to_be_compiled()) return;
  for (const PackedBlob& blob : tactic.pack(problem, config)) EXPECT_FALSE(blob.empty());
}

/// Each case is compiled for one architecture, one after the other's turn; configurations that are given name theirs.
/// Returns that architecture; 0 where the tactic supports the problem nowhere.
int compile_offline(const Tactic& tactic, const Problem& problem, const std::vector<std::string>& configs) {
  static size_t turn = 0;
  for (const std::string& config : configs) expect_compiles(tactic, problem, config);
  if (!configs.empty()) return cuda::sm_of(configs.front());
  for (size_t i = 0; i < std::size(kOfflineArchitectures); ++i) {
    const int sm = kOfflineArchitectures[turn++ % std::size(kOfflineArchitectures)];
    const Target target = absent_gpu(sm, 1);
    if (!tactic.supports(problem, target)) continue;
    expect_compiles(tactic, problem, tactic.candidates(problem, target).front());
    return sm;
  }
  return 0;
}

}  // namespace

void expect_gpu_matches(std::string_view name, const ProblemCase& problem_case, const CudaOptions& options) {
  const Tactic* tactic = find_tactic(name);
  ASSERT_NE(tactic, nullptr) << "no tactic " << name;
  const std::vector<Tensor> expected = reference_of(problem_case);
  if (cuda::num_devices() > 0) return run_on_gpu(*tactic, problem_case, expected, options);
  if (!cuda::nvrtc_available()) GTEST_SKIP() << "neither a GPU nor NVRTC";
  const int sm = compile_offline(*tactic, posed(problem_case, expected, options), options.check.configs);
  EXPECT_GT(sm, 0) << name << " supports the problem nowhere";
  GTEST_SKIP() << "no GPU: for sm_" << sm << ", not run";
}

}  // namespace burnish::testing
