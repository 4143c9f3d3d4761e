#include "passes/pass.h"
namespace burnish {
bool recognise_reshaping_gather(Graph&, const PassContext&) {
  return false;
}
bool fuse_attention(Graph&, const PassContext&) {
  return false;
}
bool fuse_qkv(Graph&, const PassContext&) {
  return false;
}
bool fuse_pointwise(Graph&, const PassContext&) {
  return false;
}
bool assign_layout(Graph&, const PassContext&) {
  return false;
}
bool sink_transposes(Graph&, const PassContext&) {
  return false;
}
}  // namespace burnish
