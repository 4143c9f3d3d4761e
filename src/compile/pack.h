#pragma once
// Constants and packed weights of an engine, without duplicates.
#include <map>
#include <string>
#include <vector>

#include "compile/step_options.h"
#include "engine/engine_data.h"

namespace burnish {

/// Collects the blobs of all plans of an engine; equal contents are stored once.
class BlobStore {
 public:
  /// Copies the bytes.
  int32_t add_packed(const PackedBlob& bytes);
  /// Shares the tensor's memory.
  int32_t add_constant(const Tensor& tensor);
  PackedView bytes(int32_t id) const {
    const Blob& blob = blobs_[static_cast<size_t>(id)];
    return {blob.data, blob.num_bytes};
  }
  int64_t total_bytes() const { return total_bytes_; }
  std::vector<Blob> take() { return std::move(blobs_); }

 private:
  int32_t add(Blob blob);
  std::vector<Blob> blobs_;
  std::map<std::string, int32_t> by_content_;
  int64_t total_bytes_ = 0;
};

/// Packs the weights of all steps as their tactics want them, and stores the constants that are still read as they
/// are. Reports the stage "pack".
void pack_weights(LoweredPlan& lowered, const std::vector<StepOptions>& options, const std::vector<Candidate>& chosen,
                  BlobStore& blobs, const Reporter& reporter);

}  // namespace burnish
