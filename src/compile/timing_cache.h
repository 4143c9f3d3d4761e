#pragma once
// Times that tactics took, kept in a file between builds.
//
// One line a time, sorted, tab separated: checksum (16 hexadecimal digits), microseconds, key. The key is readable and
// names everything the time depends on: tactic and version, configuration, operator, attributes, tensors, target and,
// on CPUs, number of threads. A negative time says that the tactic refused the problem.
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/log.h"

namespace burnish {

class TimingCache {
 public:
  /// Empty, in memory only.
  TimingCache() = default;
  /// Reads the file if it exists. Damaged lines are ignored and reported; they never stop a build.
  static TimingCache load(const std::string& path, const Reporter& reporter);

  std::optional<double> find(std::string_view key) const;
  void insert(std::string key, double microseconds);
  size_t size() const { return times_.size(); }
  /// Whether insert() added anything since load().
  bool changed() const { return changed_; }
  /// Writes what is known together with what stands in the file by then, atomically.
  void save(const std::string& path, const Reporter& reporter) const;

 private:
  /// Returns the number of damaged lines.
  int parse(std::string_view text);
  std::map<std::string, double, std::less<>> times_;
  bool changed_ = false;
};

}  // namespace burnish
