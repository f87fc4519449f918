#include "proxy/copy/client_encoding.hpp"

#include <iconv.h>
#include <algorithm>
#include <cerrno>
#include <utility>

namespace pgswitch::copy {

using protocol::SqlError;

namespace {

/// PostgreSQL's encodings (src/common/encnames.c). glibc's CP932 is what PostgreSQL calls SJIS: a backslash is one;
/// EUC-JP-MS is its EUC_JP.
constexpr ClientEncoding encodings[] = {
    {"UTF8", Shape::utf8, ""},
    {"SQL_ASCII", Shape::utf8, ""},
    {"BIG5", Shape::two, "BIG5"},
    {"EUC_CN", Shape::euc_cn, "EUC-CN"},
    {"EUC_JIS_2004", Shape::euc, "EUC-JISX0213"},
    {"EUC_JP", Shape::euc, "EUC-JP-MS"},
    {"EUC_KR", Shape::euc_kr, "EUC-KR"},
    {"EUC_TW", Shape::euc_tw, "EUC-TW"},
    {"GB18030", Shape::gb18030, "GB18030"},
    {"GBK", Shape::two, "GBK"},
    {"ISO_8859_5", Shape::single, "ISO-8859-5"},
    {"ISO_8859_6", Shape::single, "ISO-8859-6"},
    {"ISO_8859_7", Shape::single, "ISO-8859-7"},
    {"ISO_8859_8", Shape::single, "ISO-8859-8"},
    {"JOHAB", Shape::two, ""},
    {"KOI8R", Shape::single, "KOI8-R"},
    {"KOI8U", Shape::single, "KOI8-U"},
    {"LATIN1", Shape::single, "ISO-8859-1"},
    {"LATIN2", Shape::single, "ISO-8859-2"},
    {"LATIN3", Shape::single, "ISO-8859-3"},
    {"LATIN4", Shape::single, "ISO-8859-4"},
    {"LATIN5", Shape::single, "ISO-8859-9"},
    {"LATIN6", Shape::single, "ISO-8859-10"},
    {"LATIN7", Shape::single, "ISO-8859-13"},
    {"LATIN8", Shape::single, "ISO-8859-14"},
    {"LATIN9", Shape::single, "ISO-8859-15"},
    {"LATIN10", Shape::single, "ISO-8859-16"},
    {"MULE_INTERNAL", Shape::two, ""},
    {"SHIFT_JIS_2004", Shape::sjis, "SHIFT_JISX0213"},
    {"SJIS", Shape::sjis, "CP932"},
    {"UHC", Shape::two, "UHC"},
    {"WIN1250", Shape::single, "CP1250"},
    {"WIN1251", Shape::single, "CP1251"},
    {"WIN1252", Shape::single, "CP1252"},
    {"WIN1253", Shape::single, "CP1253"},
    {"WIN1254", Shape::single, "CP1254"},
    {"WIN1255", Shape::single, "CP1255"},
    {"WIN1256", Shape::single, "CP1256"},
    {"WIN1257", Shape::single, "CP1257"},
    {"WIN1258", Shape::single, "CP1258"},
    {"WIN866", Shape::single, "CP866"},
    {"WIN874", Shape::single, "CP874"},
};

/// Other names, without what stands between letters and digits (encnames.c, pg_encname_tbl).
constexpr std::pair<std::string_view, std::string_view> aliases[] = {
    {"abc", "WIN1258"},       {"alt", "WIN866"},         {"iso88591", "LATIN1"},   {"iso885910", "LATIN6"},  {"iso885913", "LATIN7"},
    {"iso885914", "LATIN8"},  {"iso885915", "LATIN9"},   {"iso885916", "LATIN10"}, {"iso88592", "LATIN2"},   {"iso88593", "LATIN3"},
    {"iso88594", "LATIN4"},   {"iso88599", "LATIN5"},    {"koi8", "KOI8R"},        {"mskanji", "SJIS"},      {"shiftjis", "SJIS"},
    {"tcvn", "WIN1258"},      {"tcvn5712", "WIN1258"},   {"unicode", "UTF8"},      {"vscii", "WIN1258"},     {"win", "WIN1251"},
    {"win932", "SJIS"},       {"win936", "GBK"},         {"win949", "UHC"},        {"win950", "BIG5"},       {"windows1250", "WIN1250"},
    {"windows1251", "WIN1251"}, {"windows1252", "WIN1252"}, {"windows1253", "WIN1253"}, {"windows1254", "WIN1254"},
    {"windows1255", "WIN1255"}, {"windows1256", "WIN1256"}, {"windows1257", "WIN1257"}, {"windows1258", "WIN1258"},
    {"windows866", "WIN866"}, {"windows874", "WIN874"},  {"windows932", "SJIS"},   {"windows936", "GBK"},    {"windows949", "UHC"},
    {"windows950", "BIG5"},
};

/// Letters and digits alone, in lower case (clean_encoding_name()).
std::string clean(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    const char low = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    if ((low >= 'a' && low <= 'z') || (low >= '0' && low <= '9')) plain += low;
  }
  return plain;
}

unsigned byte(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }
bool is_high(char c) { return (c & 0x80) != 0; }
bool in_euc(unsigned c) { return c >= 0xa1 && c <= 0xfe; }

/// Bytes of the character that begins with `text`, not in ASCII; 0: the next one has to be known.
std::size_t length_of(Shape shape, std::string_view text) {
  constexpr unsigned ss2 = 0x8e, ss3 = 0x8f;
  const unsigned first = byte(text, 0);
  switch (shape) {
    case Shape::sjis: return first >= 0xa1 && first <= 0xdf ? 1 : 2;
    case Shape::euc:
    case Shape::euc_kr: return first == ss3 ? 3 : 2;
    case Shape::euc_cn: return first == ss2 || first == ss3 ? 3 : 2;
    case Shape::euc_tw: return first == ss2 ? 4 : first == ss3 ? 3 : 2;
    case Shape::gb18030:
      if (text.size() < 2) return 0;
      return text[1] >= '0' && text[1] <= '9' ? 4 : 2;
    case Shape::utf8: return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    case Shape::two: return 2;
    case Shape::single: break;
  }
  return 1;
}

bool may_be_character(Shape shape, std::string_view text) {
  const unsigned first = byte(text, 0), second = text.size() > 1 ? byte(text, 1) : 0;
  switch (shape) {
    case Shape::sjis:
      if (text.size() == 1) return true;
      return ((first >= 0x81 && first <= 0x9f) || (first >= 0xe0 && first <= 0xfc)) && second >= 0x40 && second <= 0xfc && second != 0x7f;
    case Shape::gb18030: {
      const auto outer = [](unsigned c) { return c >= 0x81 && c <= 0xfe; };
      if (text.size() == 4) return outer(first) && outer(byte(text, 2)) && byte(text, 3) >= '0' && byte(text, 3) <= '9';
      return outer(first) && second >= 0x40 && second <= 0xfe && second != 0x7f;
    }
    case Shape::euc:
      if (first == 0x8e) return second >= 0xa1 && second <= 0xdf;
      [[fallthrough]];
    case Shape::euc_kr:
    case Shape::euc_cn:
      if (text.size() == 2 && !in_euc(first)) return false;
      [[fallthrough]];
    case Shape::euc_tw:
      return std::all_of(text.begin() + 1, text.end(), [](char c) { return in_euc(static_cast<unsigned char>(c)); });
    default: return text.find('\0') == std::string_view::npos && text != "\x8d ";
  }
}

/// Whether the C library takes the character, or its first byte, for something else than PostgreSQL does.
bool is_misread(const ClientEncoding& encoding, std::string_view character, bool first_is_one) {
  if (character.size() == 1) return false;
  return first_is_one || (encoding.name == "UHC" && character == "\xa2\xe8");  // it takes that and makes nothing of it
}

/// Whether what the C library writes for the first character of the UTF-8 `text` would be read as another: a control as the beginning
/// of a longer one, a yen sign or an overline as ASCII.
bool is_miswritten(Shape shape, std::string_view text) {
  const bool control = text[0] == '\xc2' && text.size() > 1 && byte(text, 1) < 0xa0;
  const bool as_ascii = text.starts_with("\xc2\xa5") || text.starts_with("\xe2\x80\xbe");
  switch (shape) {
    case Shape::two:
    case Shape::euc_kr: return control;
    case Shape::sjis: return as_ascii;
    default: return false;
  }
}

std::string shown(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += text.empty() ? "0x" : " 0x";
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[c & 15];
  }
  return text;
}

SqlError no_equivalent(std::string_view character, std::string_view from, std::string_view to) {
  SqlError error;
  error.sqlstate = "22P05";  // untranslatable_character
  error.message = "character with byte sequence " + shown(character) + " in encoding \"" + std::string(from) +
                  "\" has no equivalent in encoding \"" + std::string(to) + '"';
  return error;
}

const iconv_t closed = reinterpret_cast<iconv_t>(-1);

}  // namespace

const ClientEncoding* find_client_encoding(std::string_view name) {
  std::string plain = clean(name);
  for (const auto& [alias, usual] : aliases)
    if (plain == alias) plain = clean(usual);
  const auto is_it = [&](const ClientEncoding& one) { return clean(one.name) == plain; };
  const auto* const found = std::find_if(std::begin(encodings), std::end(encodings), is_it);
  return found == std::end(encodings) ? nullptr : found;
}

Iconv::Iconv(const char* to, const char* from) : descriptor_(*to == '\0' || *from == '\0' ? closed : iconv_open(to, from)) {}

Iconv::~Iconv() {
  if (is_open()) iconv_close(descriptor_);
}

bool Iconv::is_open() const { return descriptor_ != closed; }

std::size_t Iconv::convert(std::string_view text, std::string& out) {
  std::array<char, 4096> room;
  char* from = const_cast<char*>(text.data());
  std::size_t left = text.size();
  bool stopped = false;
  // Some keep a character to themselves that may combine with the next one: they are asked for it.
  for (bool flushed = false; !flushed;) {
    char* to = room.data();
    std::size_t space = room.size();
    const bool flushing = left == 0 || stopped;
    const std::size_t done = flushing ? iconv(descriptor_, nullptr, nullptr, &to, &space) : iconv(descriptor_, &from, &left, &to, &space);
    out.append(room.data(), room.size() - space);
    if (done != static_cast<std::size_t>(-1))
      flushed = flushing;
    else if (errno != E2BIG)
      stopped = true, flushed = flushing;
  }
  return text.size() - left;
}

ToUtf8::ToUtf8(const ClientEncoding& encoding) : encoding_(encoding), iconv_("UTF-8", encoding.iconv) {
  if (!is_open()) return;
  for (unsigned i = 0; i < singles_.size(); ++i) {
    const char c = static_cast<char>(0x80 + i);
    iconv_.convert({&c, 1}, singles_[i]);
  }
}

bool ToUtf8::fail_invalid(std::string_view character) {
  error_ = {};
  error_.sqlstate = "22021";  // character_not_in_repertoire
  error_.message = "invalid byte sequence for encoding \"" + std::string(encoding_.name) + "\": " + shown(character);
  return false;
}

bool ToUtf8::fail_unknown(std::string_view character) {
  error_ = no_equivalent(character, encoding_.name, "UTF8");
  return false;
}

bool ToUtf8::convert(std::string_view bytes, std::string& out) {
  if (rest_.empty()) {
    if (!convert_whole(bytes, out)) return false;
    rest_ = bytes;
    return true;
  }
  rest_ += bytes;
  const std::string whole = std::exchange(rest_, {});
  std::string_view left = whole;
  if (!convert_whole(left, out)) return false;
  rest_ = left;
  return true;
}

bool ToUtf8::finish() { return rest_.empty() || fail_invalid(rest_); }

/// `bytes` are left with the beginning of a character, if they end in one.
bool ToUtf8::convert_whole(std::string_view& bytes, std::string& out) {
  while (!bytes.empty()) {
    std::size_t end = 0;
    while (end < bytes.size() && !is_high(bytes[end]) && bytes[end] != '\0') ++end;
    out.append(bytes.substr(0, end));
    bytes.remove_prefix(end);
    if (bytes.empty()) return true;
    if (bytes[0] == '\0') return fail_invalid(bytes.substr(0, 1));
    if (encoding_.shape == Shape::single) {
      const std::string& character = singles_[byte(bytes, 0) - 0x80];
      if (character.empty()) return fail_unknown(bytes.substr(0, 1));
      out += character;
      bytes.remove_prefix(1);
      continue;
    }
    std::size_t size = 0;
    bool cut = false, valid = true, known = true;
    for (end = 0; end < bytes.size() && is_high(bytes[end]); end += size) {
      size = length_of(encoding_.shape, bytes.substr(end));
      if ((cut = size == 0 || end + size > bytes.size())) break;
      if (!(valid = may_be_character(encoding_.shape, bytes.substr(end, size)))) break;
      if (!(known = !is_misread(encoding_, bytes.substr(end, size), !singles_[byte(bytes, end) - 0x80].empty()))) break;
    }
    if (!convert_characters(bytes.substr(0, end), out)) return false;
    bytes.remove_prefix(end);
    if (!valid) return fail_invalid(bytes.substr(0, size));
    if (!known) return fail_unknown(bytes.substr(0, size));
    if (cut) return true;
  }
  return true;
}

bool ToUtf8::convert_characters(std::string_view characters, std::string& out) {
  const std::size_t taken = iconv_.convert(characters, out);
  if (taken == characters.size()) return true;
  const std::string_view next = characters.substr(taken);
  return fail_unknown(next.substr(0, length_of(encoding_.shape, next)));
}

FromUtf8::FromUtf8(const ClientEncoding& encoding) : encoding_(encoding), iconv_(encoding.iconv, "UTF-8") {}

std::string in_encoding(const ClientEncoding& encoding, std::string_view text) {
  FromUtf8 writer(encoding);
  std::string out;
  while (!text.empty()) {
    const std::size_t size = std::min(length_of(Shape::utf8, text), text.size());
    if (!writer.is_open() ? is_high(text[0]) : !writer.convert(text.substr(0, size), out))
      out += '?';
    else if (!writer.is_open())
      out += text[0];
    text.remove_prefix(size);
  }
  return out;
}

bool FromUtf8::convert(std::string_view text, std::string& out) {
  while (!text.empty()) {
    std::size_t end = 0;
    while (end < text.size() && !is_high(text[end])) ++end;
    out.append(text.substr(0, end));
    text.remove_prefix(end);
    bool known = true;
    for (end = 0; end < text.size() && is_high(text[end]); end += std::min(length_of(Shape::utf8, text.substr(end)), text.size() - end))
      if (!(known = !is_miswritten(encoding_.shape, text.substr(end)))) break;
    const std::size_t taken = end == 0 ? 0 : iconv_.convert(text.substr(0, end), out);
    if (taken < end || !known) {
      const std::string_view next = text.substr(taken);
      error_ = no_equivalent(next.substr(0, length_of(Shape::utf8, next)), "UTF8", encoding_.name);
      return false;
    }
    text.remove_prefix(end);
  }
  return true;
}

}  // namespace pgswitch::copy
