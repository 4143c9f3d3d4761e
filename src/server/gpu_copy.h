#pragma once
// Tensors in clients' GPU memory, for whoever needs them on the host.
#include "server/request.h"

namespace burnish::server {

/// The tensor's bytes where the host can read them; `copy` keeps those of a GPU. Throws burnish::Error.
const std::byte* on_host(const Bytes& bytes, std::shared_ptr<void>& copy);

/// Copies to the host's memory or a GPU's, and returns when the bytes are there. Throws burnish::Error.
void write_to(const SharedBytes& target, const Bytes& from);

}  // namespace burnish::server
