#pragma once
// CUDA source of cuda.attention, behind the prelude and constants that attention.cc writes: T, Y, kHeads, kQk, kV
// (columns of a head), kScale, kMaskedRowsZero, kMask (0: none, 1: FLOAT, 2: BOOL), kMaskPerRow, kFixedKeys (0: free).
#include <string_view>

namespace burnish::cuda {

/// The arguments and what becomes of a score.
std::string_view attention_common();
/// On tensor cores, behind tensor_core_source(); T is f16 or bf16. Further constants: kRows (queries of a block), kKeys
/// (of a tile), kSplit (warps that share queries, each with its part of the keys), kStages (1: all keys are in one
/// tile). Entries: attention_wide, where everything is aligned to 16 bytes (kQk, kV multiples of 8), and
/// attention_narrow.
std::string_view attention_mma();
/// In FP32, exact products. Entry: attention_fma.
std::string_view attention_fma();

}  // namespace burnish::cuda
