#include "tests/redshift/sigv4.hpp"

#include <algorithm>

#include "protocol/crypto.hpp"
#include "tests/redshift/hex.hpp"

namespace pgswitch::stand_in {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

std::string hex(const protocol::Digest& digest) { return to_hex(protocol::view(digest)); }

std::string query_of(Pairs query) {
  for (auto& [name, value] : query) {
    name = encode_uri(name, false);
    value = encode_uri(value, false);
  }
  std::sort(query.begin(), query.end());
  std::string text;
  for (const auto& [name, value] : query) text += (text.empty() ? "" : "&") + name + "=" + value;
  return text;
}

}  // namespace

std::string encode_uri(std::string_view text, bool keep_slashes) {
  std::string result;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-_.~").find(c) != std::string_view::npos || (keep_slashes && c == '/');
    if (plain) {
      result += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result += '%';
    result += "0123456789ABCDEF"[byte >> 4];
    result += "0123456789ABCDEF"[byte & 15];
  }
  return result;
}

std::string target_of(const S3Request& request) {
  const std::string query = query_of(request.query);
  return encode_uri(request.path, true) + (query.empty() ? "" : "?" + query);
}

void sign(S3Request& request, const S3Key& key, std::string_view region, std::string_view moment) {
  const std::string content_hash = hex(protocol::sha256(request.content));
  request.headers.emplace_back("x-amz-date", moment);
  request.headers.emplace_back("x-amz-content-sha256", content_hash);
  if (!key.token.empty()) request.headers.emplace_back("x-amz-security-token", key.token);

  Pairs headers = request.headers;
  headers.emplace_back("host", request.host);
  std::sort(headers.begin(), headers.end());
  std::string lines, names;
  for (const auto& [name, value] : headers) {
    lines += name + ":" + value + "\n";
    names += (names.empty() ? "" : ";") + name;
  }
  const std::string canonical = request.method + "\n" + encode_uri(request.path, true) + "\n" + query_of(request.query) + "\n" + lines +
                                "\n" + names + "\n" + content_hash;
  const std::string day(moment.substr(0, 8));
  const std::string scope = day + "/" + std::string(region) + "/s3/aws4_request";
  const std::string to_sign = "AWS4-HMAC-SHA256\n" + std::string(moment) + "\n" + scope + "\n" + hex(protocol::sha256(canonical));
  protocol::Digest derived = protocol::hmac_sha256("AWS4" + key.secret, {day});
  for (const std::string_view part : {region, std::string_view("s3"), std::string_view("aws4_request")})
    derived = protocol::hmac_sha256(protocol::view(derived), {part});
  const std::string signature = hex(protocol::hmac_sha256(protocol::view(derived), {to_sign}));
  request.headers.emplace_back(
      "authorization", "AWS4-HMAC-SHA256 Credential=" + key.id + "/" + scope + ", SignedHeaders=" + names + ", Signature=" + signature);
}

}  // namespace pgswitch::stand_in
