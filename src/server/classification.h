#pragma once
// Triton's classification extension: the best classes of an output as text instead of all of its numbers.
#include <burnish/engine.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace burnish::server {

/// The labels of an output, one a line of the file; index is the class. Throws kIo naming the path.
std::vector<std::string> read_labels(const std::string& path);

/// The `count` greatest of so many dense elements (all, if there are fewer) as "score:index" or "score:index:label",
/// best first; among equals the lower index. Floating scores have six decimals. NaNs come last.
std::vector<std::string> classify(DataType dtype, const void* data, size_t num_elements, uint32_t count,
                                  const std::vector<std::string>& labels);

}  // namespace burnish::server
