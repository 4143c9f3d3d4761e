#pragma once
// Configurations of GPU tactics: "sm_90a tile=128x64 stages=3". The first word is what programs are compiled for.
#include <string>
#include <string_view>
#include <vector>

#include "kernels/target.h"

namespace burnish::cuda {

/// "sm_90a" of any configuration. Throws kCorrupt when there is none.
std::string arch_of(std::string_view config);
/// 90 of "sm_90a".
int sm_of(std::string_view config);
/// The number behind "name="; `fallback` where it is absent. Throws kCorrupt for no number.
int int_of(std::string_view config, std::string_view name, int fallback);
/// The numbers behind "name=", written "128x64x32". Throws kCorrupt unless there are `count`, all positive.
std::vector<int> ints_of(std::string_view config, std::string_view name, size_t count);
/// The text behind "name=" up to the next space; empty where it is absent.
std::string_view text_of(std::string_view config, std::string_view name);

}  // namespace burnish::cuda
