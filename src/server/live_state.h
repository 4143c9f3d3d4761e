#pragma once
// What the live page shows: the form is described at InferenceServer::live_state().
#include <string>

#include "server/advice.h"
#include "server/snapshot.h"

namespace burnish::server {

std::string live_state_json(const Snapshot& snapshot, Advisor& advisor, std::chrono::steady_clock::time_point now);

}  // namespace burnish::server
