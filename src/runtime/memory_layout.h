#pragma once
// Where every value of a plan lives for one choice of input shapes.
#include <vector>

#include "engine/plan.h"
#include "engine/shape_resolver.h"

namespace burnish {

enum class Region : uint8_t {
  kNowhere,  ///< Packed away, or nobody makes it.
  kArena,
  kInput,     ///< The caller's memory.
  kConstant,  ///< The engine file, or what a shape step made.
  kLate,      ///< Allocated while executing: its shape depends on data.
};

struct Place {
  Region region = Region::kNowhere;
  PlanValueId root = kAbsent;  ///< Whose memory this is; many values may share it.
  int64_t offset_bytes = 0;    ///< From the start of root's memory.
  int64_t row_stride = 0;      ///< Elements between rows; 0: dense.
};

struct MemoryLayout {
  std::vector<Place> places;           ///< By PlanValueId.
  std::vector<int64_t> root_bytes;     ///< By root: what all values in its memory need.
  std::vector<int64_t> arena_offsets;  ///< By root in the arena.
  std::vector<int64_t> staging;        ///< By output: offset in the arena of a dense copy; -1: none needed.
  std::vector<int64_t> scratch;        ///< By step: offset in the arena.
  int64_t arena_bytes = 0;
};

/// Places of all values; no offsets yet. Throws kCorrupt when values that share memory do not fit each other.
MemoryLayout find_places(const Plan& plan, const ResolvedShapes& resolved);

/// Gives everything in the arena its offset. scratch_bytes: by step.
void assign_offsets(const Plan& plan, const ResolvedShapes& resolved, const std::vector<size_t>& scratch_bytes,
                    MemoryLayout& layout);

/// Bytes of a dense tensor; throws kInvalidArgument on overflow.
int64_t dense_bytes(DType dtype, const Shape& shape);

}  // namespace burnish
