#pragma once
// Runs a whole graph with the reference evaluations: the oracle of passes, of `burnish compare` and of tests.
#include <functional>
#include <map>
#include <string>

#include "ir/graph.h"

namespace burnish {

/// The values of the symbols of the graph's inputs for these input shapes, by name. Checks that every input is there,
/// known, and of the declared dtype and shape; throws kInvalidArgument naming the input otherwise.
std::map<std::string, int64_t, std::less<>> bind_inputs(const Graph& graph,
                                                        const std::map<std::string, Tensor>& inputs);

/// Called for every value that a node makes, in execution order, before the value is freed.
using OnValue = std::function<void(const Value& value, const Tensor& tensor)>;

/// Outputs by public name. Values are freed after their last use. Throws what the operators throw, with the frame
/// "node NAME (OP)".
std::map<std::string, Tensor> interpret(const Graph& graph, const std::map<std::string, Tensor>& inputs,
                                        const OnValue& on_value = {});

}  // namespace burnish
