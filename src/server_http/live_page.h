#pragma once
#include <string_view>

namespace burnish::server::http {

/// One self-contained page that polls v2/live_state (InferenceServer::live_state() defines its form) and draws it.
std::string_view live_page_html();

}  // namespace burnish::server::http
