#pragma once
// Functions as they are called, whatever the names of their types.
#include <type_traits>

namespace burnish::cuda {

/// Parameters by what they are to a call: enumerations are ints, descriptors and pointers to them pointers.
template <typename T>
struct Passed {
  using type = std::conditional_t<std::is_enum_v<T>, int, std::conditional_t<std::is_pointer_v<T>, void*, T>>;
};
template <typename F>
struct Signature;
template <typename R, typename... Args>
struct Signature<R (*)(Args...)> {
  using type = typename Passed<R>::type (*)(typename Passed<Args>::type...);
};
template <typename F, typename G>
constexpr bool kAlike = std::is_same_v<typename Signature<F>::type, typename Signature<G>::type>;

}  // namespace burnish::cuda
