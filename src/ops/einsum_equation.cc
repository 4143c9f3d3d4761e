#include "ops/einsum_equation.h"

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/shape.h"

namespace burnish {
namespace {

constexpr std::string_view kEllipsis = "...";

std::string without_spaces(std::string_view text) {
  std::string s;
  std::copy_if(text.begin(), text.end(), std::back_inserter(s), [](char c) { return c != ' '; });
  return s;
}

std::vector<std::string> split_terms(const std::string& text) {
  std::vector<std::string> terms(1);
  for (const char c : text) {
    if (c == ',') {
      terms.emplace_back();
    } else {
      terms.back() += c;
    }
  }
  return terms;
}

// Replaces "..." by the labels of the dims that it covers.
std::string expand(const std::string& term, int covered) {
  std::string s;
  for (size_t i = 0; i < term.size(); ++i) {
    if (std::isalpha(static_cast<unsigned char>(term[i])) != 0) {
      s += term[i];
      continue;
    }
    check(term.compare(i, kEllipsis.size(), kEllipsis) == 0 && term.find(kEllipsis, i + 1) == std::string::npos,
          ErrorCode::kInvalidModel, "the term '{}' of the equation cannot be read", term);
    for (int k = covered; k-- > 0;) s += static_cast<char>(kEllipsisBase + k);
    i += kEllipsis.size() - 1;
  }
  return s;
}

// Ellipsis dims first, then the letters that occur once, sorted.
std::string implicit_output(const std::vector<std::string>& inputs, int covered) {
  std::string all;
  for (const auto& term : inputs) all += term;
  std::string out = expand(std::string(kEllipsis), covered);
  std::sort(all.begin(), all.end());
  for (const char c : all)
    if (std::isalpha(static_cast<unsigned char>(c)) != 0 && std::count(all.begin(), all.end(), c) == 1) out += c;
  return out;
}

void check_output(const EinsumEquation& e) {
  for (size_t i = 0; i < e.output.size(); ++i) {
    const char c = e.output[i];
    const bool known = std::any_of(e.inputs.begin(), e.inputs.end(),
                                   [c](const std::string& term) { return term.find(c) != std::string::npos; });
    check(known, ErrorCode::kInvalidModel, "the output's label '{}' occurs in no input", c);
    check(e.output.find(c, i + 1) == std::string::npos, ErrorCode::kInvalidModel, "the output has the label '{}' twice",
          c);
  }
}

}  // namespace

EinsumEquation parse_einsum(std::string_view equation, std::span<const int> ranks) {
  const std::string text = without_spaces(equation);
  const size_t arrow = text.find("->");
  const auto terms = split_terms(text.substr(0, arrow));
  check(terms.size() == ranks.size(), ErrorCode::kInvalidModel, "the equation '{}' has {} terms for {} inputs",
        equation, terms.size(), ranks.size());
  EinsumEquation result;
  int most_covered = 0;
  for (size_t i = 0; i < terms.size(); ++i) {
    const bool has_ellipsis = terms[i].find(kEllipsis) != std::string::npos;
    const int letters = static_cast<int>(terms[i].size()) - (has_ellipsis ? 3 : 0);
    const int covered = ranks[i] - letters;
    check(has_ellipsis ? covered >= 0 && covered <= kMaxRank : covered == 0, ErrorCode::kInvalidModel,
          "the term '{}' does not fit input {} of {} dimensions", terms[i], i, ranks[i]);
    result.inputs.push_back(expand(terms[i], covered));
    most_covered = std::max(most_covered, covered);
  }
  result.output = arrow == std::string::npos ? implicit_output(result.inputs, most_covered)
                                             : expand(text.substr(arrow + 2), most_covered);
  check_output(result);
  return result;
}

}  // namespace burnish
