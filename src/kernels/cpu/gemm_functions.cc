#include "kernels/cpu/gemm_functions.h"

#include <algorithm>

#include "base/checked.h"

namespace burnish {
namespace {

/// The functions of one type on each instruction set that has its own.
struct GemmTable {
  GemmFunctions avx2, avx512, best;
  Isa best_isa;  // from which on `best` holds
  int most_panels[3];
};

const GemmTable& table_of(const ProductType& type) {
  static constexpr GemmTable kF32 = {{avx2::product_f32, avx2::pack_f32, avx2::interleave_f32, nullptr},
                                     {avx512::product_f32, avx512::pack_f32, avx512::interleave_f32, nullptr},
                                     {avx512::product_f32, avx512::pack_f32, avx512::interleave_f32, nullptr},
                                     Isa::kAvx512,
                                     {1, 4, 4}};
  static constexpr GemmTable kU8 = {{avx2::product_u8, avx2::pack_u8, avx2::interleave_u8, nullptr},
                                    {avx512::product_u8, avx512::pack_u8, avx512::interleave_u8, nullptr},
                                    {avx512vnni::product_u8, avx512::pack_u8, avx512::interleave_u8, nullptr},
                                    Isa::kAvx512Vnni,
                                    {1, 2, 4}};
  static constexpr GemmTable kBf16 = {{avx2::product_bf16, avx2::pack_bf16, avx2::interleave_bf16, nullptr},
                                      {avx512::product_bf16, avx512::pack_bf16, avx512::interleave_bf16, nullptr},
                                      {avx512bf16::product_bf16, avx512::pack_bf16, avx512::interleave_bf16, nullptr},
                                      Isa::kAvx512Bf16,
                                      {1, 2, 4}};
  static constexpr GemmTable kF16 = {{avx2::product_f16, avx2::pack_f16, avx2::interleave_f16, avx2::widen_f16},
                                     {avx512::product_f16, avx512::pack_f16, avx512::interleave_f16, avx512::widen_f16},
                                     {avx512::product_f16, avx512::pack_f16, avx512::interleave_f16, avx512::widen_f16},
                                     Isa::kAvx512,
                                     {1, 2, 2}};
  if (type.x == DType::kUInt8) return kU8;
  if (type.x == DType::kBFloat16) return kBf16;
  return type.x == DType::kFloat16 ? kF16 : kF32;
}

int most_panels(const ProductType& type, Isa isa) {
  const GemmTable& table = table_of(type);
  if (isa >= table.best_isa) return table.most_panels[2];
  return table.most_panels[isa >= Isa::kAvx512 ? 1 : 0];
}

}  // namespace

const GemmFunctions* gemm_functions(const ProductType& type, Isa isa) {
  const GemmTable& table = table_of(type);
  if (isa >= table.best_isa) return &table.best;
  if (isa >= Isa::kAvx512) return &table.avx512;
  return isa >= Isa::kAvx2 ? &table.avx2 : nullptr;
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

const char* packed_bytes_at(std::span<const PackedView> packed, size_t i, int64_t num_bytes) {
  check(i < packed.size() && packed[i].size() == static_cast<size_t>(num_bytes), ErrorCode::kCorrupt,
        "packed weights {} hold {} bytes instead of {}", i, i < packed.size() ? packed[i].size() : 0, num_bytes);
  return reinterpret_cast<const char*>(packed[i].data());
}

std::vector<std::string> tile_candidates(const ProductType& type, const Target& target, int lowest) {
  const int most = most_panels(type, target.isa);
  std::vector<std::string> candidates;
  for (int panels = most; panels >= std::min(lowest, most); --panels) {
    candidates.push_back(fmt::format("panels={}", panels));
  }
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

void skip_columns(Product& p, int64_t columns, int64_t padded_columns) {
  Epilogue& e = p.epilogue;
  p.c += columns * stored_bytes(e.stored);
  if (e.residual != nullptr) e.residual += columns * stored_bytes(e.residual_stored);
  if (e.offsets != nullptr) e.offsets += padded_columns;
  if (e.multiplier != nullptr) e.multiplier += padded_columns;
  if (e.bias != nullptr) e.bias += padded_columns;
}

Product product_columns(const Product& product, int64_t panel_begin, int64_t panel_end) {
  Product p = product;
  const int64_t column = panel_begin * kPanelColumns;
  p.columns = std::min(product.columns, panel_end * kPanelColumns) - column;
  p.b += panel_begin * p.b_panel;
  skip_columns(p, column, column);
  return p;
}

Product product_rows(const Product& product, int64_t begin, int64_t end) {
  Product p = product;
  p.rows = end - begin;
  p.a += begin * p.a_row;
  p.c += begin * p.c_row;
  if (p.epilogue.residual != nullptr) p.epilogue.residual += begin * p.epilogue.residual_row;
  return p;
}

void run_blocked_product(const GemmFunctions& functions, const Product& product, int64_t l2_bytes) {
  // A is read again for every tile of columns, at a few bytes a cycle: it may come from the third-level cache. What
  // must stay in the second is the tile's panels, read for every tile of rows; so blocks are large, never short of
  // rows.
  const int64_t row_bytes = std::max<int64_t>(1, product.num_taps * product.tap_steps * kStepBytes);
  const int64_t fitting = std::max<int64_t>(192, l2_bytes * 2 / row_bytes / 24 * 24);
  const bool one_pass = product.columns <= 4 * kPanelColumns;
  const int64_t blocks = one_pass ? 1 : (product.rows + fitting - 1) / fitting;
  for (int64_t i = 0; i < blocks; ++i) {
    functions.product(product_rows(product, product.rows * i / blocks, product.rows * (i + 1) / blocks));
  }
}

void run_split_product(const GemmFunctions& functions, const Product& product, ThreadPool& pool, int64_t l2_bytes) {
  const int64_t num_panels = (product.columns + kPanelColumns - 1) / kPanelColumns;
  if (product.rows <= 0 || num_panels <= 0) return;
  const ThreadGrid grid = choose_thread_grid(product.rows, num_panels, pool.num_threads());
  pool.run([&](int thread, int) {
    if (thread >= grid.rows * grid.panels) return;
    const int r = thread % grid.rows;
    const int c = thread / grid.rows;
    const Product part =
        product_rows(product_columns(product, num_panels * c / grid.panels, num_panels * (c + 1) / grid.panels),
                     product.rows * r / grid.rows, product.rows * (r + 1) / grid.rows);
    if (part.rows > 0 && part.columns > 0) run_blocked_product(functions, part, l2_bytes);
  });
}

}  // namespace burnish
