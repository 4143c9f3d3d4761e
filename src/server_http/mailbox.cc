#include "server_http/mailbox.h"

#include <boost/asio/post.hpp>

#include "server_http/connection.h"

namespace burnish::server::http {

void Mailbox::put(Letter&& letter) {
  const std::lock_guard lock(mutex_);
  if (!context_) return;
  letters_.push_back(std::move(letter));
  if (is_posted_) return;
  is_posted_ = true;
  boost::asio::post(*context_, [self = shared_from_this()] { self->empty(); });
}

// On the I/O thread: one wake-up for all letters that came meanwhile.
void Mailbox::empty() {
  {
    const std::lock_guard lock(mutex_);
    is_posted_ = false;
    emptied_.swap(letters_);
  }
  for (Letter& letter : emptied_) {
    const std::shared_ptr<Connection> to = letter.to.lock();
    if (!to) continue;
    if (letter.is_response) {
      to->on_answer(std::move(letter.response));
    } else {
      to->on_answer(std::move(letter.inference));
    }
  }
  emptied_.clear();
}

void Mailbox::close() {
  const std::lock_guard lock(mutex_);
  context_ = nullptr;
  letters_.clear();
}

}  // namespace burnish::server::http
