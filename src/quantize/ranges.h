#pragma once
// The calibration cache: the range of every tensor, in a text that people can read, edit and keep under version
// control.
//
//   burnish-ranges 1 model "3f0c9a…"
//   # tensor low high samples calibrator
//   images 0 1 512 minmax
//   "a name with spaces" -1.5 2.25 512 entropy
//
// Names are quoted where they are empty, start with # or hold spaces, quotes, backslashes or control characters; within
// quotes \" \\ \n \r \t and \xHH are escapes. A # where a word could start begins a comment. Numbers round-trip
// exactly.
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "quantize/calibrator.h"

namespace burnish {

struct TensorRange {
  Range range;
  int64_t num_samples = 0;
  Calibrator calibrator = Calibrator::kMinMax;
  bool operator==(const TensorRange&) const = default;
};

class RangeTable {
 public:
  /// fingerprint: whatever tells this model from others, in one line.
  explicit RangeTable(std::string fingerprint = {}) : fingerprint_(std::move(fingerprint)) {}

  const std::string& fingerprint() const { return fingerprint_; }
  /// Adds a tensor or replaces its range. Throws kInvalidArgument unless low ≤ high are finite, num_samples ≥ 0 and the
  /// name has 1 to 4096 bytes.
  void set(const std::string& name, const TensorRange& range);
  /// Null when the tensor is not in the table.
  const TensorRange* find(const std::string& name) const;
  size_t size() const { return names_.size(); }
  /// In the order of their first set().
  const std::vector<std::string>& names() const { return names_; }

  std::string to_text() const;
  /// source names the text in errors ("model.ranges"). Throws kCorrupt with source, line and what was expected there;
  /// kMismatch for another format version.
  static RangeTable parse(std::string_view text, const std::string& source);

  /// Atomic. Throws kIo.
  void save(const std::string& path) const;
  /// Throws kIo and what parse() throws; kMismatch naming both fingerprints when the table is another model's. An empty
  /// fingerprint accepts any.
  static RangeTable load(const std::string& path, const std::string& fingerprint);

 private:
  std::string fingerprint_;
  std::vector<std::string> names_;
  std::map<std::string, TensorRange> ranges_;
};

}  // namespace burnish
