#include "tests/rules/oracle_tokens.hpp"

#include <pg_query.h>

namespace pgswitch::rules {
namespace {

std::uint64_t varint(const char*& p) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*p++);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

/// ScanToken of pg_query.proto: field 1 is the start, 2 the end, further ones are numbers too.
std::pair<std::uint64_t, std::uint64_t> scan_token(const char* p, const char* end) {
  std::pair<std::uint64_t, std::uint64_t> place;
  while (p < end) {
    const std::uint64_t field = varint(p) >> 3, value = varint(p);
    if (field == 1) place.first = value;
    if (field == 2) place.second = value;
  }
  return place;
}

}  // namespace

std::optional<Places> oracle_tokens(const std::string& sql) {
  const PgQueryScanResult result = pg_query_scan(sql.c_str());
  std::optional<Places> places;
  if (!result.error) {
    places.emplace();
    const char* p = result.pbuf.data;
    const char* end = p + result.pbuf.len;
    while (p < end) {
      const std::uint64_t key = varint(p), value = varint(p);
      if ((key & 7) != 2) continue;
      if (key >> 3 == 2) places->push_back(scan_token(p, p + value));
      p += value;
    }
  }
  pg_query_free_scan_result(result);
  return places;
}

bool is_unicode_token(const std::string& sql, std::uint64_t begin) {
  return begin + 2 < sql.size() && (sql[begin] | 0x20) == 'u' && sql[begin + 1] == '&' && (sql[begin + 2] == '\'' || sql[begin + 2] == '"');
}

}  // namespace pgswitch::rules
