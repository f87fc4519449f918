#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/sql_error.hpp"

namespace pgswitch::copy {

/// How the characters of an encoding are told apart (src/common/wchar.c of PostgreSQL). In all of them a byte below 0x80 that does not
/// belong to the character before it is ASCII.
enum class Shape : std::uint8_t { utf8, single, two, sjis, euc, euc_kr, euc_cn, euc_tw, gb18030 };

/// An encoding of clients (manual, 24.3.1 Supported Character Sets).
struct ClientEncoding {
  std::string_view name;  ///< as PostgreSQL tells it
  Shape shape;
  const char* iconv;      ///< its name in the C library; "": there is none
};

/// By any of its names, in any spelling; nullptr: PostgreSQL knows none such. SQL_ASCII has the shape utf8: bytes pass as they are.
const ClientEncoding* find_client_encoding(std::string_view name);

/// A conversion of the C library, or none. Move-only.
class Iconv {
 public:
  Iconv(const char* to, const char* from);
  ~Iconv();
  Iconv(const Iconv&) = delete;
  Iconv& operator=(const Iconv&) = delete;
  bool is_open() const;
  /// Appends `text`, whole characters, to `out`. How many of its bytes were taken: fewer than all, the next character is none there.
  std::size_t convert(std::string_view text, std::string& out);

 private:
  void* descriptor_;
};

/// Makes UTF-8 of a stream in another encoding, cut as it likes. Errors are PostgreSQL's: 22021 for what is no character, 22P05 for what
/// has no equivalent.
class ToUtf8 {
 public:
  explicit ToUtf8(const ClientEncoding& encoding);
  /// The C library has the encoding.
  bool is_open() const { return iconv_.is_open(); }
  /// Appends the characters that `bytes` end to `out`. False: error(), and `out` has what stands before it.
  bool convert(std::string_view bytes, std::string& out);
  /// All of it has come. False: it ends in the middle of a character.
  bool finish();
  const protocol::SqlError& error() const { return error_; }

 private:
  bool convert_whole(std::string_view& bytes, std::string& out);
  bool convert_characters(std::string_view characters, std::string& out);
  bool fail_invalid(std::string_view character);
  bool fail_unknown(std::string_view character);

  const ClientEncoding& encoding_;
  Iconv iconv_;
  std::array<std::string, 128> singles_;  ///< what the bytes above 0x7f are by themselves: to the C library, where to PostgreSQL one begins a longer character
  std::string rest_;                      ///< the beginning of a character
  protocol::SqlError error_;
};

/// Writes UTF-8 in another encoding.
class FromUtf8 {
 public:
  explicit FromUtf8(const ClientEncoding& encoding);
  bool is_open() const { return iconv_.is_open(); }
  /// Appends `text` to `out`. False: error(), 22P05.
  bool convert(std::string_view text, std::string& out);
  const protocol::SqlError& error() const { return error_; }

 private:
  const ClientEncoding& encoding_;
  Iconv iconv_;
  protocol::SqlError error_;
};

/// UTF-8 for the eyes of a client: a question mark stands for what the encoding lacks.
std::string in_encoding(const ClientEncoding& encoding, std::string_view text);

}  // namespace pgswitch::copy
