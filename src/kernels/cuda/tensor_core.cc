#include "kernels/cuda/tensor_core.h"

namespace burnish::cuda {

// Instructions and layouts of fragments: the PTX ISA reference (cp.async, ldmatrix, mma, mapa, barrier.cluster).
std::string_view tensor_core_source() {
  return R"cuda(
__device__ __forceinline__ uint32 shared_address(const void* p) { return uint32(__cvta_generic_to_shared(p)); }

// Copies BYTES (4, 8 or 16) into shared memory, or zeros where not valid. Before sm_80 at once.
template <int BYTES> __device__ __forceinline__ void copy_async(uint32 to, const void* from, bool valid) {
#if __CUDA_ARCH__ >= 800
  const int bytes = valid ? BYTES : 0;
  if constexpr (BYTES == 16) {
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;"
                 :: "r"(to), "l"(__cvta_generic_to_global(from)), "r"(bytes) : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;"
                 :: "r"(to), "l"(__cvta_generic_to_global(from)), "n"(BYTES), "r"(bytes) : "memory");
  }
#else
  Vec<uint32, BYTES / 4> v;
#pragma unroll
  for (int i = 0; i < BYTES / 4; ++i) v.v[i] = 0;
  if (valid) v = load_vec<uint32, BYTES / 4>(reinterpret_cast<const uint32*>(from));
#pragma unroll
  for (int i = 0; i < BYTES / 4; ++i) asm volatile("st.shared.u32 [%0], %1;" :: "r"(to + 4 * i), "r"(v.v[i]) : "memory");
#endif
}
// What was copied since the last commit is one group.
__device__ __forceinline__ void commit_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
// Waits until at most PENDING groups of this thread are under way.
template <int PENDING> __device__ __forceinline__ void wait_for_copies() {
#if __CUDA_ARCH__ >= 800
  asm volatile("cp.async.wait_group %0;" :: "n"(PENDING) : "memory");
#endif
}
__device__ __forceinline__ void store_shared(uint32 to, const Vec<uint32, 4>& v) {
  asm volatile("st.shared.v4.u32 [%0], {%1, %2, %3, %4};"
               :: "r"(to), "r"(v.v[0]), "r"(v.v[1]), "r"(v.v[2]), "r"(v.v[3]) : "memory");
}
__device__ __forceinline__ Vec<float, 4> load_shared(uint32 from) {
  Vec<float, 4> v;
  asm volatile("ld.shared.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(v.v[0]), "=f"(v.v[1]), "=f"(v.v[2]), "=f"(v.v[3]) : "r"(from));
  return v;
}

// Four 8x8 matrices of 16-bit elements; lane l gives the address of row l % 8 of matrix l / 8.
__device__ __forceinline__ void load_matrices(uint32 (&d)[4], uint32 row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(row));
}
__device__ __forceinline__ void load_matrices_transposed(uint32 (&d)[4], uint32 row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
               : "=r"(d[0]), "=r"(d[1]), "=r"(d[2]), "=r"(d[3]) : "r"(row));
}

// c += a·b: 16 rows, 8 columns, 32 bytes of K. Never called for types that the architecture cannot multiply so.
template <typename T> __device__ __forceinline__ void multiply_add(float (&)[4], const uint32 (&)[4], const uint32*) {
  __trap();
}
template <> __device__ __forceinline__ void multiply_add<f16>(float (&c)[4], const uint32 (&a)[4], const uint32* b) {
#if __CUDA_ARCH__ >= 800
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#else
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5}, {%6}, {%0,%1,%2,%3};"
                 : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[2 * i]), "r"(a[2 * i + 1]), "r"(b[i]));
  }
#endif
}
#if __CUDA_ARCH__ >= 800
template <> __device__ __forceinline__ void multiply_add<bf16>(float (&c)[4], const uint32 (&a)[4], const uint32* b) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
__device__ __forceinline__ uint32 round_to_tf32(uint32 x) {
  uint32 y;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(__uint_as_float(x)));
  return y;
}
// Of floats in TF32.
template <> __device__ __forceinline__ void multiply_add<float>(float (&c)[4], const uint32 (&a)[4], const uint32* b) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(round_to_tf32(a[0])), "r"(round_to_tf32(a[1])), "r"(round_to_tf32(a[2])),
                 "r"(round_to_tf32(a[3])), "r"(round_to_tf32(b[0])), "r"(round_to_tf32(b[1])));
}
#endif

#if __CUDA_ARCH__ >= 900
// Every block of the cluster has arrived, and sees what the others wrote to shared memory before.
__device__ __forceinline__ void synchronize_cluster() {
  asm volatile("barrier.cluster.arrive.release;" ::: "memory");
  asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
}
// The same place in the shared memory of another block of the cluster.
__device__ __forceinline__ Vec<float, 4> load_of_block(uint32 address, uint32 block) {
  Vec<float, 4> v;
  uint32 remote;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(remote) : "r"(address), "r"(block));
  asm volatile("ld.shared::cluster.v4.f32 {%0, %1, %2, %3}, [%4];"
               : "=f"(v.v[0]), "=f"(v.v[1]), "=f"(v.v[2]), "=f"(v.v[3]) : "r"(remote) : "memory");
  return v;
}
#endif
)cuda";
}

}  // namespace burnish::cuda
