#include "protocol/trace.hpp"

#include <algorithm>
#include <span>

#include "protocol/login.hpp"
#include "protocol/reader.hpp"

namespace pgswitch::protocol {
namespace {

/// One letter of `fields` for each part of the body:
///   c character, k small number, h int16, i int32, s string, b the rest as bytes, x the rest, hidden,
///   H int16 count and that many int16, I the same with int32, S int32 count and strings,
///   v value (int32 length, bytes), V int16 count and values, r int16 count and row fields, e error fields, a authentication
struct MessageFormat {
  char type;
  std::string_view name;
  std::string_view fields;
};

constexpr MessageFormat frontend_messages[] = {
    {'B', "Bind", "ssHVH"},   {'C', "Close", "cs"},      {'d', "CopyData", "b"},         {'c', "CopyDone", ""},
    {'f', "CopyFail", "s"},   {'D', "Describe", "cs"},   {'E', "Execute", "si"},         {'H', "Flush", ""},
    {'F', "FunctionCall", "iHVh"}, {'P', "Parse", "ssI"}, {'p', "AuthenticationResponse", "x"}, {'Q', "Query", "s"},
    {'S', "Sync", ""},        {'X', "Terminate", ""}};

constexpr MessageFormat backend_messages[] = {
    {'R', "Authentication", "a"},       {'K', "BackendKeyData", "ix"},        {'2', "BindComplete", ""},
    {'3', "CloseComplete", ""},         {'C', "CommandComplete", "s"},        {'W', "CopyBothResponse", "kH"},
    {'d', "CopyData", "b"},             {'c', "CopyDone", ""},                {'G', "CopyInResponse", "kH"},
    {'H', "CopyOutResponse", "kH"},     {'D', "DataRow", "V"},                {'I', "EmptyQueryResponse", ""},
    {'E', "ErrorResponse", "e"},        {'V', "FunctionCallResponse", "v"},   {'v', "NegotiateProtocolVersion", "iS"},
    {'n', "NoData", ""},                {'N', "NoticeResponse", "e"},         {'A', "NotificationResponse", "iss"},
    {'t', "ParameterDescription", "I"}, {'S', "ParameterStatus", "ss"},       {'1', "ParseComplete", ""},
    {'s', "PortalSuspended", ""},       {'Z', "ReadyForQuery", "c"},          {'T', "RowDescription", "r"}};

const MessageFormat* find_format(Direction direction, char type) {
  const std::span<const MessageFormat> table =
      direction == Direction::from_frontend ? std::span<const MessageFormat>(frontend_messages) : backend_messages;
  const auto is_type = [&](const MessageFormat& entry) { return entry.type == type; };
  const auto found = std::find_if(table.begin(), table.end(), is_type);
  return found == table.end() ? nullptr : &*found;
}

/// Prints fields while they last and the line has room.
class FieldPrinter {
 public:
  FieldPrinter(std::string& out, ByteView body) : out_(out), in_(body), limit_(out.size() + max_trace_line) {}

  void print(std::string_view fields) {
    for (const char field : fields)
      if (may_go_on()) print_field(field);
  }
  void finish(bool is_prefix) {
    if (is_prefix || !in_.ok() || !has_room()) out_ += " ...";
    else if (!in_.rest().empty()) out_ += " +" + std::to_string(in_.rest().size()) + " bytes";
  }

 private:
  bool has_room() const { return out_.size() < limit_; }
  bool may_go_on() const { return in_.ok() && has_room(); }

  void print_field(char field) {
    switch (field) {
      case 'c': return text(in_.bytes(1), ' ');
      case 'k': return number(in_.byte());
      case 'h': return number(static_cast<std::int16_t>(in_.int16()));
      case 'i': return number(static_cast<std::int32_t>(in_.int32()));
      case 's': return string(in_.string());
      case 'b': return text(in_.bytes(in_.rest().size()), '\'');
      case 'x': return hidden(in_.bytes(in_.rest().size()).size());
      case 'H': return repeat("h", in_.int16());
      case 'I': return repeat("i", in_.int16());
      case 'S': return repeat("s", in_.int32());
      case 'v': return value();
      case 'V': return repeat("v", in_.int16());
      case 'r': return repeat("sihihih", in_.int16());
      case 'e': return error_fields();
      case 'a': return authentication();
    }
  }

  void repeat(std::string_view fields, std::uint32_t count) {
    if (!in_.ok()) return;
    number(count);
    for (std::uint32_t i = 0; i < count && may_go_on(); ++i) print(fields);
  }

  void value() {
    const auto size = static_cast<std::int32_t>(in_.int32());
    if (!in_.ok()) return;
    number(size);
    if (size >= 0) text(in_.bytes(static_cast<std::size_t>(size)), '\'');
  }

  void error_fields() {
    while (may_go_on()) {
      const ByteView code = in_.bytes(1);
      if (!in_.ok() || code == ByteView("\0", 1)) return;
      text(code, ' ');
      string(in_.string());
    }
  }

  void authentication() {
    const std::uint32_t code = in_.int32();
    if (!in_.ok()) return;
    number(code);
    if (code != authentication_code::sasl) {
      if (!in_.rest().empty()) print_field('x');
      return;
    }
    for (ByteView name = in_.string(); !name.empty() && may_go_on(); name = in_.string()) text(name, '"');
  }

  void number(std::int64_t value) {
    if (in_.ok()) out_ += ' ' + std::to_string(value);
  }
  /// ALTER ROLE ... PASSWORD 'x', dblink('... password=x'): a text that has the word may have the secret.
  void string(ByteView bytes) {
    if (!in_.ok()) return;
    constexpr std::string_view word = "password";
    const auto same = [](char one, char other) { return (one >= 'A' && one <= 'Z' ? one | 0x20 : one) == other; };
    const bool secret = std::search(bytes.begin(), bytes.end(), word.begin(), word.end(), same) != bytes.end();
    secret ? hidden(bytes.size()) : text(bytes, '"');
  }
  void hidden(std::size_t size) { out_ += " <" + std::to_string(size) + " bytes>"; }

  /// `quote` stands around the text; ' ' for none.
  void text(ByteView bytes, char quote) {
    if (!in_.ok()) return;
    out_ += ' ';
    if (quote != ' ') out_ += quote;
    for (std::size_t i = 0; i < bytes.size() && has_room(); ++i) character(bytes[i]);
    if (quote != ' ') out_ += quote;
  }
  void character(char c) {
    constexpr std::string_view hex = "0123456789abcdef";
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0x20 && octet < 0x7f) out_ += c;
    else out_.append("\\x").append(1, hex[octet >> 4]).append(1, hex[octet & 15]);
  }

  std::string& out_;
  BodyReader in_;
  std::size_t limit_;
};

}  // namespace

std::string_view message_name(Direction direction, char type) {
  const MessageFormat* const format = find_format(direction, type);
  return format == nullptr ? "Unknown" : format->name;
}

void trace(std::string& out, Direction direction, const FrameHeader& header, ByteView body) {
  const MessageFormat* const format = find_format(direction, header.type);
  out += direction == Direction::from_frontend ? 'F' : 'B';
  out += '\t' + std::to_string(std::size_t{header.body_size} + 4) + '\t';
  out += format == nullptr ? "Unknown" : format->name;
  out += '\t';
  FieldPrinter printer(out, body);
  printer.print(format == nullptr ? "x" : format->fields);
  printer.finish(body.size() < header.body_size);
}

}  // namespace pgswitch::protocol
