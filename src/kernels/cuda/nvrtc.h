#pragma once
// NVRTC, NVIDIA's run-time compiler, opened when first needed. Works without a driver.
#include <cstddef>
#include <string>
#include <vector>

namespace burnish::cuda {

bool nvrtc_available();
/// "13.0"; empty without NVRTC.
std::string nvrtc_version();
/// Machine code for `arch` ("sm_90a"). name: what errors call the program. Throws kUnsupported without NVRTC (saying
/// where it was sought), kInternal with the compiler's log for a program that does not compile.
std::vector<std::byte> compile_cubin(const std::string& source, const std::string& arch, const std::string& name);

}  // namespace burnish::cuda
