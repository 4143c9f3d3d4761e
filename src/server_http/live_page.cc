#include "server_http/live_page.h"

namespace burnish::server::http {

std::string_view live_page_html() {
  return "<!doctype html><title>Burnish</title>";
}

}  // namespace burnish::server::http
