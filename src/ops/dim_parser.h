#pragma once
// The text form of dimensions, and the symbols that stand for expressions. Internal to ops/dim.
//
// A symbol is an identifier, any other name in backticks, or an expression: floor(a/b), max(a, b), min(a, b).
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ops/dim.h"

namespace burnish {

/// True for what needs no backticks: a letter or '_', then letters, digits, '_', '.', ':', '#', '$'.
bool is_dim_identifier(std::string_view name);
/// True when the text is one number, symbol or call, so that it may stand beside an operator.
bool is_dim_factor(std::string_view text);
/// Numerator and denominator of a symbol "floor(a/b)"; nullopt for other symbols.
std::optional<std::pair<Dim, Dim>> parse_quotient(std::string_view symbol);
/// The value of one symbol; nullopt when a plain symbol in it is unbound.
std::optional<int64_t> evaluate_dim_symbol(std::string_view symbol,
                                           const std::map<std::string, int64_t, std::less<>>& symbols);
/// Appends the names of the plain symbols in one symbol, without backticks, each once.
void collect_dim_symbols(std::string_view symbol, std::vector<std::string>& names);

}  // namespace burnish
