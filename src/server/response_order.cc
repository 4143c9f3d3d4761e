#include "server/response_order.h"

namespace burnish::server {

ResponseCallback ResponseOrder::next(ResponseCallback done) {
  const std::lock_guard lock(mutex_);
  const uint64_t ticket = first_ticket_ + places_.size();
  places_.push_back({std::move(done), std::nullopt});
  return [self = shared_from_this(), ticket](InferResponse&& response) { self->answer(ticket, std::move(response)); };
}

// One thread at a time hands out answers; others leave theirs to it.
void ResponseOrder::answer(uint64_t ticket, InferResponse&& response) {
  std::unique_lock lock(mutex_);
  places_[ticket - first_ticket_].response = std::move(response);
  if (is_answering_) return;
  is_answering_ = true;
  while (!places_.empty() && places_.front().response) {
    Place place = std::move(places_.front());
    places_.pop_front();
    ++first_ticket_;
    lock.unlock();
    try {
      place.done(std::move(*place.response));
    } catch (...) {  // as in the scheduler: others wait for theirs
    }
    lock.lock();
  }
  is_answering_ = false;
}

}  // namespace burnish::server
