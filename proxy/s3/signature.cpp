#include "proxy/s3/signature.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace pgswitch::s3 {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    text += hex_digits[static_cast<unsigned char>(c) >> 4];
    text += hex_digits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

std::string hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       digest.data(), &size);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

bool is_unreserved(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
}

/// Without blanks around, runs of them inside as one.
std::string trimmed(std::string_view value) {
  std::string text;
  for (const char c : value)
    if (c != ' ' || (!text.empty() && text.back() != ' ')) text += c;
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

}  // namespace

std::string uri_encoded(std::string_view text, bool keep_slash) {
  constexpr std::string_view upper = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_unreserved(c) || (keep_slash && c == '/')) {
      out += c;
      continue;
    }
    out += '%';
    out += upper[static_cast<unsigned char>(c) >> 4];
    out += upper[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string query_string(Query query) {
  for (auto& [name, value] : query) name = uri_encoded(name, false), value = uri_encoded(value, false);
  std::sort(query.begin(), query.end());
  std::string out;
  for (const auto& [name, value] : query) out += (out.empty() ? "" : "&") + name + '=' + value;
  return out;
}

std::string sha256_hex(std::string_view bytes) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), digest.data());
  return hex({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

std::string amz_date(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  return text.data();
}

Headers signed_headers(const SignedRequest& request, const Keys& keys, std::string_view region, std::string_view service,
                       std::int64_t now) {
  const std::string date = amz_date(now), day = date.substr(0, 8), payload = sha256_hex(request.body);
  const std::string scope = day + '/' + std::string(region) + '/' + std::string(service) + "/aws4_request";
  Headers headers = request.headers;
  headers.emplace_back("host", request.host);
  headers.emplace_back("x-amz-content-sha256", payload);
  headers.emplace_back("x-amz-date", date);
  if (!keys.session_token.empty()) headers.emplace_back("x-amz-security-token", keys.session_token);
  std::sort(headers.begin(), headers.end());
  std::string canonical = request.method + '\n' + request.path + '\n' + query_string(request.query) + '\n', names;
  for (const auto& [name, value] : headers) {
    canonical += name + ':' + trimmed(value) + '\n';
    names += (names.empty() ? "" : ";") + name;
  }
  canonical += '\n' + names + '\n' + payload;
  const std::string text = "AWS4-HMAC-SHA256\n" + date + '\n' + scope + '\n' + sha256_hex(canonical);
  std::string key = hmac("AWS4" + keys.secret_key, day);
  for (const std::string_view part : {region, service, std::string_view("aws4_request")}) key = hmac(key, part);
  headers.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=" + keys.access_key + '/' + scope + ", SignedHeaders=" + names +
                                            ", Signature=" + hex(hmac(key, text)));
  return headers;
}

}  // namespace pgswitch::s3
