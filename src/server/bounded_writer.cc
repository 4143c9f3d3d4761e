#include "server/bounded_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace burnish::server {
namespace {

/// A full disk loses lines rather than the server's memory or life.
void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<size_t>(written));
  }
}

void close_file(int descriptor) {
  if (descriptor > STDERR_FILENO) ::close(descriptor);
}

}  // namespace

BoundedWriter::BoundedWriter(const std::string& path, Open mode, size_t max_waiting_bytes)
    : mode_(mode), max_waiting_bytes_(max_waiting_bytes), descriptor_(open_file(path)) {
  check(descriptor_ >= 0, ErrorCode::kIo, "cannot open '{}' to write: {}", path, std::strerror(errno));
  thread_ = std::thread([this] { run(); });
}

BoundedWriter::~BoundedWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
  close_file(descriptor_);
}

int BoundedWriter::open_file(const std::string& path) const {
  if (path == "-") return STDOUT_FILENO;
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | (mode_ == Open::kAppend ? O_APPEND : O_TRUNC), 0644);
}

bool BoundedWriter::append(std::string_view text) {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_bytes_ + text.size() > max_waiting_bytes_) {
      ++num_dropped_;
      return false;
    }
    was_empty = waiting_.empty();
    if (was_empty) waiting_.emplace_back();
    waiting_.back().text += text;
    waiting_bytes_ += text.size();
  }
  if (was_empty) changed_.notify_one();
  return true;
}

void BoundedWriter::switch_to(std::string path) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(path), {}});
  }
  changed_.notify_one();
}

uint64_t BoundedWriter::num_dropped() const {
  const std::lock_guard lock(mutex_);
  return num_dropped_;
}

void BoundedWriter::write(const Chunk& chunk) {
  if (const int opened = chunk.path.empty() ? -1 : open_file(chunk.path); opened >= 0) {
    close_file(descriptor_);
    descriptor_ = opened;
  }
  write_all(descriptor_, chunk.text);
}

void BoundedWriter::run() {
  std::vector<Chunk> writing;
  for (std::unique_lock lock(mutex_);;) {
    changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    writing.swap(waiting_);
    waiting_bytes_ = 0;
    lock.unlock();
    for (const Chunk& chunk : writing) write(chunk);
    writing.clear();
    lock.lock();
  }
}

}  // namespace burnish::server
