#include "cost/metrics_reader.h"

#include <charconv>

#include "base/error.h"
#include "cost/csv.h"

namespace burnish::cost {
namespace {

constexpr size_t kMostSamples = 1'000'000, kMostLabels = 64;
constexpr size_t kQuoted = 60;  ///< So much of a bad line is shown.

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Reads one line from left to right. fail() tells where it is.
class LineReader {
 public:
  LineReader(std::string_view line, const std::string& name, int number)
      : line_(line), rest_(line), name_(name), number_(number) {}

  MetricSample sample() {
    MetricSample sample;
    sample.name = identifier("a metric's name");
    if (take('{')) labels(sample);
    skip_spaces();
    sample.value = value();
    skip_spaces();
    if (!rest_.empty() && rest_.front() != '#') timestamp();
    return sample;
  }

 private:
  [[noreturn]] void fail(std::string_view expected) const {
    throw_error(ErrorCode::kInvalidArgument,
                "'{}', line {}: {} was expected at column {} of '{}'; give what the server's /metrics answers, in "
                "Prometheus' text format",
                name_, number_, expected, line_.size() - rest_.size() + 1, line_.substr(0, kQuoted));
  }
  bool take(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c, std::string_view what) {
    skip_spaces();
    if (!take(c)) fail(what);
  }
  void skip_spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size())); }

  std::string identifier(std::string_view what) {
    size_t length = 0;
    while (length < rest_.size() && (is_letter(rest_[length]) || (length > 0 && is_digit(rest_[length])))) ++length;
    if (length == 0) fail(what);
    std::string text(rest_.substr(0, length));
    rest_.remove_prefix(length);
    return text;
  }

  void labels(MetricSample& sample) {
    skip_spaces();
    while (!take('}')) {
      if (sample.labels.size() == kMostLabels) fail(fmt::format("'}}' after {} labels", kMostLabels));
      std::string key = identifier("a label's name or '}'");
      expect('=', "'='");
      expect('"', "'\"'");
      sample.labels.emplace_back(std::move(key), quoted());
      skip_spaces();
      if (take(',')) {
        skip_spaces();
      } else if (rest_.empty() || rest_.front() != '}') {
        fail("',' or '}'");
      }
    }
  }

  /// Up to the closing quote.
  std::string quoted() {
    std::string text;
    while (!take('"')) {
      if (take('\\')) {
        if (rest_.empty() || std::string_view("\\\"n").find(rest_.front()) == std::string_view::npos) {
          fail("'\\\\', '\"' or 'n' after '\\'");
        }
        text += rest_.front() == 'n' ? '\n' : rest_.front();
      } else if (!rest_.empty()) {
        text += rest_.front();
      } else {
        fail("'\"' behind a label's value");
      }
      rest_.remove_prefix(1);
    }
    return text;
  }

  double value() {
    const size_t length = std::min(rest_.find_first_of(" \t"), rest_.size());
    std::string_view text = rest_.substr(0, length);
    if (text.starts_with('+')) text.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) fail("a number");
    rest_.remove_prefix(length);
    return value;
  }

  void timestamp() {
    const bool is_number = rest_.find_first_not_of("0123456789.-+eE \t") >= rest_.find('#');
    if (!is_number) fail("a timestamp or the line's end");
  }

  std::string_view line_, rest_;
  const std::string& name_;
  int number_;
};

}  // namespace

std::string_view MetricSample::label(std::string_view key) const {
  for (const auto& [name, text] : labels) {
    if (name == key) return text;
  }
  return {};
}

std::vector<MetricSample> read_metrics(std::string_view text, const std::string& name) {
  std::vector<MetricSample> samples;
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = take_line(text);
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    check(samples.size() < kMostSamples, ErrorCode::kInvalidArgument,
          "'{}' holds more than {} samples; keep the lines that begin with nv_ and burnish_", name, kMostSamples);
    samples.push_back(LineReader(line, name, number).sample());
  }
  return samples;
}

}  // namespace burnish::cost
