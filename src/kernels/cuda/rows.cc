#include "kernels/cuda/rows.h"

#include <algorithm>

#include "kernels/cuda/walk.h"

namespace burnish::cuda {
namespace {

constexpr int kMostFloats = 32;  ///< Of a row in a thread's registers.
constexpr int kMostThreads = 1024;
constexpr int kSmallBlock = 128;   ///< Threads of a block of several rows.
constexpr int kFreeThreads = 256;  ///< Of a row whose length is not known.

/// The fewest threads, a power of two, that hold a row.
int threads_for(int64_t length, int floats) {
  int threads = 1;
  while (threads < kMostThreads && int64_t{threads} * floats < length) threads *= 2;
  return threads;
}

constexpr std::string_view kSource = R"cuda(
constexpr int kWarps = kThreads / 32;
struct Sum { static __device__ __forceinline__ float of(float a, float b) { return a + b; } };
struct Maximum { static __device__ __forceinline__ float of(float a, float b) { return b > a ? b : a; } };

// The same result in every thread of a row, always combined in the same order. All threads of the block take part.
template <typename F> __device__ __forceinline__ float group_reduce(float x, int turn) {
#pragma unroll
  for (int step = (kThreads < 32 ? kThreads : 32) / 2; step > 0; step /= 2) {
    x = F::of(x, __shfl_xor_sync(0xffffffffu, x, step));
  }
  if (kThreads <= 32) return x;
  __shared__ float partial[2][kWarps > 0 ? kWarps : 1];  // of two calls in turn, so that one barrier is enough
  if (threadIdx.x % 32 == 0) partial[turn & 1][threadIdx.x / 32] = x;
  __syncthreads();
  x = partial[turn & 1][0];
#pragma unroll
  for (int w = 1; w < kWarps; ++w) x = F::of(x, partial[turn & 1][w]);
  return x;
}
__device__ __forceinline__ float group_sum(float x, int turn) { return group_reduce<Sum>(x, turn); }
__device__ __forceinline__ float group_max(float x, int turn) { return group_reduce<Maximum>(x, turn); }

// A thread's part of a row: kFloats elements in groups of N neighbours, kThreads groups apart.
template <int N> struct RowPart {
  static constexpr int kGroups = kFloats / N;
  float v[kFloats];
  int32 length, first;

  __device__ __forceinline__ RowPart(const x_t* x, int32 n, float filling) : length(n), first(threadIdx.x % kThreads * N) {
    Pack<x_t, N> stored[kGroups];
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      if (at(g) < length) stored[g] = load_pack<N>(x + at(g));
    }
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
#pragma unroll
      for (int i = 0; i < N; ++i) v[g * N + i] = at(g) < length ? decode(stored[g].v[i]) : filling;
    }
  }
  __device__ __forceinline__ int32 at(int g) const { return first + g * (kThreads * N); }
  // f(value, element of the row) for each element that is there.
  template <typename F> __device__ __forceinline__ void each(const F& f) {
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
#pragma unroll
      for (int i = 0; i < N; ++i) {
        if (at(g) < length) f(v[g * N + i], at(g) + i);
      }
    }
  }
  // y[i] = f(value, i of the group, g).
  template <typename F> __device__ __forceinline__ void store(y_t* y, const F& f) {
#pragma unroll
    for (int g = 0; g < kGroups; ++g) {
      if (at(g) >= length) continue;
      Pack<y_t, N> stored;
      f(g, stored);
      store_pack(y + at(g), stored);
    }
  }
};

__device__ __forceinline__ int64 row_index() { return int64(blockIdx.x) * kRows + threadIdx.x / kThreads; }
)cuda";

}  // namespace

int RowForm::rows_per_block() const {
  return threads > 32 ? 1 : kSmallBlock / threads;
}

int64_t fixed_length(const Problem& p, int axis) {
  const TensorDesc& x = p.inputs[0];
  for (int d = axis; d < x.shape.rank(); ++d) {
    if (x.is_free(d)) return -1;
  }
  return x.shape.product(axis, x.shape.rank());
}

RowForm row_form(const std::string& config, DType x, int64_t length) {
  RowForm form;
  form.group = static_cast<int>(16 / std::max<size_t>(2, size_of(x)));
  form.threads = int_of(config, "threads", kFreeThreads);
  const int64_t each = length < 0 ? kMostFloats : ceil_div(std::max<int64_t>(1, length), form.threads);
  form.floats = static_cast<int>(std::min<int64_t>(kMostFloats, ceil_div(each, form.group) * form.group));
  return form;
}

std::vector<std::string> row_candidates(const Problem& p, const Target& target, int64_t count, int64_t length) {
  const auto with = [&](int threads) { return fmt::format("{} threads={}", target.arch(), threads); };
  if (length < 0) return {with(kFreeThreads)};
  const int group = row_form("", p.inputs[0].dtype, length).group;
  // Few rows want many threads each, many rows few that do much.
  const int most = threads_for(length, group), fewest = threads_for(length, kMostFloats);
  const int middle = std::clamp(threads_for(length, 2 * group), fewest, most);
  const bool few_rows = count * fewest < int64_t{target.num_sms} * 512;
  std::vector<std::string> configs;
  for (const int threads : few_rows ? std::array{most, middle, fewest} : std::array{fewest, middle, most}) {
    if (std::find(configs.begin(), configs.end(), with(threads)) == configs.end()) configs.push_back(with(threads));
  }
  return configs;
}

std::string rows_source(const RowForm& form, const Encoding& x, const Encoding& y) {
  std::string text = fmt::format(
      "constexpr int kThreads = {}, kRows = {}, kBlock = {}, kFloats = {}, kGroup = {};\n"
      "using x_t = {};\nusing y_t = {};\n",
      form.threads, form.rows_per_block(), form.block(), form.floats, form.group, type_name(x.dtype),
      type_name(y.dtype));
  text.append(walk_source()).append(quantized_source());
  return text + decode_source("decode", x) + encode_source("encode", y) + std::string(kSource);
}

RowFunctions::RowFunctions(const Device& device, PackedView cubin, const std::string& name, const RowForm& form)
    : form_(form),
      grouped_(device, cubin, fmt::format("{}_row_{}", name, form.group)),
      single_(device, cubin, name + "_row_1"),
      long_(device, cubin, name + "_long") {}

void RowFunctions::launch(const Rows& rows, bool grouped, Parameters& parameters, void* stream) const {
  if (rows.count == 0 || rows.length == 0) return;
  const bool fits = rows.length <= form_.capacity();
  const Function& function = !fits ? long_ : grouped && rows.length % form_.group == 0 ? grouped_ : single_;
  function.launch({.grid_x = ceil_div(rows.count, form_.rows_per_block()), .block_x = form_.block()}, parameters,
                  stream);
}

}  // namespace burnish::cuda
