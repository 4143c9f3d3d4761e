#include "ops/dim.h"

#include <algorithm>
#include <numeric>

#include "base/checked.h"
#include "ops/dim_parser.h"

namespace burnish {
namespace {

// Bounds on expressions, so that a hostile model cannot make them grow without end.
constexpr size_t kMaxTerms = 256;
constexpr size_t kMaxText = 4096;

int64_t floor_of(int64_t a, int64_t b) {
  if (b == -1) return checked_mul(a, -1);
  const int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}

std::string text_of(const std::vector<std::string>& monomial) {
  std::string s;
  for (const auto& name : monomial) s += (s.empty() ? "" : "*") + name;
  return s;
}

// Graded order, which multiplication respects, as polynomial division needs.
bool graded_less(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

}  // namespace

Dim Dim::symbol(std::string name) {
  std::replace(name.begin(), name.end(), '`', '\'');
  return raw_symbol(is_dim_identifier(name) ? std::move(name) : "`" + name + "`");
}

Dim Dim::raw_symbol(std::string text) {
  check(text.size() <= kMaxText, ErrorCode::kUnsupported, "a dimension's expression has grown beyond {} characters",
        kMaxText);
  Dim d;
  d.terms_.emplace(Monomial{std::move(text)}, 1);
  return d;
}

int64_t Dim::value() const {
  check(is_constant(), ErrorCode::kInvalidArgument, "dimension {} is not a number", to_string(*this));
  return constant_;
}

void Dim::add_term(const Monomial& monomial, int64_t coefficient) {
  if (monomial.empty()) {
    constant_ = checked_add(constant_, coefficient);
    return;
  }
  const auto it = terms_.try_emplace(monomial, 0).first;
  it->second = checked_add(it->second, coefficient);
  if (it->second == 0) terms_.erase(it);
  check(terms_.size() <= kMaxTerms, ErrorCode::kUnsupported, "a dimension's expression has more than {} terms",
        kMaxTerms);
}

Dim operator+(const Dim& a, const Dim& b) {
  Dim sum = a;
  for (const auto& [m, c] : b.terms_) sum.add_term(m, c);
  sum.add_term({}, b.constant_);
  return sum;
}

Dim operator-(const Dim& a, const Dim& b) {
  return a + b * Dim(-1);
}

Dim operator*(const Dim& a, const Dim& b) {
  if (a.is_constant() && b.is_constant()) return checked_mul(a.constant_, b.constant_);
  Dim product;
  const auto add = [&](const Dim::Monomial& ma, int64_t ca, const Dim::Monomial& mb, int64_t cb) {
    if (ca == 0 || cb == 0) return;
    Dim::Monomial m;
    std::merge(ma.begin(), ma.end(), mb.begin(), mb.end(), std::back_inserter(m));
    product.add_term(m, checked_mul(ca, cb));
  };
  for (const auto& [ma, ca] : a.terms_) {
    for (const auto& [mb, cb] : b.terms_) add(ma, ca, mb, cb);
    add(ma, ca, {}, b.constant_);
  }
  for (const auto& [mb, cb] : b.terms_) add({}, a.constant_, mb, cb);
  add({}, a.constant_, {}, b.constant_);
  return product;
}

std::optional<Dim> exact_div(const Dim& a, const Dim& b) {
  if (b.is(0)) return std::nullopt;
  const auto [lead_b, coefficient_b] = b.leading_term();
  Dim rest = a;
  Dim quotient;
  while (!rest.is(0)) {
    const auto [lead, coefficient] = rest.leading_term();
    if (!std::includes(lead.begin(), lead.end(), lead_b.begin(), lead_b.end())) return std::nullopt;
    if (coefficient_b == -1 ? coefficient == INT64_MIN : coefficient % coefficient_b != 0) return std::nullopt;
    Dim::Monomial m;
    std::set_difference(lead.begin(), lead.end(), lead_b.begin(), lead_b.end(), std::back_inserter(m));
    Dim step;
    step.add_term(m, coefficient / coefficient_b);
    quotient = quotient + step;
    rest = rest - step * b;
  }
  return quotient;
}

std::pair<Dim::Monomial, int64_t> Dim::leading_term() const {
  if (terms_.empty()) return {Monomial{}, constant_};
  const auto it = std::max_element(terms_.begin(), terms_.end(),
                                   [](const auto& x, const auto& y) { return graded_less(x.first, y.first); });
  return {it->first, it->second};
}

namespace {

std::string quotient_text(const Dim& a, const Dim& b) {
  const auto in_parentheses = [](const Dim& d) {
    const std::string s = to_string(d);
    const bool plain = s.front() != '-' && is_dim_factor(s);
    return plain ? s : "(" + s + ")";
  };
  return "floor(" + in_parentheses(a) + "/" + in_parentheses(b) + ")";
}

}  // namespace

// floor(floor(p/m)/n) = floor(p/(m·n)) for positive m and n.
std::optional<Dim> Dim::nested_quotient(const Dim& b) const {
  if (terms_.size() != 1 || terms_.begin()->second != 1 || terms_.begin()->first.size() != 1) return std::nullopt;
  const auto inner = parse_quotient(terms_.begin()->first.front());
  if (!inner || !inner->second.is_constant() || inner->second.constant_ <= 0) return std::nullopt;
  return floor_div(inner->first + inner->second * Dim(constant_), inner->second * b);
}

// Splits off what divides, term by term, so that (h - 3)/2 + 1 and (h - 1)/2 become the same expression.
Dim floor_div(const Dim& a, const Dim& b) {
  check(!b.is(0), ErrorCode::kInvalidArgument, "division of dimension {} by zero", to_string(a));
  if (const auto exact = exact_div(a, b)) return *exact;
  if (!b.is_constant()) return Dim::raw_symbol(quotient_text(a, b));
  if (b.constant_ < 0) return floor_div(a * Dim(-1), b * Dim(-1));
  Dim whole(floor_of(a.constant_, b.constant_));
  Dim rest(a.constant_ - whole.constant_ * b.constant_);
  int64_t common = b.constant_;
  for (const auto& [m, c] : a.terms_) {
    const int64_t q = floor_of(c, b.constant_);
    if (q != 0) whole.add_term(m, q);
    if (c == q * b.constant_) continue;
    rest.add_term(m, c - q * b.constant_);
    common = std::gcd(common, c - q * b.constant_);
  }
  if (rest.is_constant()) return whole;
  for (auto& [m, c] : rest.terms_) c /= common;
  rest.constant_ /= common;
  const Dim divisor(b.constant_ / common);
  if (const auto nested = rest.nested_quotient(divisor)) return whole + *nested;
  return whole + Dim::raw_symbol(quotient_text(rest, divisor));
}

Dim ceil_div(const Dim& a, const Dim& b) {
  if (b.is_constant() && b.constant_ > 0) return floor_div(a + b - Dim(1), b);
  return floor_div(a * Dim(-1), b) * Dim(-1);
}

Dim Dim::extremum(const Dim& a, const Dim& b, bool larger) {
  const Dim difference = a - b;
  if (difference.is_constant()) return (difference.constant_ > 0) == larger ? a : b;
  std::string x = to_string(a);
  std::string y = to_string(b);
  if (y < x) std::swap(x, y);
  return raw_symbol((larger ? "max(" : "min(") + x + ", " + y + ")");
}

Dim max(const Dim& a, const Dim& b) {
  return Dim::extremum(a, b, true);
}
Dim min(const Dim& a, const Dim& b) {
  return Dim::extremum(a, b, false);
}

std::optional<int64_t> Dim::lower_bound() const {
  for (const auto& [monomial, coefficient] : terms_)
    if (coefficient < 0) return std::nullopt;
  return constant_;
}

std::optional<int64_t> Dim::evaluate(const std::map<std::string, int64_t, std::less<>>& symbols) const {
  int64_t sum = constant_;
  for (const auto& [monomial, coefficient] : terms_) {
    int64_t product = coefficient;
    for (const auto& name : monomial) {
      const auto value = evaluate_dim_symbol(name, symbols);
      if (!value) return std::nullopt;
      product = checked_mul(product, *value);
    }
    sum = checked_add(sum, product);
  }
  return sum;
}

void Dim::collect_symbols(std::vector<std::string>& names) const {
  for (const auto& [monomial, coefficient] : terms_)
    for (const auto& name : monomial) collect_dim_symbols(name, names);
}

std::string to_string(const Dim& dim) {
  if (dim.is_constant()) return std::to_string(dim.constant_);
  std::string s;
  for (const auto& [monomial, c] : dim.terms_) {
    s += s.empty() ? (c < 0 ? "-" : "") : (c < 0 ? " - " : " + ");
    const std::string digits = std::to_string(c).substr(c < 0 ? 1 : 0);
    if (digits != "1") s += digits + "*";
    s += text_of(monomial);
  }
  if (dim.constant_ > 0) s += " + " + std::to_string(dim.constant_);
  if (dim.constant_ < 0) s += " - " + std::to_string(dim.constant_).substr(1);
  return s;
}

}  // namespace burnish
