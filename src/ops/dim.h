#pragma once
// Symbolic dimensions: integer polynomials over named symbols ("batch", "sequence"), such as 2*batch*sequence + 1.
// What no polynomial expresses (a division with a remainder, a maximum) becomes a new symbol named after the
// expression, "floor((height + 1)/2)", so that equal expressions stay equal.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/shape.h"

namespace burnish {

class Dim {
 public:
  Dim() = default;
  Dim(int64_t value) : constant_(value) {}  // NOLINT(google-explicit-constructor): numbers are dims
  /// Any name; one that is no identifier is written in backticks. Expressions are parse_dim()'s.
  static Dim symbol(std::string name);

  bool is_constant() const { return terms_.empty(); }
  /// Requires is_constant().
  int64_t value() const;
  bool is(int64_t value) const { return is_constant() && constant_ == value; }
  bool operator==(const Dim& other) const = default;

  friend Dim operator+(const Dim& a, const Dim& b);
  friend Dim operator-(const Dim& a, const Dim& b);
  friend Dim operator*(const Dim& a, const Dim& b);
  /// Rounded towards minus infinity, exact where the polynomial divides.
  friend Dim floor_div(const Dim& a, const Dim& b);
  friend Dim ceil_div(const Dim& a, const Dim& b);
  friend Dim max(const Dim& a, const Dim& b);
  friend Dim min(const Dim& a, const Dim& b);
  /// The polynomial a/b when b divides a without remainder for all values of the symbols.
  friend std::optional<Dim> exact_div(const Dim& a, const Dim& b);

  /// The least value it can have when no symbol is negative; nullopt when there is none.
  std::optional<int64_t> lower_bound() const;
  /// Replaces symbols by numbers; symbols made from expressions are evaluated too. nullopt if a symbol is unbound.
  std::optional<int64_t> evaluate(const std::map<std::string, int64_t, std::less<>>& symbols) const;
  /// "batch", "4*batch + 1", "17". parse_dim(to_string(d)) == d.
  friend std::string to_string(const Dim& dim);
  /// The names of all plain symbols in it.
  void collect_symbols(std::vector<std::string>& names) const;

 private:
  using Monomial = std::vector<std::string>;  // sorted symbol names, with repetition
  static Dim raw_symbol(std::string text);    // text as in ops/dim_parser.h
  static Dim extremum(const Dim& a, const Dim& b, bool larger);
  void add_term(const Monomial& monomial, int64_t coefficient);
  std::pair<Monomial, int64_t> leading_term() const;
  std::optional<Dim> nested_quotient(const Dim& b) const;

  std::map<Monomial, int64_t> terms_;  // no zero coefficients, no empty monomial
  int64_t constant_ = 0;
};

/// Inverse of to_string(Dim). Throws kInvalidArgument.
Dim parse_dim(std::string_view text);

using SymShape = std::vector<Dim>;

/// "[batch,3,224,224]"
std::string to_string(const SymShape& shape);
SymShape to_symbolic(const Shape& shape);
/// nullopt when a dimension is symbolic.
std::optional<Shape> to_concrete(const SymShape& shape);
/// NumPy broadcasting. Of two different symbolic dims the result is the left one where nothing better is known;
/// a symbol against a constant other than 1 gives the constant. Throws kInvalidArgument for constants that clash.
SymShape broadcast(const SymShape& a, const SymShape& b);
Dim num_elements(const SymShape& shape);

}  // namespace burnish
