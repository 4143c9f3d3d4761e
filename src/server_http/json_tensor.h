#pragma once
// Tensors as JSON arrays, nested or flat.
#include <simdjson.h>

#include <cstddef>
#include <span>
#include <string>

#include "server/request.h"
#include "server_http/json_reader.h"

namespace burnish::server::http {

/// Fills `out` (count × element size bytes) from the array's numbers in order, however nested. Throws Error that names
/// the field: another count, something that is no number, a number that the type cannot hold.
void read_json_tensor(simdjson::dom::array array, DataType dtype, size_t count, std::byte* out, const FieldPath& path);

/// Appends a flat array of `data`'s elements.
void append_json_tensor(std::string& out, DataType dtype, std::span<const std::byte> data);

}  // namespace burnish::server::http
