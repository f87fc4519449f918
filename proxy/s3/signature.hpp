#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proxy/s3/http.hpp"

/// AWS Signature Version 4 (Amazon S3 API Reference, "Authenticating Requests: Using the Authorization Header"). Signed by ourselves:
/// libcurl 7.88 signs the query of a URL as it stands, unsorted and unencoded ("?uploads", "a/b").
namespace pgswitch::s3 {

struct Keys {
  std::string access_key, secret_key;
  std::string session_token;    ///< of temporary ones
  std::int64_t expires = 0;     ///< seconds since 1970; 0: never
  bool empty() const { return access_key.empty(); }
};

using Query = std::vector<std::pair<std::string, std::string>>;

struct SignedRequest {
  std::string method;
  std::string host;          ///< with the port where the URL has one
  std::string path;          ///< as it is in the URL, encoded by uri_encoded()
  Query query;               ///< not encoded
  Headers headers;           ///< to be signed beside host and x-amz-*; names in lower case
  std::string_view body;
};

/// Every byte but unreserved ones as %XX; `/` too unless `keep_slash`.
std::string uri_encoded(std::string_view text, bool keep_slash);
/// "a=b&c=" sorted and encoded.
std::string query_string(Query query);
std::string sha256_hex(std::string_view bytes);
/// "20130524T000000Z".
std::string amz_date(std::int64_t seconds);

/// The headers that authenticate the request, those of the request itself included. `service`: "s3" or "sts".
Headers signed_headers(const SignedRequest& request, const Keys& keys, std::string_view region, std::string_view service, std::int64_t now);

}  // namespace pgswitch::s3
