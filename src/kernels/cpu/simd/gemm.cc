// The register tile: R rows times P panels of 16 columns, all of K in one go, the epilogue before the only store.
//
// A is read where it lies, one broadcast per row and step; B streams from its panels. With 8×48 or 6×64 results in
// registers (AVX-512) the loads stay below one a cycle, so that the multipliers are the limit even when A and B come
// from the second-level cache; blocking K would only add traffic for C.
#include "kernels/cpu/simd/gemm.h"

#include "kernels/cpu/simd/epilogue.h"
#include "kernels/cpu/simd/vec.h"

namespace burnish::BURNISH_SIMD {
namespace {

constexpr int kVecs = kPanelColumns / kLanes;  // per panel

#if BURNISH_SIMD_avx512
constexpr int kMaxPanels = 4;
constexpr int kMaxRows[kMaxPanels + 1] = {0, 14, 12, 8, 6};
#else
constexpr int kMaxPanels = 1;
constexpr int kMaxRows[kMaxPanels + 1] = {0, 6};
#endif

struct TileArgs {
  const F32Product* product;
  const float* a;
  const float* b;
  const float* bias;
  const float* residual;
  float* c;
  const char* next;      // lines wanted soon in the second-level cache…
  int next_lines;        // …this many with every four steps
  int64_t last_columns;  // of the last panel, 1…16
  float low, high;       // the activation, where it is a clamp
  bool clamps;
};

template <int R, int V>
using Registers = Vec[R][V];

/// The lanes of vector v of V that are columns of C.
template <int V>
BURNISH_INLINE Mask tail_mask(int v, int64_t last_columns) {
  const int64_t left = last_columns - static_cast<int64_t>(v % kVecs) * kLanes;
  return first(v / kVecs + 1 < V / kVecs || left >= kLanes ? kLanes : (left > 0 ? left : 0));
}

template <int R, int V, int Steps>
BURNISH_INLINE void multiply_steps(Registers<R, V>& acc, const char* const (&a)[(R + 2) / 3], int64_t a_row,
                                   const char* b, int64_t b_panel) {
#pragma GCC unroll 4
  for (int u = 0; u < Steps; ++u) {
    Vec bv[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      bv[v] = load(reinterpret_cast<const float*>(b + (v / kVecs) * b_panel + u * 64 + (v % kVecs) * kLanes * 4));
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      Vec av = set1(*reinterpret_cast<const float*>(a[r / 3] + (r % 3) * a_row + u * 4));
      if constexpr (V == 2) asm("" : "+v"(av));  // one load for both products, not one each
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) acc[r][v] = fma(av, bv[v], acc[r][v]);
    }
  }
}

BURNISH_INLINE void prefetch_lines(const char*& at, int lines) {
  for (int i = 0; i < lines; ++i, at += 64) _mm_prefetch(at, _MM_HINT_T1);
}

/// One tap: k steps. Rows are reached from every third one, so that their addresses fit the register file; the empty
/// asm statements keep the compiler from undoing that. Returns b behind the tap.
template <int R, int V>
BURNISH_INLINE const char* multiply_tap(Registers<R, V>& acc, const float* a_first, int64_t a_row, const char* b,
                                        int64_t b_panel, int64_t k, const char*& next, int next_lines) {
  constexpr int kGroups = (R + 2) / 3;
  const char* a[kGroups];
  for (int g = 0; g < kGroups; ++g) a[g] = reinterpret_cast<const char*>(a_first) + 3 * g * a_row;
  for (; k >= 4; k -= 4) {
    asm volatile("" : "+r"(a_row), "+r"(b_panel));
    multiply_steps<R, V, 4>(acc, a, a_row, b, b_panel);
    prefetch_lines(next, next_lines);
    for (int g = 0; g < kGroups; ++g) {
      a[g] += 16;
      asm volatile("" : "+r"(a[g]));
    }
    b += 256;
  }
  for (; k > 0; --k) {
    asm volatile("" : "+r"(a_row), "+r"(b_panel));
    multiply_steps<R, V, 1>(acc, a, a_row, b, b_panel);
    for (int g = 0; g < kGroups; ++g) a[g] += 4;
    b += 64;
  }
  return b;
}

template <int R, int V>
BURNISH_INLINE void add_bias_and_residual(Registers<R, V>& acc, const TileArgs& t) {
  const F32Epilogue& e = t.product->epilogue;
  if (t.bias != nullptr) {
    for (int v = 0; v < V; ++v) {
      const Vec bias = load(t.bias + v * kLanes);
      for (int r = 0; r < R; ++r) acc[r][v] = add(acc[r][v], bias);
    }
  }
  if (t.residual != nullptr && !e.residual_after) {
    for (int v = 0; v < V; ++v) {
      const Mask mask = tail_mask<V>(v, t.last_columns);
      for (int r = 0; r < R; ++r) {
        acc[r][v] = add(acc[r][v], load(t.residual + r * e.residual_row + v * kLanes, mask));
      }
    }
  }
}

template <int R, int V>
BURNISH_INLINE void store_tile(const Registers<R, V>& acc, const TileArgs& t) {
  const int64_t ldc = t.product->c_row;
  if (t.last_columns == kPanelColumns) {
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) store(t.c + r * ldc + v * kLanes, acc[r][v]);
    }
    return;
  }
  for (int v = 0; v < V; ++v) {
    const Mask mask = tail_mask<V>(v, t.last_columns);
    for (int r = 0; r < R; ++r) store(t.c + r * ldc + v * kLanes, acc[r][v], mask);
  }
}

void activate_tile(const TileArgs& t, int rows, int64_t columns) {
  const F32Epilogue& e = t.product->epilogue;
  const float* residual = e.residual_after ? t.residual : nullptr;
  activate_rows({t.c, t.product->c_row, residual, e.residual_row, rows, columns}, e);
}

/// What the epilogue will read and write: on its way while the product is made.
template <int R, int P>
BURNISH_INLINE void prefetch_results(const TileArgs& t) {
  const F32Product& p = *t.product;
  for (int r = 0; r < R; ++r) {
    for (int i = 0; i < P; ++i) {
      _mm_prefetch(reinterpret_cast<const char*>(t.c + r * p.c_row + i * kPanelColumns), _MM_HINT_T0);
    }
  }
  if (t.residual == nullptr) return;
  for (int r = 0; r < R; ++r) {
    for (int i = 0; i < P; ++i) {
      const float* residual = t.residual + r * p.epilogue.residual_row + i * kPanelColumns;
      _mm_prefetch(reinterpret_cast<const char*>(residual), _MM_HINT_T0);
    }
  }
}

template <int R, int P>
void tile(const TileArgs& t) {
  constexpr int V = P * kVecs;
  const F32Product& p = *t.product;
  Registers<R, V> acc;
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) acc[r][v] = zero();
  }
  prefetch_results<R, P>(t);
  const auto* b = reinterpret_cast<const char*>(t.b);
  const char* next = t.next;
  for (int64_t i = 0; i < p.num_taps; ++i) {
    const int64_t offset = p.taps != nullptr ? p.taps[i] : 0;
    b = multiply_tap<R, V>(acc, t.a + offset, p.a_row * 4, b, p.b_panel * 4, p.tap_k, next, t.next_lines);
  }
  add_bias_and_residual<R, V>(acc, t);
  if (t.clamps && p.epilogue.activation != kActNone) {
    const Vec low = set1(t.low);
    const Vec high = set1(t.high);
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) acc[r][v] = min(high, max(low, acc[r][v]));
    }
  }
  store_tile<R, V>(acc, t);
  if (!t.clamps) activate_tile(t, R, (P - 1) * kPanelColumns + t.last_columns);
}

using TileFunction = void (*)(const TileArgs&);
#if BURNISH_SIMD_avx512
constexpr TileFunction kTiles[kMaxPanels + 1][15] = {
    {},
    {nullptr, tile<1, 1>, tile<2, 1>, tile<3, 1>, tile<4, 1>, tile<5, 1>, tile<6, 1>, tile<7, 1>, tile<8, 1>,
     tile<9, 1>, tile<10, 1>, tile<11, 1>, tile<12, 1>, tile<13, 1>, tile<14, 1>},
    {nullptr, tile<1, 2>, tile<2, 2>, tile<3, 2>, tile<4, 2>, tile<5, 2>, tile<6, 2>, tile<7, 2>, tile<8, 2>,
     tile<9, 2>, tile<10, 2>, tile<11, 2>, tile<12, 2>},
    {nullptr, tile<1, 3>, tile<2, 3>, tile<3, 3>, tile<4, 3>, tile<5, 3>, tile<6, 3>, tile<7, 3>, tile<8, 3>},
    {nullptr, tile<1, 4>, tile<2, 4>, tile<3, 4>, tile<4, 4>, tile<5, 4>, tile<6, 4>}};
#else
constexpr TileFunction kTiles[kMaxPanels + 1][7] = {
    {}, {nullptr, tile<1, 1>, tile<2, 1>, tile<3, 1>, tile<4, 1>, tile<5, 1>, tile<6, 1>}};
#endif

/// Panels of the next tile when `left` remain: as many as wanted, but no single panel left over where that can be
/// avoided (a narrow tile cannot keep the multipliers busy).
BURNISH_INLINE int panels_of_tile(int64_t left, int wanted) {
  if (left <= wanted) return static_cast<int>(left);
  if (kMaxPanels == 1) return 1;
  if (wanted == 4 && (left == 5 || left == 6 || left == 9)) return 3;
  if (wanted == 3 && (left == 4 || left == 5 || left == 8)) return left == 5 ? 3 : 4;
  return wanted;
}

/// The rows of a group in tiles of nearly equal height; no divisions per tile, which would show with a short K. Every
/// tile also asks for a share of what comes next, so that it lies in the second-level cache when its turn comes: the
/// hardware's own prefetching stops at every page.
struct TilePlan {
  int64_t tiles, height, taller;  // the first `taller` tiles have one row more
  const char* next;
  const char* next_end;
  int64_t next_bytes;  // per tile
  int next_lines;      // per four steps of K

  TilePlan(const F32Product& p, int panels, const float* following, int64_t following_floats)
      : tiles((p.rows + kMaxRows[panels] - 1) / kMaxRows[panels]),
        height(tiles > 0 ? p.rows / tiles : 0),
        taller(p.rows - height * tiles),
        next(reinterpret_cast<const char*>(following)),
        next_end(next + following_floats * 4) {
    const int64_t rounds = p.tap_k / 4 * p.num_taps;
    const int64_t all_rounds = rounds * tiles * p.groups;
    // One or two rows are done with their panels faster than these arrive: nothing to fetch ahead.
    const bool worthwhile = all_rounds > 0 && p.rows * p.groups > 2;
    next_lines = worthwhile ? static_cast<int>((following_floats / 16 + all_rounds - 1) / all_rounds) : 0;
    next_bytes = rounds * next_lines * 64;
  }
};

/// All rows of all groups by some panels of columns; t names the panels.
void multiply_panels(const F32Product& p, int panels, int64_t column, const TilePlan& plan, TileArgs t) {
  const F32Epilogue& e = p.epilogue;
  t.next = plan.next;
  t.next_lines = plan.next_lines;
  for (int64_t g = 0; g < p.groups; ++g) {
    t.a = p.a + g * p.a_group;
    t.c = p.c + g * p.c_group + column;
    if (e.residual != nullptr) t.residual = e.residual + g * e.residual_group + column;
    for (int64_t i = 0; i < plan.tiles; ++i) {
      const int64_t rows = plan.height + (i < plan.taller ? 1 : 0);
      kTiles[panels][rows](t);
      t.a += rows * p.a_row;
      t.c += rows * p.c_row;
      if (e.residual != nullptr) t.residual += rows * e.residual_row;
      t.next += plan.next_bytes;
      if (t.next >= plan.next_end) t.next_lines = 0;
    }
  }
}

void product(const F32Product& p) {
  const int64_t num_panels = (p.columns + kPanelColumns - 1) / kPanelColumns;
  const int wanted = p.tile_panels > 0 && p.tile_panels < kMaxPanels ? p.tile_panels : kMaxPanels;
  TileArgs t{};
  t.product = &p;
  t.clamps = clamp_bounds(p.epilogue, t.low, t.high) && !(p.epilogue.residual != nullptr && p.epilogue.residual_after);
  for (int64_t panel = 0; panel < num_panels;) {
    const int panels = panels_of_tile(num_panels - panel, wanted);
    const int64_t column = panel * kPanelColumns;
    const int64_t left = p.columns - column - (panels - 1) * kPanelColumns;
    const int64_t behind = num_panels - panel - panels;
    t.last_columns = left < kPanelColumns ? left : kPanelColumns;
    t.b = p.b + panel * p.b_panel;
    t.bias = p.epilogue.bias != nullptr ? p.epilogue.bias + column : nullptr;
    const float* following = behind > 0 ? t.b + panels * p.b_panel : p.b_next;
    const int64_t floats = (behind == 0 || behind > panels ? panels : behind) * p.b_panel;
    multiply_panels(p, panels, column, TilePlan(p, panels, following, following == nullptr ? 0 : floats), t);
    panel += panels;
  }
}

void pack(const float* b, int64_t row, int64_t column, int64_t k, int64_t n, float scale, float* packed) {
  const Vec factor = set1(scale);
  for (int64_t first_column = 0; first_column < n; first_column += kPanelColumns) {
    const int64_t valid = n - first_column < kPanelColumns ? n - first_column : kPanelColumns;
    const float* source = b + first_column * column;
    if (valid == kPanelColumns && column == 1) {
      for (int64_t i = 0; i < k; ++i, packed += kPanelColumns) {
        for (int v = 0; v < kVecs; ++v) store(packed + v * kLanes, mul(factor, load(source + i * row + v * kLanes)));
      }
      continue;
    }
    for (int64_t i = 0; i < k; ++i, packed += kPanelColumns) {
      for (int64_t j = 0; j < kPanelColumns; ++j) packed[j] = j < valid ? scale * source[i * row + j * column] : 0.0F;
    }
  }
}

#if BURNISH_SIMD_avx512
/// Three planes, sixteen pixels at a time: the usual image. Returns the pixels done.
int64_t interleave_three(const float* from, int64_t plane, int64_t count, float* to) {
  __m512i low[3];   // indices into planes 0 (0…15) and 1 (16…31) for each third of the result
  __m512i high[3];  // … and into that (0…15) and plane 2 (16…31)
  for (int part = 0; part < 3; ++part) {
    alignas(64) int32_t a[16];
    alignas(64) int32_t b[16];
    for (int j = 0; j < 16; ++j) {
      const int element = part * 16 + j;
      const int channel = element % 3;
      const int pixel = element / 3;
      a[j] = channel == 1 ? 16 + pixel : pixel;
      b[j] = channel == 2 ? 16 + pixel : j;
    }
    low[part] = _mm512_load_si512(a);
    high[part] = _mm512_load_si512(b);
  }
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const Vec x0 = load(from + i);
    const Vec x1 = load(from + plane + i);
    const Vec x2 = load(from + 2 * plane + i);
    for (int part = 0; part < 3; ++part) {
      const Vec first_two = _mm512_permutex2var_ps(x0, low[part], x1);
      store(to + 3 * i + 16 * part, _mm512_permutex2var_ps(first_two, high[part], x2));
    }
  }
  return i;
}
#endif

void interleave(const float* from, int64_t plane, int64_t channels, int64_t count, float* to) {
  int64_t done = 0;
#if BURNISH_SIMD_avx512
  if (channels == 3) done = interleave_three(from, plane, count, to);
#endif
  for (int64_t c = 0; c < channels; ++c) {
    for (int64_t i = done; i < count; ++i) to[i * channels + c] = from[c * plane + i];
  }
}

}  // namespace

const F32GemmFunctions kF32Gemm = {product, pack, interleave};

}  // namespace burnish::BURNISH_SIMD
