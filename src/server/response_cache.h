#pragma once
// Answers that are given again to equal requests, for models that ask for it.
#include <list>
#include <map>
#include <mutex>

#include "base/hash.h"
#include "server/request.h"

namespace burnish::server {

/// Bounded in bytes; what was not used for longest goes first. Thread-safe.
class ResponseCache {
 public:
  explicit ResponseCache(size_t capacity_bytes) : capacity_bytes_(capacity_bytes) {}

  using Key = SecretHash::Digest;
  /// owner: a number that no other loaded version has. Of the request's inputs and outputs.
  static Key key_of(uint64_t owner, const InferRequest& request);
  /// False for requests whose memory other processes can change, and for those of sequences.
  static bool is_cacheable(const InferRequest& request);

  /// Fills outputs and timing.from_cache when it is there.
  bool find(const Key& key, InferResponse& response);
  /// Copies the outputs; forgets others where the room is needed. Does nothing when they are larger than the cache.
  void insert(const Key& key, uint64_t owner, const InferResponse& response);
  /// Forgets all answers of a version.
  void erase(uint64_t owner);

  struct State {
    size_t capacity_bytes = 0, used_bytes = 0, entries = 0;
    uint64_t hits = 0, misses = 0, evictions = 0;
  };
  State state() const;

 private:
  struct Entry {
    Key key;
    uint64_t owner = 0;
    std::vector<OutputTensor> outputs;
    size_t bytes = 0;
  };
  using Entries = std::list<Entry>;
  void remove(Entries::iterator entry);

  const size_t capacity_bytes_;
  mutable std::mutex mutex_;
  Entries entries_;  // used last at the front
  std::map<Key, Entries::iterator> index_;
  State state_;
};

}  // namespace burnish::server
