#include "kernels/problem_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <type_traits>

#include "base/float_types.h"

namespace burnish::testing {
namespace {

constexpr unsigned char kGuard = 0xcd;
constexpr size_t kGuardBytes = 256;

/// splitmix64: small, seeded, the same everywhere.
uint64_t next_random(uint64_t& state) {
  uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

void store(DType dtype, void* data, int64_t i, float value) {
  switch (dtype) {
    case DType::kFloat32:
      static_cast<float*>(data)[i] = value;
      return;
    case DType::kFloat64:
      static_cast<double*>(data)[i] = value;
      return;
    case DType::kFloat16:
      static_cast<uint16_t*>(data)[i] = float_to_half(value);
      return;
    case DType::kBFloat16:
      static_cast<uint16_t*>(data)[i] = float_to_bfloat16(value);
      return;
    case DType::kBool:
      static_cast<uint8_t*>(data)[i] = value > 0 ? 1 : 0;
      return;
    default:
      break;
  }
  const auto whole = static_cast<int64_t>(std::lround(value));
  std::memcpy(static_cast<char*>(data) + i * static_cast<int64_t>(size_of(dtype)), &whole, size_of(dtype));
}

int64_t at_or_zero(const std::vector<int64_t>& values, size_t i) {
  return i < values.size() ? values[i] : 0;
}

size_t row_bytes(const TensorDesc& desc) {
  return static_cast<size_t>(desc.ld_dense()) * size_of(desc.dtype);
}
size_t row_step(const TensorDesc& desc) {
  return static_cast<size_t>(desc.ld()) * size_of(desc.dtype);
}
size_t num_rows(const TensorDesc& desc) {
  return desc.shape.rank() == 0 ? 1 : static_cast<size_t>(desc.shape.product(0, desc.shape.rank() - 1));
}

/// Of the types whose neighbours are far apart: how far, at this value.
double step_at(DType dtype, double value) {
  if (dtype == DType::kBFloat16) return std::abs(value) * 0x1p-7;
  return dtype == DType::kFloat16 ? std::max(std::abs(value) * 0x1p-10, 0x1p-24) : 1;
}

/// Through float: narrow types convert to no other.
template <typename T>
double widened(T value) {
  if constexpr (std::is_same_v<T, double>) return value;
  return static_cast<double>(static_cast<float>(value));
}

template <typename T>
std::span<const T> elements(const Tensor& t) {
  return {t.as<T>(), static_cast<size_t>(t.num_elements())};
}

template <typename T>
double largest_magnitude(const Tensor& t) {
  double largest = 0;
  for (const T value : elements<T>(t)) {
    const double v = widened(value);
    if (std::isfinite(v)) largest = std::max(largest, std::abs(v));
  }
  return largest;
}

/// The first element that is further away than allowed(expected value) fails.
template <typename T, typename Allowed>
void expect_near(const Tensor& actual, const Tensor& expected, const Allowed& allowed) {
  const auto all = elements<T>(actual), wanted = elements<T>(expected);
  for (size_t i = 0; i < wanted.size(); ++i) {
    const double a = widened(all[i]), e = widened(wanted[i]);
    const bool same = a == e || (std::isnan(a) && std::isnan(e));
    if (!same && !(std::abs(a - e) <= allowed(e))) {
      ADD_FAILURE() << "element " << i << " of " << to_string(expected.shape()) << ": " << a << " instead of " << e
                    << ", " << allowed(e) << " away at most";
      return;
    }
  }
}

/// Narrow elements, decoded to floats or whole numbers.
template <typename T>
void expect_within_steps(const Tensor& actual, const Tensor& expected, const CheckOptions& options) {
  const double rounding = std::is_integral_v<T> ? 0 : options.tolerance * largest_magnitude<T>(expected);
  expect_near<T>(actual, expected, [&](double e) { return options.steps * step_at(expected.dtype(), e) + rounding; });
}

template <typename T>
void expect_close(const Tensor& actual, const Tensor& expected, double tolerance) {
  const double allowed = tolerance * std::max(largest_magnitude<T>(expected), 1e-30);
  expect_near<T>(actual, expected, [&](double) { return allowed; });
}

/// One configuration on one ISA with one number of threads, then once more in place where the tactic may.
void check_configuration(const Tactic& tactic, const ProblemCase& problem_case, const std::vector<Tensor>& expected,
                         const std::string& config, Isa isa, int threads, const CheckOptions& options) {
  PreparedCase prepared(tactic, problem_case, expected, config, isa, threads);
  const Problem problem = make_problem(problem_case, expected);
  for (int in_place = -1; in_place < static_cast<int>(problem.inputs.size()); ++in_place) {
    const auto i = static_cast<size_t>(in_place);
    if (in_place >= 0 &&
        (!problem.has_input(in_place) || problem.is_constant[i] ||
         !(problem.inputs[i].shape == problem.outputs[0].shape) ||
         problem.inputs[i].dtype != problem.outputs[0].dtype || problem.inputs[i].ld() != problem.outputs[0].ld() ||
         !tactic.may_run_in_place(problem, in_place))) {
      continue;
    }
    SCOPED_TRACE(fmt::format("{} on {}, {} threads, config '{}', in place {}", tactic.name(), name_of(isa), threads,
                             config, in_place));
    prepared.run_once(in_place);
    for (size_t o = 0; o < expected.size(); ++o) {
      expect_equal(prepared.output(static_cast<int>(o)), expected[o], options);
    }
  }
}

}  // namespace

void expect_equal(const Tensor& actual, const Tensor& expected, const CheckOptions& options) {
  if (expected.dtype() == DType::kFloat32) return expect_close<float>(actual, expected, options.tolerance);
  if (expected.dtype() == DType::kFloat64) return expect_close<double>(actual, expected, options.tolerance);
  if (options.steps > 0) {
    if (expected.dtype() == DType::kUInt8) return expect_within_steps<uint8_t>(actual, expected, options);
    if (expected.dtype() == DType::kInt8) return expect_within_steps<int8_t>(actual, expected, options);
    if (expected.dtype() == DType::kBFloat16) return expect_within_steps<BFloat16>(actual, expected, options);
    if (expected.dtype() == DType::kFloat16) return expect_within_steps<Half>(actual, expected, options);
  }
  EXPECT_TRUE(actual.identical(expected)) << "bytes differ, shape " << to_string(expected.shape());
}

Tensor random_tensor(DType dtype, const Shape& shape, uint64_t seed, float low, float high) {
  Tensor t(dtype, shape);
  uint64_t state = seed * 0x2545f4914f6cdd1dULL + 1;
  for (int64_t i = 0, n = t.num_elements(); i < n; ++i) {
    const float unit = static_cast<float>(next_random(state) >> 40) * 0x1p-24F;
    store(dtype, t.data(), i, dtype == DType::kBool ? unit - 0.5F : low + (high - low) * unit);
  }
  return t;
}

Tensor encoded(const Tensor& floats, const Encoding& encoding) {
  Tensor t(encoding.dtype, floats.shape());
  encode(floats.as<float>(), encoding, t.view());
  return t;
}

std::vector<Tensor> reference_of(const ProblemCase& problem_case) {
  const OpDescriptor* op = find_op(problem_case.op);
  check(op != nullptr, ErrorCode::kInternal, "no operator '{}'", problem_case.op);
  return evaluate_op(*op, problem_case.attrs, problem_case.inputs, problem_case.num_outputs);
}

Problem make_problem(const ProblemCase& problem_case, const std::vector<Tensor>& outputs) {
  Problem problem;
  problem.op = problem_case.op;
  problem.attrs = &problem_case.attrs;
  for (size_t i = 0; i < problem_case.inputs.size(); ++i) {
    const Tensor& t = problem_case.inputs[i];
    problem.inputs.push_back({t.dtype(), t.shape(), at_or_zero(problem_case.input_strides, i)});
    problem.is_constant.push_back(i < problem_case.constant.size() && problem_case.constant[i]);
    problem.constants.push_back(problem.is_constant.back() ? t : Tensor{});
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    problem.outputs.push_back({outputs[i].dtype(), outputs[i].shape(), at_or_zero(problem_case.output_strides, i)});
  }
  return problem;
}

Target target_with(Isa isa, int num_threads) {
  Target target = detect_cpu(num_threads);
  target.isa = std::min(target.isa, isa);
  return target;
}

std::vector<Isa> testable_isas() {
  std::vector<Isa> isas;
  const Isa best = detect_cpu(1).isa;
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Vnni, Isa::kAvx512Bf16}) {
    if (best >= isa) isas.push_back(isa);
  }
  if (isas.empty()) isas.push_back(best);
  return isas;
}

PreparedCase::Buffer PreparedCase::make_buffer(const TensorDesc& desc) {
  Buffer buffer{desc, 0, nullptr};
  if (!desc.present()) return buffer;
  buffer.bytes = num_rows(desc) * row_step(desc);
  buffer.memory = allocate_aligned(buffer.bytes + kGuardBytes);
  std::memset(buffer.memory.get(), kGuard, buffer.bytes + kGuardBytes);
  return buffer;
}

PreparedCase::PreparedCase(const Tactic& tactic, const ProblemCase& problem_case, const std::vector<Tensor>& outputs,
                           const std::string& config, Isa isa, int num_threads)
    : case_(problem_case), problem_(make_problem(problem_case, outputs)), pool_(num_threads) {
  const Target target = target_with(isa, num_threads);
  packed_ = tactic.pack(problem_, config);
  for (const PackedBlob& blob : packed_) {
    packed_memory_.push_back(allocate_aligned(blob.size()));
    if (!blob.empty()) std::memcpy(packed_memory_.back().get(), blob.data(), blob.size());
    packed_views_.emplace_back(static_cast<const std::byte*>(packed_memory_.back().get()), blob.size());
  }
  for (size_t i = 0; i < problem_.inputs.size(); ++i) {
    const bool gone = problem_.is_constant[i] && tactic.packs_input(problem_, static_cast<int>(i));
    inputs_.push_back(gone ? Buffer{} : make_buffer(problem_.inputs[i]));
  }
  for (size_t i = 0; i < problem_.inputs.size(); ++i) {
    if (inputs_[i].memory == nullptr) problem_.constants[i] = Tensor{};  // as at run time: packed, no longer at hand
  }
  for (const TensorDesc& desc : problem_.outputs) outputs_.push_back(make_buffer(desc));
  for (const Buffer& buffer : inputs_) input_pointers_.push_back(buffer.memory.get());
  for (const Buffer& buffer : outputs_) output_pointers_.push_back(buffer.memory.get());
  kernel_ = tactic.prepare(problem_, config, packed_views_, target);
  scratch_ = allocate_aligned(kernel_->scratch_bytes());
  run_once();
}

void PreparedCase::fill_input(size_t i) {
  const Buffer& buffer = inputs_[i];
  if (buffer.memory == nullptr) return;
  const size_t rows = num_rows(buffer.desc), bytes = row_bytes(buffer.desc), step = row_step(buffer.desc);
  auto* to = static_cast<char*>(buffer.memory.get());
  const auto* from = static_cast<const char*>(case_.inputs[i].data());
  for (size_t r = 0; bytes > 0 && r < rows; ++r) std::memcpy(to + r * step, from + r * bytes, bytes);
}

void PreparedCase::run_once(int in_place) {
  for (size_t i = 0; i < inputs_.size(); ++i) fill_input(i);
  for (size_t i = 0; i < outputs_.size(); ++i) {
    std::memset(outputs_[i].memory.get(), kGuard, outputs_[i].bytes + kGuardBytes);
    output_pointers_[i] = outputs_[i].memory.get();
  }
  // In place: the output's buffer takes the input's elements and stands for both.
  if (in_place >= 0) {
    const Buffer& input = inputs_[static_cast<size_t>(in_place)];
    std::memcpy(outputs_[0].memory.get(), input.memory.get(), input.bytes);
    input_pointers_[static_cast<size_t>(in_place)] = outputs_[0].memory.get();
  }
  run();
  if (in_place >= 0) {
    input_pointers_[static_cast<size_t>(in_place)] = inputs_[static_cast<size_t>(in_place)].memory.get();
  }
}

Tensor PreparedCase::output(int i) const {
  const Buffer& buffer = outputs_[static_cast<size_t>(i)];
  Tensor dense(buffer.desc.dtype, buffer.desc.shape);
  const auto* from = static_cast<const unsigned char*>(buffer.memory.get());
  const auto is_guard = [](unsigned char byte) { return byte == kGuard; };
  const size_t rows = num_rows(buffer.desc), bytes = row_bytes(buffer.desc), step = row_step(buffer.desc);
  for (size_t r = 0; r < rows; ++r, from += step) {
    if (bytes > 0) std::memcpy(static_cast<char*>(dense.data()) + r * bytes, from, bytes);
    EXPECT_TRUE(std::all_of(from + bytes, from + step, is_guard)) << "the gap behind row " << r << " was written";
  }
  EXPECT_TRUE(std::all_of(from, from + kGuardBytes, is_guard)) << "written past the end";
  return dense;
}

void expect_matches_reference(const Tactic& tactic, const ProblemCase& problem_case, const CheckOptions& options) {
  const std::vector<Tensor> expected = reference_of(problem_case);
  const Problem problem = make_problem(problem_case, expected);
  for (const Isa isa : options.isas.empty() ? testable_isas() : options.isas) {
    for (const int threads : options.threads) {
      const Target target = target_with(isa, threads);
      EXPECT_TRUE(tactic.supports(problem, target)) << tactic.name() << " refuses " << problem_case.op;
      if (!tactic.supports(problem, target)) return;
      int num_run = 0;
      const auto candidates = options.configs.empty() ? tactic.candidates(problem, target) : options.configs;
      for (const std::string& config : candidates) {
        try {
          check_configuration(tactic, problem_case, expected, config, isa, threads, options);
          ++num_run;
        } catch (const Error& e) {
          EXPECT_EQ(e.code(), ErrorCode::kUnsupported) << e.what();
        }
      }
      EXPECT_GT(num_run, 0) << tactic.name() << ": no configuration could be prepared";
    }
  }
}

void expect_matches_reference(std::string_view tactic, const ProblemCase& problem_case, const CheckOptions& options) {
  const Tactic* found = find_tactic(tactic);
  ASSERT_NE(found, nullptr) << "no tactic " << tactic;
  expect_matches_reference(*found, problem_case, options);
}

}  // namespace burnish::testing
