#include "kernels/cpu/f32_gemm_functions.h"

#include <algorithm>

#include "base/checked.h"

namespace burnish {

const F32GemmFunctions* f32_gemm_functions(Isa isa) {
  if (isa >= Isa::kAvx512) return &avx512::kF32Gemm;
  if (isa >= Isa::kAvx2) return &avx2::kF32Gemm;
  return nullptr;
}

F32Epilogue f32_epilogue_of(const AttributeMap& attrs) {
  const Activation activation = activation_of(attrs);
  F32Epilogue e;
  e.activation = static_cast<int>(activation.kind);
  e.alpha = activation.alpha;
  e.beta = activation.beta;
  return e;
}

PackedBlob make_float_blob(int64_t num_floats) {
  return PackedBlob(static_cast<size_t>(num_floats) * sizeof(float));
}

const float* packed_at(std::span<const PackedView> packed, size_t i, int64_t num_floats) {
  check(i < packed.size() && packed[i].size() == static_cast<size_t>(num_floats) * sizeof(float), ErrorCode::kCorrupt,
        "packed weights {} hold {} bytes instead of {}", i, i < packed.size() ? packed[i].size() : 0,
        num_floats * static_cast<int64_t>(sizeof(float)));
  return reinterpret_cast<const float*>(packed[i].data());
}

PackedBlob pack_bias(const Tensor& bias, int64_t n, float scale) {
  PackedBlob blob = make_float_blob(round_up(n, kPanelColumns));  // zeros
  if (!bias.defined()) return blob;
  const int64_t step = bias.num_elements() == 1 ? 0 : 1;
  for (int64_t i = 0; i < n; ++i) floats_of(blob)[i] = scale * bias.as<float>()[i * step];
  return blob;
}

std::vector<std::string> tile_candidates(const Target& target, int lowest) {
  if (target.isa < Isa::kAvx512) return {"panels=1"};
  std::vector<std::string> candidates;
  for (int panels = 4; panels >= lowest; --panels) candidates.push_back(fmt::format("panels={}", panels));
  return candidates;
}

int tile_panels_of(const std::string& config, std::string_view tactic) {
  for (int panels = 1; panels <= 4; ++panels) {
    if (config == fmt::format("panels={}", panels)) return panels;
  }
  throw_error(ErrorCode::kInvalidArgument, "{} has no configuration '{}'", tactic, config);
}

ThreadGrid choose_thread_grid(int64_t num_rows, int64_t num_panels, int num_threads) {
  ThreadGrid best;
  int64_t best_cost = INT64_MAX;
  for (int rows = 1; rows <= num_threads; ++rows) {
    const int panels = num_threads / rows;
    // The slowest thread's work, and a little for what it reads: its rows of A and its panels of B.
    const int64_t own_rows = (num_rows + rows - 1) / rows;
    const int64_t own_panels = (num_panels + panels - 1) / panels;
    const int64_t cost = own_rows * own_panels * 16 + own_rows + own_panels * kPanelColumns;
    if (cost < best_cost) {
      best_cost = cost;
      best = {rows, panels};
    }
  }
  return best;
}

F32Product product_columns(const F32Product& product, int64_t panel_begin, int64_t panel_end) {
  F32Product p = product;
  const int64_t column = panel_begin * kPanelColumns;
  p.columns = std::min(product.columns, panel_end * kPanelColumns) - column;
  p.b += panel_begin * p.b_panel;
  p.c += column;
  if (p.epilogue.bias != nullptr) p.epilogue.bias += column;
  if (p.epilogue.residual != nullptr) p.epilogue.residual += column;
  return p;
}

F32Product product_rows(const F32Product& product, int64_t begin, int64_t end) {
  F32Product p = product;
  p.rows = end - begin;
  p.a += begin * p.a_row;
  p.c += begin * p.c_row;
  if (p.epilogue.residual != nullptr) p.epilogue.residual += begin * p.epilogue.residual_row;
  return p;
}

void run_blocked_product(const F32GemmFunctions& functions, const F32Product& product, int64_t l2_bytes) {
  // A is read again for every tile of columns, at a few bytes a cycle: it may come from the third-level cache. What
  // must stay in the second is the tile's panels, read for every tile of rows; so blocks are large, never short of
  // rows.
  const int64_t row_bytes = std::max<int64_t>(1, product.num_taps * product.tap_k * 4);
  const int64_t fitting = std::max<int64_t>(192, l2_bytes * 2 / row_bytes / 24 * 24);
  const bool one_pass = product.columns <= 4 * kPanelColumns;
  const int64_t blocks = one_pass ? 1 : (product.rows + fitting - 1) / fitting;
  for (int64_t i = 0; i < blocks; ++i) {
    functions.product(product_rows(product, product.rows * i / blocks, product.rows * (i + 1) / blocks));
  }
}

void run_split_product(const F32GemmFunctions& functions, const F32Product& product, ThreadPool& pool,
                       int64_t l2_bytes) {
  const int64_t num_panels = (product.columns + kPanelColumns - 1) / kPanelColumns;
  if (product.rows <= 0 || num_panels <= 0) return;
  const ThreadGrid grid = choose_thread_grid(product.rows, num_panels, pool.num_threads());
  pool.run([&](int thread, int) {
    if (thread >= grid.rows * grid.panels) return;
    const int r = thread % grid.rows;
    const int c = thread / grid.rows;
    const F32Product part =
        product_rows(product_columns(product, num_panels * c / grid.panels, num_panels * (c + 1) / grid.panels),
                     product.rows * r / grid.rows, product.rows * (r + 1) / grid.rows);
    if (part.rows > 0 && part.columns > 0) run_blocked_product(functions, part, l2_bytes);
  });
}

}  // namespace burnish
