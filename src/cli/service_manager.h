#pragma once
// systemd's notification protocol (sd_notify(3)): a datagram to the socket that NOTIFY_SOCKET names.
#include <string>

namespace burnish::cli {

/// state: "READY=1", "RELOADING=1", "STOPPING=1", … Does nothing where no service manager listens.
void notify_service_manager(const std::string& state);

}  // namespace burnish::cli
