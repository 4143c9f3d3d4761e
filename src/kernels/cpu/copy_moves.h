#pragma once
// Operators that only move elements, as lists of strided copies fixed when a problem is known.
#include <span>
#include <string_view>
#include <vector>

#include "kernels/cpu/strided_copy.h"

namespace burnish {

/// A box of elements from one input to one output.
struct Move {
  size_t input = 0;
  size_t output = 0;
  StridedCopy copy;
};

struct CopyOp {
  std::string_view op;
  std::vector<Move> (*moves)(const Problem&);  ///< Not simplified.
  int needs_ints_from = 0;                     ///< Inputs from here on must be constant integers; 0: none is looked at.
  bool rows_apart = false;                     ///< Whether inputs and outputs may be strided.
};

std::span<const CopyOp> copy_ops();
/// nullptr for any other operator.
const CopyOp* find_copy_op(std::string_view op);
/// Whether the operator is one of these, and the problem's types, ranks and strides are such as it takes.
bool is_copy(const Problem& problem);
/// Whether elements keep their order, so that the output may be the input.
bool keeps_order(const CopyOp& op);

}  // namespace burnish
