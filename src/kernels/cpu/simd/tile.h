#pragma once
// The register tile: R rows times P panels of 16 columns, all of K in one go, the epilogue before the only store.
// For files in this folder only: one of them per type of operands, which says how to multiply.
//
// A is read where it lies, one broadcast of four bytes per row and step; B streams from its panels. With 8×48 or 6×64
// results in registers (AVX-512) the loads stay below one a cycle, so that the multipliers are the limit even when A
// and B come from the second-level cache; blocking K would only add traffic for C.
//
// A Multiplier M has the types A (what a row's four bytes become), B (a vector of a panel's step) and Sum, and
//   kPanelStep     bytes of a step in a panel
//   kMaxPanels, kMaxRows[panels]   the tiles that fit the register file
//   As             how floats are stored where the epilogue needs no buffer; kIntegers where sums are int32
//   load_a<V>(p), load_b(p), start(offsets or null), multiply(sum, a, b), to_floats(sum)
#include "kernels/cpu/simd/tile_finish.h"

namespace burnish::BURNISH_SIMD {
namespace {

template <typename M, int R, int V, int Steps>
BURNISH_INLINE void multiply_steps(typename M::Sum (&acc)[R][V], const char* const (&a)[(R + 2) / 3], int64_t a_row,
                                   const char* b, int64_t b_panel) {
#pragma GCC unroll 4
  for (int u = 0; u < Steps; ++u) {
    typename M::B bv[V];
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) {
      bv[v] = M::load_b(b + (v / kVecs) * b_panel + u * M::kPanelStep + (v % kVecs) * (M::kPanelStep / kVecs));
    }
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const typename M::A av = M::template load_a<V>(a[r / 3] + (r % 3) * a_row + u * kStepBytes);
#pragma GCC unroll 8
      for (int v = 0; v < V; ++v) M::multiply(acc[r][v], av, bv[v]);
    }
  }
}

/// Sums stay in registers from here to there: compilers otherwise keep copies in memory at the borders of loops.
template <int R, int V, typename Sum>
BURNISH_INLINE void hold_in_registers(Sum (&acc)[R][V]) {
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < V; ++v) asm volatile("" : "+v"(acc[r][v]));
  }
}

BURNISH_INLINE void prefetch_lines(const char*& at, int lines) {
  for (int i = 0; i < lines; ++i, at += 64) _mm_prefetch(at, _MM_HINT_T1);
}

/// One tap. Rows are reached from every third one, so that their addresses fit the register file; the empty asm
/// statements keep the compiler from undoing that. Returns b behind the tap.
template <typename M, int R, int V>
BURNISH_INLINE const char* multiply_tap(typename M::Sum (&acc)[R][V], const char* a_first, int64_t a_row, const char* b,
                                        int64_t b_panel, int64_t steps, const char*& next, int next_lines) {
  constexpr int kGroups = (R + 2) / 3;
  const char* a[kGroups];
  for (int g = 0; g < kGroups; ++g) a[g] = a_first + 3 * g * a_row;
  for (; steps >= 4; steps -= 4) {
    asm volatile("" : "+r"(a_row), "+r"(b_panel));
    multiply_steps<M, R, V, 4>(acc, a, a_row, b, b_panel);
    hold_in_registers(acc);
    prefetch_lines(next, next_lines);
    for (int g = 0; g < kGroups; ++g) {
      a[g] += 4 * kStepBytes;
      asm volatile("" : "+r"(a[g]));
    }
    b += 4 * M::kPanelStep;
  }
  for (; steps > 0; --steps) {
    asm volatile("" : "+r"(a_row), "+r"(b_panel));
    multiply_steps<M, R, V, 1>(acc, a, a_row, b, b_panel);
    hold_in_registers(acc);
    for (int g = 0; g < kGroups; ++g) a[g] += kStepBytes;
    b += M::kPanelStep;
  }
  return b;
}

/// What the epilogue will read and write: on its way while the product is made.
BURNISH_INLINE void prefetch_rows(const char* from, int64_t row, int rows, int64_t bytes) {
  for (int r = 0; r < rows; ++r, from += row) {
    for (int64_t i = 0; i < bytes; i += 64) _mm_prefetch(from + i, _MM_HINT_T0);
  }
}

template <int R, int P>
BURNISH_INLINE void prefetch_results(const TileArgs& t) {
  const Epilogue& e = t.product->epilogue;
  prefetch_rows(t.c, t.product->c_row, R, P * kPanelColumns * stored_bytes(e.stored));
  if (t.residual == nullptr) return;
  prefetch_rows(t.residual, e.residual_row, R, P * kPanelColumns * stored_bytes(e.residual_stored));
}

/// Steps between the fetching of what the epilogue needs and its use.
constexpr int64_t kLateSteps = 32;

template <typename M, int R, int P>
void tile(const TileArgs& t) {
  constexpr int V = P * kVecs;
  const Product& p = *t.product;
  typename M::Sum acc[R][V];
#pragma GCC unroll 8
  for (int v = 0; v < V; ++v) {
    const typename M::Sum sum = M::start(M::kIntegers ? t.offsets + v * kLanes : nullptr);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) acc[r][v] = sum;
  }
  const char* b = t.b;
  const char* next = t.next;
  // The last tap in two parts: what the epilogue needs is fetched between them, late enough to be there still when the
  // panels have gone through the first-level cache.
  const int64_t late = p.tap_steps < kLateSteps ? p.tap_steps : kLateSteps;
  const char* a = t.a;
  for (int64_t i = 0; i <= p.num_taps; ++i) {
    int64_t steps = p.tap_steps;
    if (i < p.num_taps) {
      a = t.a + (p.taps != nullptr ? p.taps[i] : 0);
      if (i + 1 == p.num_taps) steps -= late;
    } else {
      a += (steps - late) * kStepBytes;
      steps = late;
      prefetch_results<R, P>(t);
    }
    b = multiply_tap<M, R, V>(acc, a, p.a_row, b, p.b_panel, steps, next, t.next_lines);
  }
  if constexpr (M::kIntegers) {
    if (t.way == Way::kRegisters) return finish_in_bytes<M, R, V>(acc, t);
  }
  Vec x[R][V];
  scale_and_shift<M>(acc, t, x);
  if (t.way == Way::kBuffer) return finish_in_buffer(x, t);
  if (t.way == Way::kInC) {
    store_tile<AsFloat>(x, t);
    if (p.epilogue.activation == kActNone && t.residual == nullptr) return;
    return activate_in_c(t, R, (P - 1) * kPanelColumns + t.last_columns);
  }
  if constexpr (!M::kIntegers) finish_in_registers<typename M::As>(x, t);
}

using TileFunction = void (*)(const TileArgs&);

/// at[panels][rows]
struct TileTable {
  TileFunction at[5][15] = {};
};

template <typename M, int P, int R>
constexpr void list_tiles(TileTable& table) {
  table.at[P][R] = tile<M, R, P>;
  if constexpr (R > 1) {
    list_tiles<M, P, R - 1>(table);
  } else if constexpr (P > 1) {
    list_tiles<M, P - 1, M::kMaxRows[P - 1]>(table);
  }
}
template <typename M>
constexpr TileTable tiles_of() {
  TileTable table;
  list_tiles<M, M::kMaxPanels, M::kMaxRows[M::kMaxPanels]>(table);
  return table;
}

/// Panels of the next tile when `left` remain: as many as wanted, but no single panel left over where that can be
/// avoided (a narrow tile cannot keep the multipliers busy).
BURNISH_INLINE int panels_of_tile(int64_t left, int wanted, int most) {
  if (left <= wanted) return static_cast<int>(left);
  if (most == 1) return 1;
  if (wanted == 4 && (left == 5 || left == 6 || left == 9)) return 3;
  if (wanted == 3 && most == 4 && (left == 4 || left == 8)) return 4;
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

  TilePlan(const Product& p, int most_rows, const char* following, int64_t following_bytes)
      : tiles((p.rows + most_rows - 1) / most_rows),
        height(tiles > 0 ? p.rows / tiles : 0),
        taller(p.rows - height * tiles),
        next(following),
        next_end(next + following_bytes) {
    const int64_t rounds = p.tap_steps / 4 * p.num_taps;
    const int64_t all_rounds = rounds * tiles * p.groups;
    // One or two rows are done with their panels faster than these arrive: nothing to fetch ahead.
    const bool worthwhile = all_rounds > 0 && p.rows * p.groups > 2;
    next_lines = worthwhile ? static_cast<int>((following_bytes / 64 + all_rounds - 1) / all_rounds) : 0;
    next_bytes = rounds * next_lines * 64;
  }
};

/// All rows of all groups by some panels of columns; t names the panels and points to their first column.
BURNISH_INLINE void multiply_panels(const TileFunction* tiles, const TilePlan& plan, TileArgs t) {
  const Product& p = *t.product;
  const Epilogue& e = p.epilogue;
  const char* residual = t.residual;
  const int64_t residual_row = residual != nullptr ? e.residual_row : 0;
  char* c = t.c;
  t.next = plan.next;
  t.next_lines = plan.next_lines;
  for (int64_t g = 0; g < p.groups; ++g) {
    t.a = p.a + g * p.a_group;
    t.c = c + g * p.c_group;
    if (residual != nullptr) t.residual = residual + g * e.residual_group;
    for (int64_t i = 0; i < plan.tiles; ++i) {
      const int64_t rows = plan.height + (i < plan.taller ? 1 : 0);
      tiles[rows](t);
      t.a += rows * p.a_row;
      t.c += rows * p.c_row;
      t.residual += rows * residual_row;
      t.next += plan.next_bytes;
      if (t.next >= plan.next_end) t.next_lines = 0;
    }
  }
}

template <typename M>
void multiply(const Product& p) {
  static constexpr TileTable kTiles = tiles_of<M>();
  const Epilogue& e = p.epilogue;
  const int64_t num_panels = (p.columns + kPanelColumns - 1) / kPanelColumns;
  const int wanted = p.tile_panels > 0 && p.tile_panels < M::kMaxPanels ? p.tile_panels : M::kMaxPanels;
  TileArgs t{};
  t.product = &p;
  t.way = way_of<M>(e, clamp_bounds(e, t.low, t.high));
  for (int64_t panel = 0; panel < num_panels;) {
    const int panels = panels_of_tile(num_panels - panel, wanted, M::kMaxPanels);
    const int64_t column = panel * kPanelColumns;
    const int64_t left = p.columns - column - (panels - 1) * kPanelColumns;
    const int64_t behind = num_panels - panel - panels;
    t.last_columns = left < kPanelColumns ? left : kPanelColumns;
    t.b = p.b + panel * p.b_panel;
    t.c = p.c + column * stored_bytes(e.stored);
    t.offsets = M::kIntegers ? e.offsets + column : nullptr;
    t.multiplier = e.multiplier != nullptr ? e.multiplier + column : nullptr;
    t.bias = e.bias != nullptr ? e.bias + column : nullptr;
    t.residual = e.residual != nullptr ? e.residual + column * stored_bytes(e.residual_stored) : nullptr;
    const char* following = behind > 0 ? t.b + panels * p.b_panel : p.b_next;
    const int64_t bytes = (behind == 0 || behind > panels ? panels : behind) * p.b_panel;
    const TilePlan plan(p, M::kMaxRows[panels], following, following == nullptr ? 0 : bytes);
    multiply_panels(kTiles.at[panels], plan, t);
    panel += panels;
  }
}

}  // namespace
}  // namespace burnish::BURNISH_SIMD
