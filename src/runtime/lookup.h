#pragma once
// Bindings by name; a wrong name is answered with the known ones.
#include <string_view>
#include <vector>

#include "engine/plan.h"

namespace burnish {

/// kind is "input" or "output". Throws kInvalidArgument listing the known names, the likeliest first.
size_t index_of(const std::vector<Binding>& bindings, std::string_view name, std::string_view kind);

}  // namespace burnish
