#include "kernels/cpu/simd/convert.h"

#include "kernels/cpu/simd/storage.h"

namespace burnish::BURNISH_SIMD {
namespace {

template <Storage A, Storage B>
void convert_run(const Element<A>* from, const Format& from_format, Element<B>* to, const Format& to_format,
                 int64_t n) {
  const Decoder<A> decoder(from_format);
  const Encoder<B> encoder(to_format);
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    Vec v[4];
    for (int k = 0; k < 4; ++k) v[k] = decoder.load(from + i + k * kLanes);
    encoder.store_four(to + i, v);
  }
  for (; i + kLanes <= n; i += kLanes) encoder.store(to + i, decoder.load(from + i));
  if (i < n) encoder.store(to + i, decoder.load(from + i, first(n - i)), first(n - i));
}

void convert(const void* from, const Format& from_format, void* to, const Format& to_format, int64_t n) {
  with_storage(from_format.storage, [&](auto a) {
    with_storage(to_format.storage, [&](auto b) {
      constexpr Storage kFrom = decltype(a)::value, kTo = decltype(b)::value;
      convert_run<kFrom, kTo>((const Element<kFrom>*)from, from_format, (Element<kTo>*)to, to_format, n);
    });
  });
}

}  // namespace

extern const ConvertKernels kConvert = {convert};

}  // namespace burnish::BURNISH_SIMD
