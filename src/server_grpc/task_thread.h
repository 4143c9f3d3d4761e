#pragma once
// One thread that does one task after the other, so that slow ones hold up nobody else.
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace burnish::server {

class TaskThread {
 public:
  TaskThread() = default;
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;
  /// Does what was posted first.
  ~TaskThread();
  /// Starts the thread the first time. False: too many wait already.
  bool post(std::function<void()> task);

 private:
  void run();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace burnish::server
