#pragma once
// Runs passes on graphs given as IR text, and checks both the rewritten graph and its numbers.
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ir/graph.h"
#include "passes/pipeline.h"

namespace burnish {

using Lines = std::vector<std::string>;

/// The graph in a form that does not depend on generated names: a line for each node in order, "%0 = Relu(x)", with
/// attributes, and one for each output, "y = %0". Constants stand as their elements when they are few, else as dtype
/// and shape.
Lines lines_of(const Graph& graph);

/// Random tensors for all inputs: normal floats, zeros and ones for everything else. Symbols without a size are 3.
std::map<std::string, Tensor> random_inputs(const Graph& graph,
                                            std::map<std::string, int64_t, std::less<>> symbols = {});

/// Both graphs give the same outputs, up to tolerance relative to the largest magnitude.
void expect_same_numbers(const Graph& before, const Graph& after, const std::map<std::string, Tensor>& inputs,
                         double tolerance = 1e-5);

/// Runs one pass (then, if any, the others in order) on the text; expects the lines and the same numbers.
void expect_rewrite(std::string_view pass, std::string_view before, const Lines& after,
                    const std::vector<std::string_view>& then = {});
/// The pass leaves the text alone.
void expect_unchanged(std::string_view pass, std::string_view text);

/// "FusedConv uint8": every node's operator and the type of its first output, in order.
Lines ops_and_types(const Graph& graph);
/// How often each operator occurs.
std::map<std::string, int> histogram(const Graph& graph);

}  // namespace burnish
