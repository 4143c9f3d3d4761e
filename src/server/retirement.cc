#include "server/retirement.h"

#include <malloc.h>

namespace burnish::server {
namespace {

constexpr std::chrono::milliseconds kLook{1};

}  // namespace

Retirement::~Retirement() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Retirement::add(std::shared_ptr<Servable> version, std::function<void()> on_done) {
  const std::lock_guard lock(mutex_);
  items_.push_back({std::move(version), std::move(on_done)});
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  changed_.notify_all();
}

void Retirement::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stop_ || !items_.empty(); });
    if (items_.empty()) return;
    Item item = std::move(items_.front());
    items_.pop_front();
    lock.unlock();
    retire(std::move(item));
    lock.lock();
  }
}

void Retirement::retire(Item item) {
  const Clock::time_point deadline = Clock::now() + drain_timeout_;
  // A request may have found the version just before it left the table: it is served, not refused.
  while (item.version.use_count() > 1 && Clock::now() < deadline) std::this_thread::sleep_for(kLook);
  item.version->drain(deadline);
  item.version.reset();
  malloc_trim(0);  // what the allocator keeps for itself belongs to the machine again
  if (item.on_done) item.on_done();
}

}  // namespace burnish::server
