#pragma once
// What an output is, as far as its shape and its numbers tell, to choose how its loss is measured.
#include <string_view>

#include "base/shape.h"

namespace burnish {

enum class OutputKind {
  kClasses,  ///< One score for each class in every row: what counts is which is greatest.
  kOther,    ///< Embeddings, boxes, images, …: what counts is the direction of each row.
};
/// "classes", "other"
std::string_view name_of(OutputKind kind);

/// A guess, from a reference output; let users overrule it. Only [N, C] with 2 ≤ C ≤ 100000 can be classes. Then
/// - rows that are probabilities, or logarithms of such, are classes;
/// - rows of length 1, or different ones all of one length (layer normalisation), are embeddings;
/// - otherwise up to 63 columns are taken for logits, since embeddings are wider: a regression with a few outputs (a
///   box, a pose) is mistaken for classes;
/// - from 64 columns on, rows are logits when the greatest value stands out of the others by a quarter more than the
///   greatest of as many normal numbers would, there are negative values, and eight or more rows do not all have their
///   greatest value in the same column (as embeddings with an outlier dimension do). An untrained or undecided
///   classifier is not recognised; the loss by direction, which it then gets, fits it as well.
OutputKind guess_output_kind(const float* data, const Shape& shape);

}  // namespace burnish
