#include "base/npy.h"

#include <charconv>
#include <map>
#include <vector>

#include "base/checked.h"
#include "base/file.h"
#include "base/float_types.h"

namespace burnish {
namespace {

const std::map<std::string, DType, std::less<>>& descriptors() {
  static const std::map<std::string, DType, std::less<>> table{
      {"<f4", DType::kFloat32}, {"<f8", DType::kFloat64}, {"<f2", DType::kFloat16}, {"|i1", DType::kInt8},
      {"<i2", DType::kInt16},   {"<i4", DType::kInt32},   {"<i8", DType::kInt64},   {"|u1", DType::kUInt8},
      {"<u2", DType::kUInt16},  {"<u4", DType::kUInt32},  {"<u8", DType::kUInt64},  {"|b1", DType::kBool}};
  return table;
}

// The text behind 'key': in the header's Python dictionary.
std::string_view header_field(std::string_view header, std::string_view key, const std::string& path) {
  const size_t at = header.find(key);
  check(at != std::string_view::npos, ErrorCode::kInvalidArgument, "'{}': the .npy header has no {}", path, key);
  const size_t colon = header.find(':', at);
  check(colon != std::string_view::npos, ErrorCode::kInvalidArgument, "'{}': broken .npy header", path);
  std::string_view rest = header.substr(colon + 1);
  while (!rest.empty() && rest.front() == ' ') rest.remove_prefix(1);
  return rest;
}

DType parse_descriptor(std::string_view text, const std::string& path) {
  const std::string_view quoted = text.size() > 2 ? text.substr(1, text.find(text.front(), 1) - 1) : text;
  const auto it = descriptors().find(quoted);
  check(it != descriptors().end(), ErrorCode::kInvalidArgument, "'{}': dtype '{}' is not supported", path, quoted);
  return it->second;
}

Shape parse_shape(std::string_view text, const std::string& path) {
  Shape shape;
  const size_t close = text.find(')');
  check(!text.empty() && text.front() == '(' && close != std::string_view::npos, ErrorCode::kInvalidArgument,
        "'{}': broken shape in the .npy header", path);
  const char* p = text.data() + 1;
  const char* end = text.data() + close;
  while (p < end) {
    int64_t dim = 0;
    const auto [next, error] = std::from_chars(p, end, dim);
    if (error == std::errc{}) {
      check(dim >= 0, ErrorCode::kInvalidArgument, "'{}': a negative dimension in the .npy header", path);
      shape.push_back(dim);
      p = next;
    } else {
      check(*p == ' ' || *p == ',', ErrorCode::kInvalidArgument, "'{}': broken shape in the .npy header", path);
      ++p;
    }
  }
  return shape;
}

Tensor from_fortran_order(const Tensor& stored, const Shape& shape) {
  Tensor out(stored.dtype(), shape);
  const size_t width = size_of(stored.dtype());
  Shape index = shape;
  for (int i = 0; i < index.rank(); ++i) index[i] = 0;
  const auto* src = stored.as<const std::byte>();
  const Shape strides = strides_of(shape);
  for (int64_t n = 0; n < shape.num_elements(); ++n) {
    int64_t offset = 0;
    for (int i = 0; i < shape.rank(); ++i) offset += index[i] * strides[i];
    std::memcpy(out.as<std::byte>() + static_cast<size_t>(offset) * width, src + static_cast<size_t>(n) * width, width);
    for (int i = 0; i < shape.rank() && ++index[i] == shape[i]; ++i) index[i] = 0;
  }
  return out;
}

}  // namespace

Tensor read_npy(const std::string& path) {
  auto file = MappedFile::open(path);
  return parse_npy(file->bytes(), std::const_pointer_cast<MappedFile>(file), path);
}

Tensor parse_npy(std::span<const std::byte> bytes, std::shared_ptr<void> owner, const std::string& path) {
  const auto* raw = reinterpret_cast<const unsigned char*>(bytes.data());
  check(bytes.size() >= 12 && std::memcmp(raw, "\x93NUMPY", 6) == 0, ErrorCode::kInvalidArgument,
        "'{}' is not a .npy file", path);
  const bool wide = raw[6] >= 2;
  const size_t header_size = wide ? raw[8] | raw[9] << 8 | raw[10] << 16 | static_cast<size_t>(raw[11]) << 24
                                  : static_cast<size_t>(raw[8] | raw[9] << 8);
  const size_t start = (wide ? 12 : 10) + header_size;
  check(start <= bytes.size(), ErrorCode::kInvalidArgument, "'{}' is truncated", path);
  const std::string_view header(reinterpret_cast<const char*>(raw) + (wide ? 12 : 10), header_size);
  const DType dtype = parse_descriptor(header_field(header, "'descr'", path), path);
  const Shape shape = parse_shape(header_field(header, "'shape'", path), path);
  const bool fortran = header_field(header, "'fortran_order'", path).starts_with("True");
  const int64_t size = checked_mul(shape.num_elements(), static_cast<int64_t>(size_of(dtype)));
  check(static_cast<size_t>(size) <= bytes.size() - start, ErrorCode::kInvalidArgument,
        "'{}' is truncated: {} bytes of data, {} expected", path, bytes.size() - start, size);
  void* data = const_cast<std::byte*>(bytes.data()) + start;
  const Tensor stored(dtype, shape, std::move(owner), data);
  return fortran && shape.rank() > 1 ? from_fortran_order(stored, shape) : stored;
}

namespace {

Tensor widen_to_float(const Tensor& t) {
  if (t.dtype() != DType::kBFloat16) return t;
  Tensor out(DType::kFloat32, t.shape());
  for (int64_t i = 0; i < t.num_elements(); ++i) out.as<float>()[i] = bfloat16_to_float(t.as<uint16_t>()[i]);
  return out;
}

std::string descriptor_of(DType dtype, const std::string& path) {
  for (const auto& [name, d] : descriptors())
    if (d == dtype) return name;
  throw_error(ErrorCode::kUnsupported, "'{}': dtype {} cannot be written as .npy", path, name_of(dtype));
}

}  // namespace

void write_npy(const std::string& path, const Tensor& tensor) {
  const Tensor t = widen_to_float(tensor);
  std::string dims;
  for (const int64_t d : t.shape()) dims += std::to_string(d) + ",";
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descriptor_of(t.dtype(), path), dims);
  header.append((64 - (10 + header.size() + 1) % 64) % 64, ' ').push_back('\n');
  const auto n = static_cast<uint16_t>(header.size());
  const unsigned char prefix[10] = {
      0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, static_cast<unsigned char>(n & 0xff), static_cast<unsigned char>(n >> 8)};
  AtomicFile file(path);
  file.write(prefix, sizeof(prefix));
  file.write(header.data(), header.size());
  file.write(t.data(), t.num_bytes());
  file.commit();
}

}  // namespace burnish
