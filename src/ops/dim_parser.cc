#include "ops/dim_parser.h"

#include <algorithm>
#include <charconv>

#include "base/checked.h"

namespace burnish {
namespace {

constexpr int kMaxDepth = 100;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_identifier_char(char c) {
  return is_letter(c) || is_digit(c) || c == '.' || c == ':' || c == '#' || c == '$';
}

// Recursive descent over
//   sum := term (('+' | '-') term)*      term := factor ('*' factor)*
//   factor := '-' factor | number | symbol | '(' sum ')' | ('floor' | 'ceil') '(' term '/' factor ')'
//           | ('max' | 'min') '(' sum ',' sum ')'
class DimParser {
 public:
  explicit DimParser(std::string_view text) : text_(text) {}

  Dim parse_all() {
    Dim d = sum();
    skip_spaces();
    if (at_ != text_.size()) fail("a dimension should end here");
    return d;
  }

  // The operands of a call; used on symbols, whose spelling is known to be ours.
  std::pair<Dim, Dim> operands(bool quotient) {
    Dim a = quotient ? term() : sum();
    expect(quotient ? '/' : ',');
    Dim b = quotient ? factor() : sum();
    expect(')');
    return {std::move(a), std::move(b)};
  }

 private:
  [[noreturn]] void fail(std::string_view reason) const {
    throw_error(ErrorCode::kInvalidArgument, "'{}' is no dimension: {} (at character {})", text_, reason, at_ + 1);
  }
  void skip_spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool accept(char c) {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(std::string("'") + c + "' is missing");
  }

  Dim sum() {
    if (++depth_ > kMaxDepth) fail("it is nested too deeply");
    Dim d = term();
    while (true) {
      if (accept('+')) {
        d = d + term();
      } else if (accept('-')) {
        d = d - term();
      } else {
        --depth_;
        return d;
      }
    }
  }

  Dim term() {
    Dim d = factor();
    while (accept('*')) d = d * factor();
    return d;
  }

  Dim factor() {
    if (accept('(')) {
      Dim d = sum();
      expect(')');
      return d;
    }
    if (accept('-')) {
      if (++depth_ > kMaxDepth) fail("it is nested too deeply");
      Dim d = is_at_digit() ? number(true) : factor() * Dim(-1);
      --depth_;
      return d;
    }
    if (accept('`')) return quoted();
    if (is_at_digit()) return number(false);
    return name();
  }

  bool is_at_digit() const { return at_ < text_.size() && is_digit(text_[at_]); }

  Dim number(bool negative) {
    const size_t start = at_;
    while (is_at_digit()) ++at_;
    const std::string digits = (negative ? "-" : "") + std::string(text_.substr(start, at_ - start));
    int64_t value = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value).ec != std::errc{})
      fail("the number is too large");
    return value;
  }

  Dim quoted() {
    const size_t end = text_.find('`', at_);
    if (end == std::string_view::npos) fail("'`' is missing");
    Dim d = Dim::symbol(std::string(text_.substr(at_, end - at_)));
    at_ = end + 1;
    return d;
  }

  Dim name() {
    const size_t start = at_;
    if (at_ < text_.size() && is_letter(text_[at_]))
      while (at_ < text_.size() && is_identifier_char(text_[at_])) ++at_;
    const std::string_view word = text_.substr(start, at_ - start);
    if (word.empty()) fail("a number or a name is missing");
    if (at_ >= text_.size() || text_[at_] != '(') return Dim::symbol(std::string(word));
    ++at_;
    return call(word);
  }

  Dim call(std::string_view word) {
    const bool quotient = word == "floor" || word == "ceil";
    if (!quotient && word != "max" && word != "min") fail("the function is not known");
    if (++depth_ > kMaxDepth) fail("it is nested too deeply");
    const auto [a, b] = operands(quotient);
    --depth_;
    if (quotient) return word == "floor" ? floor_div(a, b) : ceil_div(a, b);
    return word == "max" ? max(a, b) : min(a, b);
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
};

enum class Call { kNone, kFloor, kMax, kMin };

Call call_of(std::string_view symbol) {
  if (symbol.starts_with("floor(")) return Call::kFloor;
  if (symbol.starts_with("max(")) return Call::kMax;
  return symbol.starts_with("min(") ? Call::kMin : Call::kNone;
}

std::pair<Dim, Dim> operands_of(std::string_view symbol, Call call) {
  return DimParser(symbol.substr(symbol.find('(') + 1)).operands(call == Call::kFloor);
}

std::string_view without_backticks(std::string_view symbol) {
  return symbol.starts_with('`') ? symbol.substr(1, symbol.size() - 2) : symbol;
}

}  // namespace

bool is_dim_identifier(std::string_view name) {
  return !name.empty() && is_letter(name.front()) && std::all_of(name.begin(), name.end(), is_identifier_char);
}

bool is_dim_factor(std::string_view text) {
  int depth = 0;
  bool quoted = false;
  for (const char c : text) {
    if (c == '`') quoted = !quoted;
    if (quoted) continue;
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    if (depth == 0 && (c == ' ' || c == '*')) return false;
  }
  return true;
}

std::optional<std::pair<Dim, Dim>> parse_quotient(std::string_view symbol) {
  if (call_of(symbol) != Call::kFloor) return std::nullopt;
  return operands_of(symbol, Call::kFloor);
}

std::optional<int64_t> evaluate_dim_symbol(std::string_view symbol,
                                           const std::map<std::string, int64_t, std::less<>>& symbols) {
  const Call call = call_of(symbol);
  if (call == Call::kNone) {
    const auto it = symbols.find(without_backticks(symbol));
    return it == symbols.end() ? std::nullopt : std::optional(it->second);
  }
  const auto [x, y] = operands_of(symbol, call);
  const auto a = x.evaluate(symbols);
  const auto b = y.evaluate(symbols);
  if (!a || !b) return std::nullopt;
  if (call == Call::kFloor) return floor_div(Dim(*a), Dim(*b)).value();
  return call == Call::kMax ? std::max(*a, *b) : std::min(*a, *b);
}

void collect_dim_symbols(std::string_view symbol, std::vector<std::string>& names) {
  const Call call = call_of(symbol);
  if (call != Call::kNone) {
    const auto [x, y] = operands_of(symbol, call);
    x.collect_symbols(names);
    y.collect_symbols(names);
    return;
  }
  const std::string_view name = without_backticks(symbol);
  if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
}

Dim parse_dim(std::string_view text) {
  return DimParser(text).parse_all();
}

}  // namespace burnish
