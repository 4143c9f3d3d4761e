#pragma once
// Lines of words, some of them quoted: the syntax of the calibration cache.
#include <string>
#include <string_view>
#include <vector>

namespace burnish {

/// As it is where that is unmistakable, otherwise in quotes with escapes.
std::string quoted_if_needed(std::string_view word);
std::string in_quotes(std::string_view word);

/// The words of one line up to its comment, quotes resolved. Throws kCorrupt saying what is wrong (an open quote, an
/// unknown escape); the caller adds where.
std::vector<std::string> split_words(std::string_view line);

}  // namespace burnish
