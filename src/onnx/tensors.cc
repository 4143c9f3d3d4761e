#include "onnx/tensors.h"

#include <algorithm>
#include <bit>

#include "base/checked.h"
#include "base/error.h"
#include "onnx-ml.pb.h"
#include "onnx/external_data.h"

namespace burnish {
namespace {

static_assert(std::endian::native == std::endian::little, "ONNX's raw data is little-endian");

/// Bits that an element takes in ONNX's packed encodings.
struct ElementType {
  int number;
  DType dtype;
};
constexpr ElementType kElementTypes[] = {{onnx::TensorProto::FLOAT, DType::kFloat32},
                                         {onnx::TensorProto::DOUBLE, DType::kFloat64},
                                         {onnx::TensorProto::FLOAT16, DType::kFloat16},
                                         {onnx::TensorProto::BFLOAT16, DType::kBFloat16},
                                         {onnx::TensorProto::FLOAT8E4M3FN, DType::kFloat8E4M3FN},
                                         {onnx::TensorProto::FLOAT8E4M3FNUZ, DType::kFloat8E4M3FNUZ},
                                         {onnx::TensorProto::FLOAT8E5M2, DType::kFloat8E5M2},
                                         {onnx::TensorProto::FLOAT8E5M2FNUZ, DType::kFloat8E5M2FNUZ},
                                         {onnx::TensorProto::FLOAT8E8M0, DType::kFloat8E8M0},
                                         {onnx::TensorProto::FLOAT4E2M1, DType::kFloat4E2M1},
                                         {onnx::TensorProto::INT8, DType::kInt8},
                                         {onnx::TensorProto::INT16, DType::kInt16},
                                         {onnx::TensorProto::INT32, DType::kInt32},
                                         {onnx::TensorProto::INT64, DType::kInt64},
                                         {onnx::TensorProto::UINT8, DType::kUInt8},
                                         {onnx::TensorProto::UINT16, DType::kUInt16},
                                         {onnx::TensorProto::UINT32, DType::kUInt32},
                                         {onnx::TensorProto::UINT64, DType::kUInt64},
                                         {onnx::TensorProto::INT4, DType::kInt4},
                                         {onnx::TensorProto::UINT4, DType::kUInt4},
                                         {onnx::TensorProto::INT2, DType::kInt2},
                                         {onnx::TensorProto::UINT2, DType::kUInt2},
                                         {onnx::TensorProto::BOOL, DType::kBool}};

int packed_bits(DType dtype) {
  switch (dtype) {
    case DType::kInt4:
    case DType::kUInt4:
    case DType::kFloat4E2M1:
      return 4;
    case DType::kInt2:
    case DType::kUInt2:
      return 2;
    default:
      return static_cast<int>(size_of(dtype)) * 8;
  }
}

Shape shape_of(const onnx::TensorProto& proto) {
  Shape shape;
  for (const int64_t dim : proto.dims()) {
    check(dim >= 0, ErrorCode::kInvalidModel, "it has the dimension {}", dim);
    shape.push_back(dim);
  }
  return shape;
}

/// Bytes of n elements in ONNX's packed encoding.
int64_t packed_bytes(DType dtype, int64_t n) {
  return checked_add(checked_mul(n, packed_bits(dtype)), 7) / 8;
}

/// Elements narrower than a byte, first one in the lowest bits, to one per byte.
void unpack(const uint8_t* packed, DType dtype, int64_t n, uint8_t* out) {
  const int bits = packed_bits(dtype);
  const int per_byte = 8 / bits;
  const auto mask = static_cast<uint8_t>((1 << bits) - 1);
  const auto sign = static_cast<uint8_t>(dtype == DType::kInt4 || dtype == DType::kInt2 ? 1 << (bits - 1) : 0);
  for (int64_t i = 0; i < n; ++i) {
    const auto element = static_cast<uint8_t>((packed[i / per_byte] >> (i % per_byte * bits)) & mask);
    out[i] = static_cast<uint8_t>((element ^ sign) - sign);
  }
}

/// From the encoding of raw_data and external files.
Tensor from_bytes(DType dtype, const Shape& shape, std::span<const std::byte> bytes) {
  Tensor tensor(dtype, shape);
  const int64_t n = shape.num_elements();
  const auto* source = reinterpret_cast<const uint8_t*>(bytes.data());
  if (packed_bits(dtype) < 8) {
    unpack(source, dtype, n, tensor.as<uint8_t>());
  } else if (dtype == DType::kBool) {
    for (int64_t i = 0; i < n; ++i) tensor.as<uint8_t>()[i] = source[i] != 0;
  } else if (n > 0) {
    std::memcpy(tensor.data(), source, tensor.num_bytes());
  }
  return tensor;
}

void check_size(DType dtype, const Shape& shape, size_t num_bytes) {
  const int64_t expected = packed_bytes(dtype, shape.num_elements());
  check(static_cast<int64_t>(num_bytes) == expected, ErrorCode::kInvalidModel,
        "its dims {} of {} need {} bytes of data, but there are {}", to_string(shape), name_of(dtype), expected,
        num_bytes);
}

Tensor from_external(DType dtype, const Shape& shape, const ExternalData::Blob& blob) {
  check_size(dtype, shape, blob.bytes.size());
  const bool aligned = reinterpret_cast<uintptr_t>(blob.bytes.data()) % kAlignment == 0;
  const bool plain = packed_bits(dtype) >= 8 && dtype != DType::kBool;
  if (!aligned || !plain || blob.bytes.empty()) return from_bytes(dtype, shape, blob.bytes);
  // A constant is never written to; Tensor's pointer is mutable for those that are.
  auto* data = const_cast<std::byte*>(blob.bytes.data());
  return {dtype, shape, std::const_pointer_cast<MappedFile>(blob.file), data};
}

/// From a typed field, narrowed to T element by element.
template <typename T, typename Field>
Tensor from_field(DType dtype, const Shape& shape, const Field& field, const char* name) {
  const int64_t n = shape.num_elements();
  check(field.size() == n, ErrorCode::kInvalidModel, "its dims {} need {} elements, but {} holds {}", to_string(shape),
        n, name, field.size());
  Tensor tensor(dtype, shape);
  for (int64_t i = 0; i < n; ++i) tensor.as<T>()[i] = static_cast<T>(field.Get(static_cast<int>(i)));
  return tensor;
}

Tensor from_packed_field(DType dtype, const Shape& shape, const onnx::TensorProto& proto) {
  const int64_t expected = packed_bytes(dtype, shape.num_elements());
  check(proto.int32_data_size() == expected, ErrorCode::kInvalidModel,
        "its dims {} of {} need {} packed entries, but int32_data holds {}", to_string(shape), name_of(dtype), expected,
        proto.int32_data_size());
  std::vector<uint8_t> packed;
  packed.reserve(static_cast<size_t>(expected));
  for (const int32_t entry : proto.int32_data()) packed.push_back(static_cast<uint8_t>(entry));
  Tensor tensor(dtype, shape);
  unpack(packed.data(), dtype, shape.num_elements(), tensor.as<uint8_t>());
  return tensor;
}

Tensor from_fields(DType dtype, const Shape& shape, const onnx::TensorProto& proto) {
  switch (dtype) {
    case DType::kFloat32:
      return from_field<float>(dtype, shape, proto.float_data(), "float_data");
    case DType::kFloat64:
      return from_field<double>(dtype, shape, proto.double_data(), "double_data");
    case DType::kInt64:
      return from_field<int64_t>(dtype, shape, proto.int64_data(), "int64_data");
    case DType::kUInt64:
      return from_field<uint64_t>(dtype, shape, proto.uint64_data(), "uint64_data");
    case DType::kUInt32:
      return from_field<uint32_t>(dtype, shape, proto.uint64_data(), "uint64_data");
    case DType::kInt32:
      return from_field<int32_t>(dtype, shape, proto.int32_data(), "int32_data");
    case DType::kBool:
      return from_field<bool>(dtype, shape, proto.int32_data(), "int32_data");
    default:
      break;
  }
  if (packed_bits(dtype) < 8) return from_packed_field(dtype, shape, proto);
  if (size_of(dtype) == 2) return from_field<uint16_t>(dtype, shape, proto.int32_data(), "int32_data");
  return from_field<uint8_t>(dtype, shape, proto.int32_data(), "int32_data");
}

/// Position in the dense tensor of the i-th sparse element.
int64_t dense_index(const Tensor& indices, int64_t i, const Shape& shape) {
  const auto* at = indices.as<int64_t>();
  int64_t index = 0;
  if (indices.shape().rank() == 1) {
    index = at[i];
  } else {
    for (int d = 0; d < shape.rank(); ++d) {
      const int64_t coordinate = at[i * shape.rank() + d];
      check(coordinate >= 0 && coordinate < shape[d], ErrorCode::kInvalidModel, "its index {} leaves the dims {}",
            coordinate, to_string(shape));
      index = index * shape[d] + coordinate;
    }
  }
  check(index >= 0 && index < shape.num_elements(), ErrorCode::kInvalidModel, "its index {} leaves the dims {}", index,
        to_string(shape));
  return index;
}

}  // namespace

DType dtype_of_onnx(int data_type) {
  using Proto = onnx::TensorProto;
  const auto row = std::ranges::find(kElementTypes, data_type, &ElementType::number);
  if (row != std::end(kElementTypes)) return row->dtype;
  check(data_type != Proto::UNDEFINED && Proto::DataType_IsValid(data_type), ErrorCode::kInvalidModel,
        "{} is no element type", data_type);
  throw Error(ErrorCode::kUnsupported, fmt::format("elements of type {} are not supported",
                                                   Proto::DataType_Name(static_cast<Proto::DataType>(data_type))));
}

int onnx_number_of(DType dtype) {
  const auto row = std::ranges::find(kElementTypes, dtype, &ElementType::dtype);
  check(row != std::end(kElementTypes), ErrorCode::kInternal, "ONNX has no number for {}", name_of(dtype));
  return row->number;
}

bool is_packed(DType dtype) {
  return packed_bits(dtype) < 8;
}

Tensor to_tensor(const onnx::TensorProto& proto, ExternalData* external) {
  const DType dtype = dtype_of_onnx(proto.data_type());
  const Shape shape = shape_of(proto);
  checked_mul(shape.num_elements(), static_cast<int64_t>(size_of(dtype)));
  check(!proto.has_segment(), ErrorCode::kUnsupported, "tensors in segments are not supported");
  if (proto.data_location() == onnx::TensorProto::EXTERNAL) {
    check(external != nullptr, ErrorCode::kInvalidModel, "its data is external, which is not possible here");
    return from_external(dtype, shape, external->find(proto));
  }
  if (proto.has_raw_data()) {
    check_size(dtype, shape, proto.raw_data().size());
    return from_bytes(dtype, shape, std::as_bytes(std::span(proto.raw_data())));
  }
  return from_fields(dtype, shape, proto);
}

Tensor to_dense_tensor(const onnx::SparseTensorProto& proto, ExternalData* external) {
  constexpr int64_t kMaxBytes = int64_t{1} << 31;  // a few bytes of file must not ask for any amount of memory
  const Tensor values = to_tensor(proto.values(), external);
  const Tensor indices = to_tensor(proto.indices(), external);
  Shape shape;
  for (const int64_t dim : proto.dims()) shape.push_back(dim);
  const int64_t n = values.num_elements();
  const auto element = static_cast<int64_t>(size_of(values.dtype()));
  check(checked_mul(shape.num_elements(), element) <= kMaxBytes, ErrorCode::kUnsupported,
        "its dense form {} takes more than 2 GiB", to_string(shape));
  const Shape linear{n};
  const Shape coordinates{n, shape.rank()};
  check(indices.dtype() == DType::kInt64 && (indices.shape() == linear || indices.shape() == coordinates),
        ErrorCode::kInvalidModel, "it has {} values, but indices {} of {}", n, to_string(indices.shape()),
        name_of(indices.dtype()));
  Tensor dense(values.dtype(), shape);
  if (dense.num_bytes() > 0) std::memset(dense.data(), 0, dense.num_bytes());
  for (int64_t i = 0; i < n; ++i) {
    const int64_t to = dense_index(indices, i, shape);
    std::memcpy(dense.as<std::byte>() + to * element, values.as<std::byte>() + i * element,
                static_cast<size_t>(element));
  }
  return dense;
}

}  // namespace burnish
