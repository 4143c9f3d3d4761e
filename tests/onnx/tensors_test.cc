// Every encoding of tensors, and sizes that lie.
#include "onnx/tensors.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "onnx/model_builder.h"

namespace burnish {
namespace {

using Proto = onnx::TensorProto;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Proto tensor(int type, const std::vector<int64_t>& dims) {
  Proto proto;
  proto.set_data_type(type);
  for (const int64_t dim : dims) proto.add_dims(dim);
  return proto;
}

template <typename T>
std::vector<T> elements(const Proto& proto) {
  const Tensor t = to_tensor(proto, nullptr);
  return {t.as<T>(), t.as<T>() + t.num_elements()};
}

std::string error_of(const Proto& proto) {
  try {
    to_tensor(proto, nullptr);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Tensors, RawData) {
  Proto proto = tensor(Proto::INT16, {2});
  proto.set_raw_data(std::string("\x01\x00\xff\xff", 4));
  EXPECT_THAT(elements<int16_t>(proto), ElementsAre(1, -1));
}

TEST(Tensors, TypedFields) {
  Proto proto = tensor(Proto::UINT32, {2});
  proto.add_uint64_data(7);
  proto.add_uint64_data(4'000'000'000);
  EXPECT_THAT(elements<uint32_t>(proto), ElementsAre(7U, 4'000'000'000U));
  proto = tensor(Proto::FLOAT16, {1});
  proto.add_int32_data(0x3c00);
  EXPECT_THAT(elements<uint16_t>(proto), ElementsAre(0x3c00));
  proto = tensor(Proto::INT8, {2});
  proto.add_int32_data(-3);
  proto.add_int32_data(127);
  EXPECT_THAT(elements<int8_t>(proto), ElementsAre(-3, 127));
  proto = tensor(Proto::DOUBLE, {});
  proto.add_double_data(2.5);
  EXPECT_THAT(elements<double>(proto), ElementsAre(2.5));
}

TEST(Tensors, BoolsAreZeroOrOne) {
  Proto proto = tensor(Proto::BOOL, {3});
  proto.set_raw_data(std::string("\x00\x07\x01", 3));
  EXPECT_THAT(elements<uint8_t>(proto), ElementsAre(0, 1, 1));
}

TEST(Tensors, PackedTypesComeOutOneElementPerByte) {
  Proto proto = tensor(Proto::INT4, {3});
  proto.set_raw_data(std::string("\x8f\x07", 2));
  EXPECT_THAT(elements<int8_t>(proto), ElementsAre(-1, -8, 7));
  proto = tensor(Proto::UINT4, {3});
  proto.add_int32_data(0x8f);
  proto.add_int32_data(0x07);
  EXPECT_THAT(elements<uint8_t>(proto), ElementsAre(15, 8, 7));
  proto = tensor(Proto::INT2, {5});
  proto.set_raw_data(std::string("\xe4\x03", 2));
  EXPECT_THAT(elements<int8_t>(proto), ElementsAre(0, 1, -2, -1, -1));
  proto = tensor(Proto::FLOAT4E2M1, {2});
  proto.set_raw_data(std::string("\x2f", 1));
  EXPECT_THAT(elements<uint8_t>(proto), ElementsAre(15, 2));
}

TEST(Tensors, SizesMustAgree) {
  Proto proto = tensor(Proto::FLOAT, {2, 3});
  proto.set_raw_data(std::string(20, '\0'));
  EXPECT_THAT(error_of(proto), HasSubstr("need 24 bytes of data, but there are 20"));
  proto.clear_raw_data();
  proto.add_float_data(1);
  EXPECT_THAT(error_of(proto), HasSubstr("float_data holds 1"));
}

TEST(Tensors, SizesMustBeSane) {
  constexpr int64_t kHuge = int64_t{1} << 40;
  EXPECT_THAT(error_of(tensor(Proto::FLOAT, {kHuge, kHuge})), HasSubstr("overflow"));
  EXPECT_THAT(error_of(tensor(Proto::DOUBLE, {int64_t{1} << 61})), HasSubstr("overflow"));
  EXPECT_THAT(error_of(tensor(Proto::FLOAT, {kHuge})), HasSubstr("float_data holds 0"));
  EXPECT_THAT(error_of(tensor(Proto::FLOAT, {-1})), HasSubstr("dimension -1"));
  EXPECT_THAT(error_of(tensor(Proto::FLOAT, std::vector<int64_t>(20, 1))), HasSubstr("dimensions"));
}

TEST(Tensors, TypesWeDoNotHold) {
  EXPECT_THAT(error_of(tensor(Proto::STRING, {0})), HasSubstr("STRING"));
  EXPECT_THAT(error_of(tensor(Proto::COMPLEX64, {0})), HasSubstr("COMPLEX64"));
  EXPECT_THAT(error_of(tensor(999, {0})), HasSubstr("999 is no element type"));
}

onnx::SparseTensorProto sparse(const Proto& indices) {
  onnx::SparseTensorProto proto;
  *proto.mutable_values() = onnx_test::floats("s", {2}, {5, 6});
  *proto.mutable_indices() = indices;
  proto.add_dims(2);
  proto.add_dims(3);
  return proto;
}

TEST(Tensors, SparseBecomesDense) {
  for (const Proto& indices : {onnx_test::ints("", {2}, {1, 5}), onnx_test::ints("", {2, 2}, {0, 1, 1, 2})}) {
    const Tensor dense = to_dense_tensor(sparse(indices), nullptr);
    EXPECT_EQ(dense.shape(), (Shape{2, 3}));
    EXPECT_THAT(std::vector<float>(dense.as<float>(), dense.as<float>() + 6), ElementsAre(0, 5, 0, 0, 0, 6));
  }
}

TEST(Tensors, SparseIndicesMustStayInside) {
  EXPECT_THROW(to_dense_tensor(sparse(onnx_test::ints("", {2}, {1, 6})), nullptr), Error);
  EXPECT_THROW(to_dense_tensor(sparse(onnx_test::ints("", {2, 2}, {0, 3, 0, 0})), nullptr), Error);
  EXPECT_THROW(to_dense_tensor(sparse(onnx_test::ints("", {3}, {0, 1, 2})), nullptr), Error);
  auto huge = sparse(onnx_test::ints("", {2}, {0, 1}));
  huge.set_dims(0, int64_t{1} << 40);
  EXPECT_THROW(to_dense_tensor(huge, nullptr), Error);
}

}  // namespace
}  // namespace burnish
