#include "ops/elements.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "base/float_types.h"
#include "ops/minifloat.h"

namespace burnish {
namespace {

/// An integer of fewer than eight bits, alone in its byte.
template <bool kSigned, int kBits>
struct SmallInt {
  static constexpr int64_t kMin = kSigned ? -(1 << (kBits - 1)) : 0;
  static constexpr int64_t kMax = kSigned ? (1 << (kBits - 1)) - 1 : (1 << kBits) - 1;
  std::conditional_t<kSigned, int8_t, uint8_t> value;
  SmallInt() = default;
  /// Keeps the low bits.
  explicit SmallInt(int64_t x) : value(static_cast<decltype(value)>(wrap(x))) {}
  static int64_t wrap(int64_t x) {
    const int64_t low = x & ((1 << kBits) - 1);
    return low > kMax ? low - (1 << kBits) : low;
  }
};

/// Calls f with a null pointer to the storage type.
template <typename F>
void with_storage(DType dtype, F&& f) {
  switch (dtype) {
    case DType::kFloat32:
      return f(static_cast<float*>(nullptr));
    case DType::kFloat64:
      return f(static_cast<double*>(nullptr));
    case DType::kFloat16:
      return f(static_cast<Half*>(nullptr));
    case DType::kBFloat16:
      return f(static_cast<BFloat16*>(nullptr));
    case DType::kInt8:
      return f(static_cast<int8_t*>(nullptr));
    case DType::kInt16:
      return f(static_cast<int16_t*>(nullptr));
    case DType::kInt32:
      return f(static_cast<int32_t*>(nullptr));
    case DType::kInt64:
      return f(static_cast<int64_t*>(nullptr));
    case DType::kUInt8:
    case DType::kBool:
      return f(static_cast<uint8_t*>(nullptr));
    case DType::kUInt16:
      return f(static_cast<uint16_t*>(nullptr));
    case DType::kUInt32:
      return f(static_cast<uint32_t*>(nullptr));
    case DType::kUInt64:
      return f(static_cast<uint64_t*>(nullptr));
    case DType::kFloat8E4M3FN:
      return f(static_cast<MiniFloat<DType::kFloat8E4M3FN>*>(nullptr));
    case DType::kFloat8E4M3FNUZ:
      return f(static_cast<MiniFloat<DType::kFloat8E4M3FNUZ>*>(nullptr));
    case DType::kFloat8E5M2:
      return f(static_cast<MiniFloat<DType::kFloat8E5M2>*>(nullptr));
    case DType::kFloat8E5M2FNUZ:
      return f(static_cast<MiniFloat<DType::kFloat8E5M2FNUZ>*>(nullptr));
    case DType::kFloat8E8M0:
      return f(static_cast<MiniFloat<DType::kFloat8E8M0>*>(nullptr));
    case DType::kFloat4E2M1:
      return f(static_cast<MiniFloat<DType::kFloat4E2M1>*>(nullptr));
    case DType::kInt4:
      return f(static_cast<SmallInt<true, 4>*>(nullptr));
    case DType::kUInt4:
      return f(static_cast<SmallInt<false, 4>*>(nullptr));
    case DType::kInt2:
      return f(static_cast<SmallInt<true, 2>*>(nullptr));
    case DType::kUInt2:
      return f(static_cast<SmallInt<false, 2>*>(nullptr));
    default:
      throw_error(ErrorCode::kUnsupported, "element type {} is not supported by this operator", name_of(dtype));
  }
}

template <typename S>
constexpr bool kSmallInt = requires {
  S::kMin;
};
template <typename S>
constexpr bool kNarrowFloat = std::is_class_v<S> && !kSmallInt<S>;

/// Rounds and saturates; NaN becomes 0.
template <typename S>
S to_integer(double x) {
  if (std::isnan(x)) return 0;
  const double r = std::nearbyint(x);
  // 2^digits is exact in a double, unlike max() of the wide types.
  const double limit = std::ldexp(1.0, std::numeric_limits<S>::digits);
  if (r >= limit) return std::numeric_limits<S>::max();
  if (r < static_cast<double>(std::numeric_limits<S>::min())) return std::numeric_limits<S>::min();
  return static_cast<S>(r);
}

template <typename S, typename T>
S convert(T x) {
  if constexpr (kNarrowFloat<S>) {
    return S(static_cast<float>(x));
  } else if constexpr (kSmallInt<S> && std::is_floating_point_v<T>) {
    return S(std::clamp(to_integer<int64_t>(static_cast<double>(x)), S::kMin, S::kMax));
  } else if constexpr (kSmallInt<S>) {
    return S(static_cast<int64_t>(x));
  } else if constexpr (std::is_integral_v<S> && std::is_floating_point_v<T>) {
    return to_integer<S>(static_cast<double>(x));
  } else {
    return static_cast<S>(x);
  }
}

template <typename T, typename S>
T widen(S x) {
  if constexpr (kNarrowFloat<S>) {
    return convert<T>(static_cast<float>(x));
  } else if constexpr (kSmallInt<S>) {
    return static_cast<T>(x.value);
  } else {
    return convert<T>(x);
  }
}

}  // namespace

template <typename T>
void load_elements(const TensorView& from, T* to) {
  const int64_t n = from.num_elements();
  with_storage(from.dtype, [&](auto* tag) {
    using S = std::remove_pointer_t<decltype(tag)>;
    const S* p = from.as<const S>();
    for (int64_t i = 0; i < n; ++i) to[i] = widen<T>(p[i]);
  });
}

template <typename T>
void store_elements(const T* from, const TensorView& to) {
  const int64_t n = to.num_elements();
  if (to.dtype == DType::kBool) {
    for (int64_t i = 0; i < n; ++i) to.as<uint8_t>()[i] = from[i] != T{0};
    return;
  }
  with_storage(to.dtype, [&](auto* tag) {
    using S = std::remove_pointer_t<decltype(tag)>;
    S* p = to.as<S>();
    for (int64_t i = 0; i < n; ++i) p[i] = convert<S>(from[i]);
  });
}

template void load_elements<float>(const TensorView&, float*);
template void load_elements<double>(const TensorView&, double*);
template void load_elements<int64_t>(const TensorView&, int64_t*);
template void load_elements<uint64_t>(const TensorView&, uint64_t*);
template void store_elements<float>(const float*, const TensorView&);
template void store_elements<double>(const double*, const TensorView&);
template void store_elements<int64_t>(const int64_t*, const TensorView&);
template void store_elements<uint64_t>(const uint64_t*, const TensorView&);

std::vector<int64_t> ints_of(const TensorView& view) {
  if (view.dtype == DType::kUndefined) return {};
  check(is_integer(view.dtype) || view.dtype == DType::kBool, ErrorCode::kInvalidModel,
        "integers are expected where the input is of type {}", name_of(view.dtype));
  std::vector<int64_t> values(static_cast<size_t>(view.num_elements()));
  load_elements<int64_t>(view, values.data());
  return values;
}

bool is_real(DType dtype) {
  return dtype == DType::kFloat32 || dtype == DType::kFloat64 || dtype == DType::kFloat16 || dtype == DType::kBFloat16;
}

}  // namespace burnish
