#include "compile/timing_cache.h"

#include <charconv>
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"

namespace burnish {
namespace {

constexpr std::string_view kHeader = "# burnish timing cache 1";
constexpr size_t kChecksumDigits = 16;

std::string body_of(const std::string& key, double microseconds) {
  return fmt::format("{:.3f}\t{}", microseconds, key);
}

struct Entry {
  std::string_view key;
  double microseconds;
};

/// nullopt when the line is damaged.
std::optional<Entry> parse_line(std::string_view line) {
  if (line.size() < kChecksumDigits + 2 || line[kChecksumDigits] != '\t') return std::nullopt;
  const std::string_view body = line.substr(kChecksumDigits + 1);
  if (line.substr(0, kChecksumDigits) != fmt::format("{:016x}", hash64(body))) return std::nullopt;
  const size_t tab = body.find('\t');
  if (tab == std::string_view::npos) return std::nullopt;
  Entry entry{body.substr(tab + 1), 0};
  const auto [end, error] = std::from_chars(body.data(), body.data() + tab, entry.microseconds);
  if (error != std::errc() || end != body.data() + tab || !std::isfinite(entry.microseconds)) return std::nullopt;
  return entry;
}

}  // namespace

int TimingCache::parse(std::string_view text) {
  int num_damaged = 0;
  while (!text.empty()) {
    const size_t newline = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, newline);
    text.remove_prefix(std::min(newline + 1, text.size()));
    if (line.empty() || line.front() == '#') continue;
    if (const auto entry = parse_line(line)) {
      times_.emplace(entry->key, entry->microseconds);
    } else {
      ++num_damaged;
    }
  }
  return num_damaged;
}

TimingCache TimingCache::load(const std::string& path, const Reporter& reporter) {
  TimingCache cache;
  std::error_code ignored;
  if (path.empty() || !std::filesystem::exists(path, ignored)) return cache;
  const int num_damaged = cache.parse(read_file(path));
  if (num_damaged > 0) {
    reporter.log(LogLevel::kWarning, fmt::format("timing cache '{}': {} damaged lines ignored, {} times kept", path,
                                                 num_damaged, cache.size()));
  }
  return cache;
}

std::optional<double> TimingCache::find(std::string_view key) const {
  const auto it = times_.find(key);
  return it == times_.end() ? std::nullopt : std::optional<double>(it->second);
}

void TimingCache::insert(std::string key, double microseconds) {
  // Rounded as in the file, so that a build that measures and a build that reads compare the same numbers.
  const double rounded = std::round(microseconds * 1000) / 1000;
  changed_ |= times_.emplace(std::move(key), rounded).second;
}

void TimingCache::save(const std::string& path, const Reporter& reporter) const {
  TimingCache merged = *this;
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) merged.parse(read_file(path));
  std::string text(kHeader);
  text += '\n';
  for (const auto& [key, microseconds] : merged.times_) {
    const std::string body = body_of(key, microseconds);
    text += fmt::format("{:016x}\t{}\n", hash64(std::string_view(body)), body);
  }
  write_file(path, text);
  reporter.log(LogLevel::kVerbose, fmt::format("timing cache '{}': {} times", path, merged.size()));
}

}  // namespace burnish
