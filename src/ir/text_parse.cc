#include <charconv>
#include <cstdlib>
#include <limits>
#include <random>

#include "base/float_types.h"
#include "base/hash.h"
#include "ir/text.h"
#include "ir/text_names.h"

namespace burnish {
namespace {

/// Elements of constants in text stay below this, so that a typo cannot exhaust memory.
constexpr int64_t kMaxConstantElements = int64_t{1} << 28;

/// Characters of one line, read from left to right.
class Cursor {
 public:
  Cursor(std::string_view text, int line) : text_(text), line_(line) {}

  [[noreturn]] void fail(std::string_view what) const {
    throw_error(ErrorCode::kInvalidModel, "line {}, column {}: {}", line_, position_ + 1, what);
  }
  void skip_space() {
    while (position_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[position_])) != 0) ++position_;
  }
  bool at_end() {
    skip_space();
    return position_ >= text_.size();
  }
  char peek() {
    skip_space();
    return position_ < text_.size() ? text_[position_] : '\0';
  }
  bool accept(std::string_view token) {
    skip_space();
    if (!text_.substr(position_).starts_with(token)) return false;
    position_ += token.size();
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) fail(fmt::format("expected '{}'", token));
  }

  std::string string() {
    expect("\"");
    std::string out;
    while (position_ < text_.size() && text_[position_] != '"')
      out += text_[position_] == '\\' ? escape() : text_[position_++];
    if (position_ >= text_.size()) fail("unfinished string");
    ++position_;
    return out;
  }

  std::string name() {
    skip_space();
    const size_t begin = position_;
    while (position_ < text_.size() && continues_name()) ++position_;
    if (position_ == begin) fail("expected a name");
    return std::string(text_.substr(begin, position_ - begin));
  }

  /// Everything up to a comma or the closing character outside of parentheses, brackets and quotes.
  std::string until_comma_or(char closing) {
    skip_space();
    const size_t begin = position_;
    int depth = 0;
    for (; position_ < text_.size(); ++position_) {
      const char c = text_[position_];
      if (depth == 0 && (c == ',' || c == closing)) break;
      if (c == '(' || c == '[') ++depth;
      if (c == ')' || c == ']') --depth;
    }
    size_t end = position_;
    while (end > begin && std::isspace(static_cast<unsigned char>(text_[end - 1])) != 0) --end;
    return std::string(text_.substr(begin, end - begin));
  }

 private:
  bool continues_name() const {
    if (is_name_char(text_[position_])) return true;
    const bool more =
        position_ + 1 < text_.size() && (is_name_char(text_[position_ + 1]) || text_[position_ + 1] == ':');
    return text_[position_] == ':' && more;
  }

  char escape() {
    if (position_ + 1 >= text_.size()) fail("unfinished string");
    const char kind = text_[position_ + 1];
    position_ += 2;
    if (kind != 'x') return kind;
    unsigned value = 0;
    const char* begin = text_.data() + position_;
    if (text_.size() - position_ < 2 || std::from_chars(begin, begin + 2, value, 16).ptr != begin + 2)
      fail("bad \\x escape");
    position_ += 2;
    return static_cast<char>(value);
  }

  std::string_view text_;
  int line_;
  size_t position_ = 0;
};

template <typename T>
T integer(Cursor& in, const std::string& text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) in.fail("bad number '" + text + "'");
  return value;
}

/// F is float or double; "inf" and "nan" are numbers.
template <typename F>
F real(Cursor& in, const std::string& text) {
  char* end = nullptr;
  const F value = std::is_same_v<F, float> ? static_cast<F>(std::strtof(text.c_str(), &end))
                                           : static_cast<F>(std::strtod(text.c_str(), &end));
  if (text.empty() || *end != '\0') in.fail("bad number '" + text + "'");
  return value;
}

bool looks_real(std::string_view text) {
  return text.find_first_of(".en") != std::string_view::npos;
}

DType parse_type_name(Cursor& in) {
  const std::string name = in.name();
  const DType dtype = parse_dtype(name);
  if (dtype == DType::kUndefined) in.fail("unknown type '" + name + "'");
  return dtype;
}

TypeInfo parse_type(Cursor& in) {
  if (in.accept("?")) return {};
  TypeInfo type{parse_type_name(in), std::nullopt};
  if (!in.accept("[")) return type;
  type.shape.emplace();
  if (in.accept("]")) return type;
  do type.shape->push_back(parse_dim(in.until_comma_or(']')));
  while (in.accept(","));
  in.expect("]");
  return type;
}

void set_element(Cursor& in, const Tensor& t, int64_t i, const std::string& text) {
  switch (t.dtype()) {
    case DType::kFloat32:
      t.as<float>()[i] = real<float>(in, text);
      break;
    case DType::kFloat64:
      t.as<double>()[i] = real<double>(in, text);
      break;
    case DType::kFloat16:
      t.as<uint16_t>()[i] = float_to_half(real<float>(in, text));
      break;
    case DType::kBFloat16:
      t.as<uint16_t>()[i] = float_to_bfloat16(real<float>(in, text));
      break;
    case DType::kInt8:
    case DType::kInt4:
    case DType::kInt2:
      t.as<int8_t>()[i] = integer<int8_t>(in, text);
      break;
    case DType::kInt16:
      t.as<int16_t>()[i] = integer<int16_t>(in, text);
      break;
    case DType::kInt32:
      t.as<int32_t>()[i] = integer<int32_t>(in, text);
      break;
    case DType::kInt64:
      t.as<int64_t>()[i] = integer<int64_t>(in, text);
      break;
    case DType::kUInt16:
      t.as<uint16_t>()[i] = integer<uint16_t>(in, text);
      break;
    case DType::kUInt32:
      t.as<uint32_t>()[i] = integer<uint32_t>(in, text);
      break;
    case DType::kUInt64:
      t.as<uint64_t>()[i] = integer<uint64_t>(in, text);
      break;
    default:
      t.as<uint8_t>()[i] = integer<uint8_t>(in, text);
      break;
  }
}

/// Numbers in [-1/2, 1/2) for floats, 0 or 1 for everything else; the same for the same name.
void fill_random(const Tensor& t, std::string_view name) {
  std::mt19937 generator(static_cast<uint32_t>(hash64(name)));
  const auto next = [&] { return static_cast<float>(generator() >> 8U) / 16777216.0F - 0.5F; };
  std::memset(t.data(), 0, t.num_bytes());
  const size_t size = size_of(t.dtype());
  for (int64_t i = 0; i < t.num_elements(); ++i) {
    const float v = next();
    switch (t.dtype()) {
      case DType::kFloat32:
        t.as<float>()[i] = v;
        break;
      case DType::kFloat64:
        t.as<double>()[i] = v;
        break;
      case DType::kFloat16:
        t.as<uint16_t>()[i] = float_to_half(v);
        break;
      case DType::kBFloat16:
        t.as<uint16_t>()[i] = float_to_bfloat16(v);
        break;
      default:
        t.as<uint8_t>()[static_cast<size_t>(i) * size] = v > 0 ? 1 : 0;
        break;
    }
  }
}

Tensor parse_tensor(Cursor& in, std::string_view name) {
  const TypeInfo type = parse_type(in);
  const std::optional<Shape> shape = type.shape ? to_concrete(*type.shape) : std::nullopt;
  if (!shape || shape->num_elements() > kMaxConstantElements) in.fail("a constant needs a concrete shape");
  Tensor t(type.dtype, *shape);
  if (!in.accept("=")) {
    fill_random(t, name);
    return t;
  }
  in.expect("{");
  for (int64_t i = 0; i < t.num_elements(); ++i) {
    if (i > 0) in.expect(",");
    set_element(in, t, i, in.until_comma_or('}'));
  }
  in.expect("}");
  return t;
}

Attribute parse_list(Cursor& in) {
  std::vector<std::string> items;
  bool strings = false;
  bool reals = false;
  while (in.peek() != ']') {
    strings = in.peek() == '"';
    items.push_back(strings ? in.string() : in.until_comma_or(']'));
    reals = reals || looks_real(items.back());
    if (!in.accept(",")) break;
  }
  in.expect("]");
  if (strings) return items;
  std::vector<int64_t> ints;
  std::vector<float> floats;
  for (const std::string& s : items)
    reals ? floats.push_back(real<float>(in, s)) : ints.push_back(integer<int64_t>(in, s));
  if (reals) return floats;
  return ints;
}

Attribute parse_attribute(Cursor& in, const std::string& name) {
  if (in.peek() == '"') return in.string();
  if (in.accept("[")) return parse_list(in);
  if (in.accept("tensor ")) return parse_tensor(in, name);
  if (in.accept("floats[]")) return std::vector<float>{};
  if (in.accept("strings[]")) return std::vector<std::string>{};
  const std::string text = in.until_comma_or('}');
  if (looks_real(text)) return real<float>(in, text);
  return integer<int64_t>(in, text);
}

AttributeMap parse_attributes(Cursor& in) {
  AttributeMap attrs;
  if (!in.accept("{")) return attrs;
  while (in.peek() != '}') {
    const std::string name = in.name();
    in.expect("=");
    attrs.set(name, parse_attribute(in, name));
    if (!in.accept(",")) break;
  }
  in.expect("}");
  return attrs;
}

class Parser {
 public:
  Graph run(std::string_view text) {
    for (int line = 1; !text.empty(); ++line) {
      const size_t end = text.find('\n');
      Cursor in(text.substr(0, end), line);
      if (!in.at_end() && in.peek() != '#') parse_line(in);
      text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    }
    check(closed_, ErrorCode::kInvalidModel, "the text ends before the graph does");
    return std::move(graph_);
  }

 private:
  void parse_line(Cursor& in) {
    if (closed_) in.fail("text after the end of the graph");
    if (!opened_) {
      parse_header(in);
    } else if (in.accept("}")) {
      closed_ = true;
    } else if (in.accept("input ")) {
      const std::string name = new_name(in);
      in.expect(":");
      graph_.add_input(name, parse_type(in));
    } else if (in.accept("const ")) {
      const std::string name = new_name(in);
      in.expect(":");
      graph_.add_constant(name, parse_tensor(in, name));
    } else if (in.accept("output ")) {
      const std::string name = in.string();
      in.expect("=");
      graph_.add_output(operand(in), name);
    } else {
      parse_node(in);
    }
    if (!in.at_end()) in.fail("unexpected text");
  }

  void parse_header(Cursor& in) {
    in.expect("graph");
    graph_.name = in.string();
    in.expect("{");
    opened_ = true;
  }

  static std::string value_name(Cursor& in) {
    in.expect("%");
    return in.peek() == '"' ? in.string() : in.name();
  }

  std::string new_name(Cursor& in) {
    std::string name = value_name(in);
    if (graph_.find_value(name) != kNoValue) in.fail("the name '" + name + "' is taken");
    return name;
  }

  ValueId operand(Cursor& in) {
    if (in.peek() != '%') {
      in.expect("_");
      return kNoValue;
    }
    const std::string name = value_name(in);
    const ValueId id = graph_.find_value(name);
    if (id == kNoValue) in.fail("nothing is called '" + name + "' yet");
    return id;
  }

  void parse_node(Cursor& in) {
    std::vector<std::string> outputs;
    do outputs.push_back(in.accept("_") ? "" : new_name(in));
    while (in.accept(","));
    in.expect("=");
    const std::string op = in.name();
    std::vector<ValueId> inputs;
    in.expect("(");
    while (in.peek() != ')') {
      inputs.push_back(operand(in));
      if (!in.accept(",")) break;
    }
    in.expect(")");
    AttributeMap attrs = parse_attributes(in);
    const std::string name = in.peek() == '"' ? in.string() : "";
    const NodeId id = graph_.add_node(op, name, std::move(inputs), std::move(attrs), outputs);
    if (in.accept(":")) parse_types(in, id);
  }

  void parse_types(Cursor& in, NodeId id) {
    const std::vector<ValueId> outputs = graph_.node(id).outputs;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (i > 0) in.expect(",");
      if (in.accept("_")) continue;
      const TypeInfo type = parse_type(in);
      if (outputs[i] != kNoValue) graph_.value(outputs[i]).type = type;
    }
  }

  Graph graph_;
  bool opened_ = false;
  bool closed_ = false;
};

}  // namespace

Graph parse_graph(std::string_view text) {
  return Parser().run(text);
}

}  // namespace burnish
