#include "rules/quoting.hpp"

#include <algorithm>
#include <iterator>

#include "rules/pg_nodes.hpp"
#include "rules/tokens.hpp"

extern "C" {
#include "common/keywords.h"
}

namespace pgswitch::rules {
namespace {

/// What Redshift reserves and PostgreSQL does not (Redshift Developer Guide, "Reserved words"). SYSDATE and CURRENT_USER_ID are not among them: they
/// are functions there, which are written like columns.
constexpr std::string_view redshift_reserved[] = {
    "aes128", "aes256", "allowoverwrite", "az64", "backup", "blanksasnull", "bytedict", "bzip2", "credentials", "deflate", "defrag",
    "delta", "delta32k", "disable", "emptyasnull", "enable", "encode", "encrypt", "encryption", "explicit", "globaldict256", "globaldict64k", "gzip",
    "identity", "ignore", "language", "lun", "luns", "lzo", "lzop", "minus", "mostly13", "mostly32", "mostly8", "new", "nulls", "off", "offline", "oid",
    "old", "open", "parallel", "partition", "percent", "permissions", "pivot", "raw", "readratio", "recover", "rejectlog", "resort", "respect", "restore",
    "snapshot", "system", "tag", "tdes", "text255", "text32k", "timestamp", "top", "truncatecolumns", "unnest", "unpivot", "wallet", "without",
};
static_assert(std::is_sorted(std::begin(redshift_reserved), std::end(redshift_reserved)));

bool is_plain_name(std::string_view name) {
  const auto part = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; };
  if (name.empty() || (name[0] >= '0' && name[0] <= '9') || !std::all_of(name.begin(), name.end(), part)) return false;
  const int keyword = ScanKeywordLookup(std::string(name).c_str(), &ScanKeywords);
  if (keyword >= 0 && ScanKeywordCategories[keyword] != UNRESERVED_KEYWORD) return false;
  return !std::binary_search(std::begin(redshift_reserved), std::end(redshift_reserved), name);
}

}  // namespace

std::string quote_literal(std::string_view text) {
  std::string result = text.find('\\') == std::string_view::npos ? "'" : "E'";
  for (char c : text) {
    if (c == '\'' || c == '\\') result.push_back(c);
    result.push_back(c);
  }
  return result + "'";
}

std::string quote_alike(std::string_view sql) {
  std::string result;
  std::size_t copied = 0;
  TokenReader reader(sql);
  for (Token token = reader.next(); token.type != TokenType::end; token = reader.next()) {
    const std::string_view own = reader.text(token);
    if (token.type != TokenType::string || own.find('\\') == std::string_view::npos) continue;
    result.append(sql.substr(copied, token.begin - copied)).append(1, 'E');
    for (const char c : own) result.append(c == '\\' ? 2 : 1, c);
    copied = token.begin + std::size_t{token.size};
  }
  return result.append(sql.substr(copied));
}

std::string quote_name(std::string_view name) {
  if (is_plain_name(name)) return std::string(name);
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted += '"';
}

std::string quote_dotted(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return quote_name(name);
  return quote_name(name.substr(0, dot)) + "." + quote_dotted(name.substr(dot + 1));
}

std::string unquote_name(std::string_view text) {
  std::string name;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    name += text[i];
    i += text[i] == '"';
  }
  return name;
}

std::string fold_name(std::string_view text) {
  std::string name(text);
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return name;
}

}  // namespace pgswitch::rules
