#pragma once
// CUDA source → machine code, once: remembered in this process and in a folder of the user's cache, by content. Safe to
// call from many threads and processes at once.
#include <memory>
#include <string>
#include <vector>

namespace burnish::cuda {

struct Program {
  std::string name;    ///< What errors call it: "cuda.pointwise".
  std::string source;  ///< Without the prelude (prelude.h), which is put in front.
};

using Cubin = std::shared_ptr<const std::vector<std::byte>>;

/// arch: "sm_90a". Throws what compile_cubin() throws. The folder is $BURNISH_CACHE_DIR/cubins, else
/// $XDG_CACHE_HOME/burnish/cubins, else ~/.cache/burnish/cubins; where none can be written, nothing is kept.
Cubin compile(const Program& program, const std::string& arch);

}  // namespace burnish::cuda
