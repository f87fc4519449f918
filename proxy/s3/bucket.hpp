#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/s3/http.hpp"
#include "proxy/s3/signature.hpp"

namespace pgswitch::s3 {

/// Where objects go.
struct Location {
  std::string bucket;
  std::string region;
  std::string endpoint;  ///< of an S3-compatible server, "https://host:port"; "": Amazon's
};

struct Outcome {
  bool ok = false;
  std::string value;    ///< an upload's id, a part's ETag
  std::string message;  ///< why not, without secrets
  int status = 0;
};

/// The calls of S3 that a load needs (Amazon S3 API Reference). What may pass (5xx, 429, no answer) is tried again, with growing pauses.
/// Blocks; any thread, one at a time for each object.
class Bucket {
 public:
  /// Keys for the next request; `fresh`: the last ones have been refused as expired. Empty, and `error`, when there are none.
  using KeySource = std::function<Keys(bool fresh, std::string& error)>;

  Bucket(HttpClient& http, Location location, KeySource keys, const std::atomic<bool>* stop = nullptr)
      : http_(http), location_(std::move(location)), keys_(std::move(keys)), stop_(stop) {}

  Outcome put(const std::string& key, std::string_view body);
  Outcome remove(const std::string& key);
  /// Multipart uploads: parts have numbers from 1 to 10,000, and 5 MB at least, but the last one.
  Outcome begin(const std::string& key);
  Outcome part(const std::string& key, const std::string& upload, int number, std::string_view body);
  Outcome complete(const std::string& key, const std::string& upload, const std::vector<std::string>& etags);
  Outcome abort(const std::string& key, const std::string& upload);

  int attempts = 6;
  std::int64_t first_pause_ms = 100, longest_pause_ms = 5'000;

 private:
  Outcome call(const char* method, const std::string& key, const Query& query, std::string_view body);
  HttpResponse send(const char* method, const std::string& key, const Query& query, std::string_view body, const Keys& keys);
  bool pause(int attempt) const;

  HttpClient& http_;
  const Location location_;
  const KeySource keys_;
  const std::atomic<bool>* const stop_;
};

/// Text of the first <name> element; "" when there is none.
std::string xml_text(std::string_view xml, std::string_view name);

}  // namespace pgswitch::s3
