#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgswitch::stand_in {

struct S3Key {
  std::string id, secret, token;  ///< token: of temporary credentials, else empty
};

/// A request to S3 that is to be signed. Path and query values are not encoded yet.
struct S3Request {
  std::string method = "GET";
  std::string host;
  std::string path = "/";
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::pair<std::string, std::string>> headers;  ///< besides those that signing adds; names in lower case
  std::string content;
};

std::string encode_uri(std::string_view text, bool keep_slashes);
/// "path?query", encoded.
std::string target_of(const S3Request& request);
/// Adds x-amz-date, x-amz-content-sha256, x-amz-security-token and Authorization (AWS, "Authenticating Requests: Using the Authorization
/// Header (AWS Signature Version 4)"; redshift facts 3.4). `moment`: YYYYMMDD'T'HHMMSS'Z'.
void sign(S3Request& request, const S3Key& key, std::string_view region, std::string_view moment);

}  // namespace pgswitch::stand_in
