#pragma once
// A file that many threads write to and none waits for: a thread of its own does the writing, and what does not fit
// into the memory between them is dropped and counted.
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace burnish::server {

class BoundedWriter {
 public:
  enum class Open { kAppend, kTruncate };
  /// Makes the file if need be; "-" is standard output. Throws Error(kIo).
  explicit BoundedWriter(const std::string& path, Open mode = Open::kAppend,
                         size_t max_waiting_bytes = size_t{4} << 20);
  /// Writes what waits.
  ~BoundedWriter();
  BoundedWriter(const BoundedWriter&) = delete;
  BoundedWriter& operator=(const BoundedWriter&) = delete;

  /// False: dropped.
  bool append(std::string_view text);
  /// What is appended from now on goes to this file, opened anew even when it is the same name, as those who rotate
  /// logs expect. Stays with the old one when it cannot be opened.
  void switch_to(std::string path);
  uint64_t num_dropped() const;

 private:
  /// Text, and the file to open before it; empty: goes on in the same one.
  struct Chunk {
    std::string path, text;
  };
  int open_file(const std::string& path) const;
  void write(const Chunk& chunk);
  void run();
  const Open mode_;
  const size_t max_waiting_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Chunk> waiting_;
  size_t waiting_bytes_ = 0;
  uint64_t num_dropped_ = 0;
  bool stopping_ = false;
  int descriptor_ = -1;  // the thread's once it runs
  std::thread thread_;
};

}  // namespace burnish::server
