#include "kernels/cuda/images.h"

namespace burnish::cuda {

Images images_of(const TensorDesc& desc, bool nhwc) {
  Images m;
  m.count = nhwc ? desc.shape[0] : desc.shape[0] * desc.shape[1];
  m.channels = nhwc ? desc.shape.back() : 1;
  m.dims = to_three(desc.shape.dims().subspan(nhwc ? 1 : 2, static_cast<size_t>(desc.shape.rank() - 2)), 1);
  // In NCHW a row of the tensor is a row of the image; its pixels are neighbours.
  m.steps[2] = nhwc ? desc.ld() : 1;
  m.steps[1] = nhwc ? desc.ld() * m.dims[2] : desc.ld();
  m.steps[0] = m.steps[1] * m.dims[1];
  m.image_step = m.steps[0] * m.dims[0];
  return m;
}

}  // namespace burnish::cuda
