#pragma once
// Versions that serve no more: drained and given back on a thread of their own, so that nobody waits for them.
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "server/servable.h"

namespace burnish::server {

class Retirement {
 public:
  explicit Retirement(std::chrono::milliseconds drain_timeout) : drain_timeout_(drain_timeout) {}
  /// Finishes what was added.
  ~Retirement();
  Retirement(const Retirement&) = delete;
  Retirement& operator=(const Retirement&) = delete;

  /// The version must be out of every table. One after the other: first those who hold others still hand requests in,
  /// then, with the last holder gone, it drains. on_done is called once its memory is given back.
  void add(std::shared_ptr<Servable> version, std::function<void()> on_done);

 private:
  struct Item {
    std::shared_ptr<Servable> version;
    std::function<void()> on_done;
  };
  void work();
  void retire(Item item);
  std::chrono::milliseconds drain_timeout_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;
  bool stop_ = false;
  std::thread thread_;  ///< Started with the first version.
};

}  // namespace burnish::server
