#include "quantize/ranges.h"

#include <charconv>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "quantize/words.h"

namespace burnish {
namespace {

constexpr std::string_view kMagic = "burnish-ranges";
constexpr std::string_view kVersion = "1";
// Far beyond any model; keeps damaged or foreign files from filling the memory.
constexpr size_t kMaxTextBytes = size_t{64} << 20U;
constexpr size_t kMaxTensors = 1000000;
constexpr size_t kMaxNameBytes = 4096;

template <typename T>
T parse_number(const std::string& word, std::string_view what) {
  T value{};
  const char* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, value);
  check(error == std::errc() && stop == end, ErrorCode::kCorrupt, "{} must be a number{}, not {}", what,
        std::is_floating_point_v<T> ? " that a float can hold" : " without a point", in_quotes(word));
  return value;
}

void check_entry(const std::string& name, const TensorRange& entry, ErrorCode code) {
  check(!name.empty() && name.size() <= kMaxNameBytes, code, "a tensor name of {} bytes: 1 to {} are possible",
        name.size(), kMaxNameBytes);
  const Range& r = entry.range;
  check(std::isfinite(r.low) && std::isfinite(r.high), code, "the range [{}, {}] of '{}' must be finite", r.low, r.high,
        name);
  check(r.low <= r.high, code, "the range [{}, {}] of '{}' must have its lower end first", r.low, r.high, name);
  check(entry.num_samples >= 0, code, "'{}' cannot have been seen in {} samples", name, entry.num_samples);
}

/// "burnish-ranges 1 model <fingerprint>"; returns the fingerprint.
std::string parse_header(const std::vector<std::string>& words) {
  check(!words.empty() && words[0] == kMagic, ErrorCode::kCorrupt,
        "the first line must be '{} {} model \"…\"': this is no calibration cache", kMagic, kVersion);
  check(words.size() >= 2 && words[1] == kVersion, ErrorCode::kMismatch,
        "format version {} cannot be read, only {}: calibrate again",
        words.size() >= 2 ? in_quotes(words[1]) : "(none)", kVersion);
  check(words.size() == 4 && words[2] == "model", ErrorCode::kCorrupt, "expected '{} {} model \"…\"', found {} words",
        kMagic, kVersion, words.size());
  return words[3];
}

void parse_entry(const std::vector<std::string>& words, RangeTable& table) {
  check(words.size() == 5, ErrorCode::kCorrupt,
        "expected '<tensor> <low> <high> <samples> <calibrator>', found {} words", words.size());
  TensorRange entry;
  entry.range = {parse_number<float>(words[1], "low"), parse_number<float>(words[2], "high")};
  entry.num_samples = parse_number<int64_t>(words[3], "samples");
  try {
    entry.calibrator = parse_calibrator(words[4]);
  } catch (const Error& e) {
    throw Error(ErrorCode::kCorrupt, e.message());
  }
  check_entry(words[0], entry, ErrorCode::kCorrupt);
  check(table.find(words[0]) == nullptr, ErrorCode::kCorrupt, "'{}' is there twice: remove one of the lines", words[0]);
  check(table.size() < kMaxTensors, ErrorCode::kCorrupt, "more than {} tensors", kMaxTensors);
  table.set(words[0], entry);
}

/// Takes the next line off the text, without its end.
std::string_view take_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

}  // namespace

void RangeTable::set(const std::string& name, const TensorRange& range) {
  check_entry(name, range, ErrorCode::kInvalidArgument);
  if (ranges_.insert_or_assign(name, range).second) names_.push_back(name);
}

const TensorRange* RangeTable::find(const std::string& name) const {
  const auto it = ranges_.find(name);
  return it == ranges_.end() ? nullptr : &it->second;
}

std::string RangeTable::to_text() const {
  std::string text = fmt::format("{} {} model {}\n", kMagic, kVersion, in_quotes(fingerprint_));
  text += "# tensor low high samples calibrator\n";
  for (const std::string& name : names_) {
    const TensorRange& r = ranges_.at(name);
    text += fmt::format("{} {} {} {} {}\n", quoted_if_needed(name), r.range.low, r.range.high, r.num_samples,
                        name_of(r.calibrator));
  }
  return text;
}

RangeTable RangeTable::parse(std::string_view text, const std::string& source) {
  check(text.size() <= kMaxTextBytes, ErrorCode::kCorrupt, "'{}': {} bytes are too long for a calibration cache",
        source, text.size());
  int64_t line_number = 1;
  return with_frame([&] { return fmt::format("{}:{}", source, line_number); },
                    [&] {
                      RangeTable table(parse_header(split_words(take_line(text))));
                      while (!text.empty()) {
                        ++line_number;
                        const std::vector<std::string> words = split_words(take_line(text));
                        if (!words.empty()) parse_entry(words, table);
                      }
                      return table;
                    });
}

void RangeTable::save(const std::string& path) const {
  write_file(path, to_text());
}

RangeTable RangeTable::load(const std::string& path, const std::string& fingerprint) {
  std::error_code unknown;
  const auto num_bytes = std::filesystem::file_size(path, unknown);
  check(unknown || num_bytes <= kMaxTextBytes, ErrorCode::kCorrupt,
        "'{}': {} bytes are too long for a calibration cache", path, num_bytes);
  RangeTable table = parse(read_file(path), path);
  if (fingerprint.empty() || table.fingerprint() == fingerprint) return table;
  throw Error(ErrorCode::kMismatch, fmt::format("the calibration cache '{}' is of model '{}', this model is '{}'", path,
                                                table.fingerprint(), fingerprint))
      .with_hint("Calibrate this model, or name its own cache.");
}

}  // namespace burnish
