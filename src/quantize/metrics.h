#pragma once
// How far a quantised network's output is from the original's, in figures that people know.
#include <cstdint>
#include <span>

namespace burnish {

/// 1 for two zero vectors, 0 where just one is zero or either holds a NaN or an infinity. Throws kInvalidArgument, as
/// all functions here, when sizes differ.
double cosine_similarity(std::span<const float> actual, std::span<const float> reference);
/// Signal to quantisation noise ratio, 10·log₁₀(Σ r² / Σ (a − r)²): infinite for equal vectors, −infinity when the
/// reference is 0 and the other is not.
double sqnr_db(std::span<const float> actual, std::span<const float> reference);

/// Index of the greatest value, the first of equals; NaN never wins, −1 when there is nothing else.
int64_t top1(std::span<const float> row);
/// Share of the rows, num_columns wide, whose top1() is the label, one a row; 1 without rows.
double top1_accuracy(std::span<const float> scores, std::span<const int64_t> labels, int64_t num_columns);

}  // namespace burnish
