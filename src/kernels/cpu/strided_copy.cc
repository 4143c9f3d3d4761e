#include "kernels/cpu/strided_copy.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "kernels/cpu/parallel.h"

namespace burnish {
namespace {

/// Edge of the tiles in which two dimensions are swapped: both sides' cache lines are used whole.
template <int64_t kBytes>
constexpr int64_t kTile = kBytes >= 4 ? 16 : 64 / kBytes;

/// Columns that one item of work swaps with a tile's rows, or with more of them where columns are few.
constexpr int64_t kWidth = 1024;

/// Elements up to which a loop beats a call of memcpy.
constexpr int64_t kShortLine = 8;

struct Line {
  const char* source;
  char* target;
};

/// The innermost run of n elements. A constant element size lets the compiler use plain moves.
template <int64_t kBytes>
void copy_line(Line line, int64_t n, int64_t source_step, int64_t target_step) {
  if (source_step == 1 && target_step == 1 && n > kShortLine) {
    std::memcpy(line.target, line.source, static_cast<size_t>(n * kBytes));
    return;
  }
  for (int64_t i = 0; i < n; ++i) {
    std::memcpy(line.target + i * target_step * kBytes, line.source + i * source_step * kBytes, kBytes);
  }
}

/// target[r·target_row + c] = source[c·source_column + r], tile by tile.
template <int64_t kBytes>
void swap_strip(Line at, int64_t rows, int64_t columns, int64_t source_column, int64_t target_row) {
  for (int64_t begin = 0; begin < columns; begin += kTile<kBytes>) {
    const int64_t end = std::min(columns, begin + kTile<kBytes>);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t c = begin; c < end; ++c) {
        std::memcpy(at.target + (r * target_row + c) * kBytes, at.source + (r + c * source_column) * kBytes, kBytes);
      }
    }
  }
}

template <int64_t kBytes>
void swap_strip(const SwapKernels* kernels, Line at, int64_t rows, int64_t columns, int64_t source_column,
                int64_t target_row) {
  if constexpr (kBytes <= 4) {
    using T = std::conditional_t<kBytes == 1, uint8_t, std::conditional_t<kBytes == 2, uint16_t, float>>;
    const auto* from = reinterpret_cast<const T*>(at.source);
    auto* to = reinterpret_cast<T*>(at.target);
    if (kernels != nullptr) {
      if constexpr (kBytes == 1) return kernels->bytes(from, source_column, to, target_row, rows, columns);
      if constexpr (kBytes == 2) return kernels->words(from, source_column, to, target_row, rows, columns);
      if constexpr (kBytes == 4) return kernels->floats(from, source_column, to, target_row, rows, columns);
    }
  }
  swap_strip<kBytes>(at, rows, columns, source_column, target_row);
}

/// Walks all dimensions but the last `skip`, from index `first` on.
class Odometer {
 public:
  Odometer(const StridedCopy& copy, int outer, int64_t first) : copy_(copy), outer_(outer) {
    source_ = copy.source_offset;
    target_ = copy.target_offset;
    for (int d = outer - 1; d >= 0; --d) {
      index_[static_cast<size_t>(d)] = first % copy.dims[d];
      first /= copy.dims[d];
      source_ += index_[static_cast<size_t>(d)] * copy.source_strides[d];
      target_ += index_[static_cast<size_t>(d)] * copy.target_strides[d];
    }
  }
  int64_t source() const { return source_; }
  int64_t target() const { return target_; }
  void next() {
    for (int d = outer_ - 1; d >= 0; --d) {
      source_ += copy_.source_strides[d];
      target_ += copy_.target_strides[d];
      if (++index_[static_cast<size_t>(d)] < copy_.dims[d]) return;
      source_ -= copy_.dims[d] * copy_.source_strides[d];
      target_ -= copy_.dims[d] * copy_.target_strides[d];
      index_[static_cast<size_t>(d)] = 0;
    }
  }

 private:
  const StridedCopy& copy_;
  int outer_;
  std::array<int64_t, kMaxRank> index_{};
  int64_t source_ = 0, target_ = 0;
};

template <int64_t kBytes>
void copy_lines(const StridedCopy& copy, const char* source, char* target, ThreadPool& pool) {
  const int last = copy.dims.rank() - 1;
  const int64_t n = copy.dims[last], lines = copy.dims.product(0, last);
  if (lines == 1) {  // one long run: split it
    const int64_t s = copy.source_strides[last], t = copy.target_strides[last];
    parallel_ranges(pool, n, kBytes, [&](int64_t begin, int64_t end) {
      copy_line<kBytes>(
          {source + (copy.source_offset + begin * s) * kBytes, target + (copy.target_offset + begin * t) * kBytes},
          end - begin, s, t);
    });
    return;
  }
  parallel_ranges(pool, lines, n * kBytes, [&](int64_t begin, int64_t end) {
    Odometer at(copy, last, begin);
    for (int64_t i = begin; i < end; ++i, at.next()) {
      copy_line<kBytes>({source + at.source() * kBytes, target + at.target() * kBytes}, n, copy.source_strides[last],
                        copy.target_strides[last]);
    }
  });
}

/// The dimension before the last is contiguous in the source, the last one in the target.
template <int64_t kBytes>
void copy_tiles(const StridedCopy& copy, const char* source, char* target, ThreadPool& pool) {
  const int last = copy.dims.rank() - 1, row = last - 1;
  const int64_t rows = copy.dims[row], columns = copy.dims[last];
  const int64_t width = std::min(columns, kWidth);
  const int64_t height = kTile<kBytes> * std::max<int64_t>(1, 4 * kWidth / (kTile<kBytes> * width));
  const int64_t strips = (rows + height - 1) / height, blocks = (columns + width - 1) / width;
  const int64_t items = copy.dims.product(0, row) * strips * blocks;
  parallel_ranges(pool, items, height * width * kBytes, [&](int64_t begin, int64_t end) {
    Odometer at(copy, row, begin / (strips * blocks));
    int64_t item = begin % (strips * blocks);
    for (int64_t i = begin; i < end; ++i) {
      const int64_t r = item / blocks * height, c = item % blocks * width;
      swap_strip<kBytes>(copy.swap,
                         {source + (at.source() + r + c * copy.source_strides[last]) * kBytes,
                          target + (at.target() + r * copy.target_strides[row] + c) * kBytes},
                         std::min(height, rows - r), std::min(width, columns - c), copy.source_strides[last],
                         copy.target_strides[row]);
      if (++item == strips * blocks) {
        item = 0;
        at.next();
      }
    }
  });
}

template <int64_t kBytes>
void run_sized(const StridedCopy& copy, const char* source, char* target, ThreadPool& pool) {
  const int last = copy.dims.rank() - 1;
  const bool swaps = last >= 1 && copy.target_strides[last] == 1 && copy.source_strides[last] != 1 &&
                     copy.source_strides[last - 1] == 1;
  if (swaps) {
    copy_tiles<kBytes>(copy, source, target, pool);
  } else {
    copy_lines<kBytes>(copy, source, target, pool);
  }
}

void swap_dims(StridedCopy& copy, int a, int b) {
  std::swap(copy.dims[a], copy.dims[b]);
  std::swap(copy.source_strides[a], copy.source_strides[b]);
  std::swap(copy.target_strides[a], copy.target_strides[b]);
}

/// Moves the dimension that is contiguous in the source next to the last, so that tiles can be swapped.
void bring_source_inner_next_to_last(StridedCopy& copy) {
  const int last = copy.dims.rank() - 1;
  if (last < 1 || copy.source_strides[last] == 1) return;
  for (int d = 0; d < last; ++d) {
    if (copy.source_strides[d] != 1) continue;
    for (int i = d; i + 1 < last; ++i) swap_dims(copy, i, i + 1);
    return;
  }
}

}  // namespace

void StridedCopy::simplify() {
  StridedCopy sorted = *this;
  for (int i = 1; i < sorted.dims.rank(); ++i) {  // by falling target stride; ranks are tiny
    for (int j = i; j > 0 && sorted.target_strides[j] > sorted.target_strides[j - 1]; --j) swap_dims(sorted, j, j - 1);
  }
  dims = source_strides = target_strides = Shape{};
  for (int i = 0; i < sorted.dims.rank(); ++i) {
    const int64_t n = sorted.dims[i], s = sorted.source_strides[i], t = sorted.target_strides[i];
    if (n == 1) continue;
    const int k = dims.rank() - 1;
    if (k >= 0 && source_strides[k] == n * s && target_strides[k] == n * t) {
      dims[k] *= n;
      source_strides[k] = s;
      target_strides[k] = t;
      continue;
    }
    dims.push_back(n);
    source_strides.push_back(s);
    target_strides.push_back(t);
  }
  if (dims.rank() == 0) {
    dims = source_strides = target_strides = Shape{1};
  }
  bring_source_inner_next_to_last(*this);
}

void StridedCopy::run(const void* source, void* target, ThreadPool& pool) const {
  const auto* from = static_cast<const char*>(source);
  auto* to = static_cast<char*>(target);
  if (dims.num_elements() == 0) return;
  const bool same_steps = std::equal(source_strides.begin(), source_strides.end(), target_strides.begin());
  if (same_steps && from + source_offset * element_bytes == to + target_offset * element_bytes) return;
  switch (element_bytes) {
    case 1:
      return run_sized<1>(*this, from, to, pool);
    case 2:
      return run_sized<2>(*this, from, to, pool);
    case 4:
      return run_sized<4>(*this, from, to, pool);
    default:
      return run_sized<8>(*this, from, to, pool);
  }
}

Shape strides_of(const TensorDesc& desc) {
  Shape strides = strides_of(desc.shape);
  if (desc.dense()) return strides;
  int64_t step = desc.ld();
  for (int i = desc.shape.rank() - 2; i >= 0; --i) {
    strides[i] = step;
    step *= desc.shape[i];
  }
  return strides;
}

}  // namespace burnish
