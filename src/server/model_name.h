#pragma once
#include <string_view>

namespace burnish::server {

/// Letters, digits, '_', '-', '.' and not a dot first, 200 at most: names become folders, URLs and labels of metrics.
bool is_model_name(std::string_view name);

}  // namespace burnish::server
