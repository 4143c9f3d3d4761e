#include "server_http/live_page.h"

#include <string>

#include "server_http/live_page_script.h"
#include "server_http/live_page_style.h"

namespace burnish::server::http {
namespace {

constexpr std::string_view kHead = R"html(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Burnish</title><link rel="icon" href="data:,"><style>)html";

constexpr std::string_view kBody = R"html(</style></head><body data-updates="0"><main>
<header><h1>Burnish</h1><span id="ready"></span><span id="about" class="soft"></span></header>
<p id="trouble" class="note bad" role="status" hidden></p>
<form id="login" hidden><input id="token" type="password" autocomplete="off" placeholder="token" aria-label="token">
<button>Show</button></form>
<ul id="advice" hidden></ul>
<div class="figures">
<div class="figure"><b id="inferences">–</b><span>inferences/s</span></div>
<div class="figure"><b id="requests">–</b><span>requests/s</span></div>
<div class="figure"><b id="failures">–</b><span>failures/s</span></div>
<div class="figure"><b id="rejected">–</b><span>rejected/s</span></div>
<div class="figure"><b id="waiting">–</b><span>waiting</span></div>
<div class="figure"><b id="memory">–</b><span>memory</span></div>
<div class="figure"><b id="connections">–</b><span>connections</span></div>
</div>
<p id="empty" class="soft" hidden>No model is loaded.</p>
<div id="models"></div>
<noscript><p class="note">This page needs JavaScript; the same figures are at <a href="metrics">/metrics</a>.</p></noscript>
</main><script>)html";

constexpr std::string_view kEnd = "</script></body></html>\n";

}  // namespace

std::string_view live_page_html() {
  static const std::string page = [] {
    std::string text;
    for (const std::string_view part : {kHead, kLivePageStyle, kBody, kLivePageScript, kEnd}) text += part;
    return text;
  }();
  return page;
}

}  // namespace burnish::server::http
