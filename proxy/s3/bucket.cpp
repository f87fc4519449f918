#include "proxy/s3/bucket.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <random>
#include <thread>

namespace pgswitch::s3 {

namespace {

struct Address {
  std::string scheme_and_host, host, path;
};

/// Virtual-hosted style at Amazon, unless the name would not fit its certificate; path style elsewhere.
Address address_of(const Location& location, const std::string& key) {
  const std::string path = '/' + uri_encoded(key, true), bucket = '/' + uri_encoded(location.bucket, false);
  if (!location.endpoint.empty()) {
    std::string base = location.endpoint;
    while (base.ends_with('/')) base.pop_back();
    const std::size_t scheme = base.find("://");
    if (scheme == std::string::npos) return {"https://" + base, base, bucket + path};
    return {base, base.substr(scheme + 3), bucket + path};
  }
  const std::string domain = location.region.starts_with("cn-") ? ".amazonaws.com.cn" : ".amazonaws.com";
  const std::string service = "s3." + location.region + domain;
  if (location.bucket.find('.') != std::string::npos) return {"https://" + service, service, bucket + path};
  const std::string host = location.bucket + '.' + service;
  return {"https://" + host, host, path};
}

bool may_pass(const HttpResponse& response, std::string_view code) {
  return response.status == 0 || response.status >= 500 || response.status == 429 || code == "RequestTimeout" || code == "SlowDown" ||
         code == "InternalError";
}

bool is_expired(std::string_view code) { return code == "ExpiredToken" || code == "TokenRefreshRequired"; }

}  // namespace

std::string xml_text(std::string_view xml, std::string_view name) {
  const std::string open = '<' + std::string(name) + '>', close = "</" + std::string(name) + '>';
  const std::size_t begin = xml.find(open);
  if (begin == std::string_view::npos) return {};
  const std::size_t end = xml.find(close, begin);
  if (end == std::string_view::npos) return {};
  return std::string(xml.substr(begin + open.size(), end - begin - open.size()));
}

HttpResponse Bucket::send(const char* method, const std::string& key, const Query& query, std::string_view body, const Keys& keys) {
  const Address address = address_of(location_, key);
  SignedRequest request{method, address.host, address.path, query, {}, body};
  HttpRequest http;
  http.method = method;
  http.url = address.scheme_and_host + address.path;
  if (!query.empty()) http.url += '?' + query_string(query);
  http.headers = signed_headers(request, keys, location_.region, "s3", std::time(nullptr));
  http.body = body;
  http.stop = stop_;
  return http_.perform(http);
}

/// False: it has been given up.
bool Bucket::pause(int attempt) const {
  thread_local std::minstd_rand random(std::random_device{}());
  std::int64_t most = std::min(longest_pause_ms, first_pause_ms << std::min(attempt, 16));
  std::int64_t left = std::uniform_int_distribution<std::int64_t>(most / 2, most)(random);
  for (; left > 0; left -= 50) {
    if (stop_ && stop_->load()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(std::min<std::int64_t>(left, 50)));
  }
  return !stop_ || !stop_->load();
}

Outcome Bucket::call(const char* method, const std::string& key, const Query& query, std::string_view body) {
  Outcome outcome;
  bool fresh = false;
  for (int attempt = 0;; ++attempt) {
    std::string error;
    const Keys keys = keys_(fresh, error);
    if (keys.empty()) return outcome.message = std::move(error), outcome;
    const HttpResponse response = send(method, key, query, body, keys);
    const std::string code = xml_text(response.body, "Code");
    outcome.status = response.status;
    outcome.ok = response.status >= 200 && response.status < 300 && !response.body.starts_with("<Error") &&
                 response.body.find("<Error>") == std::string::npos;
    if (outcome.ok) {
      outcome.value = response.body.empty() ? std::string(response.header("etag")) : response.body;
      outcome.message.clear();
      return outcome;
    }
    outcome.message = response.status == 0 ? response.error : "HTTP status " + std::to_string(response.status);
    if (!code.empty()) outcome.message += ' ' + code;
    const std::string text = xml_text(response.body, "Message");
    if (!text.empty()) outcome.message += ": " + text;
    const bool expired = is_expired(code) && !fresh;
    // A 200 with an error in it (CompleteMultipartUpload) may pass, too.
    if (!expired && !may_pass(response, code) && response.status != 200) return outcome;
    fresh = expired;
    if (attempt + 1 >= attempts || !pause(attempt)) return outcome;
  }
}

Outcome Bucket::put(const std::string& key, std::string_view body) { return call("PUT", key, {}, body); }

Outcome Bucket::remove(const std::string& key) {
  Outcome outcome = call("DELETE", key, {}, {});
  outcome.ok |= outcome.status == 404;
  return outcome;
}

Outcome Bucket::begin(const std::string& key) {
  Outcome outcome = call("POST", key, {{"uploads", ""}}, {});
  if (!outcome.ok) return outcome;
  outcome.value = xml_text(outcome.value, "UploadId");
  outcome.ok = !outcome.value.empty();
  if (!outcome.ok) outcome.message = "the server's answer has no UploadId";
  return outcome;
}

Outcome Bucket::part(const std::string& key, const std::string& upload, int number, std::string_view body) {
  return call("PUT", key, {{"partNumber", std::to_string(number)}, {"uploadId", upload}}, body);
}

Outcome Bucket::complete(const std::string& key, const std::string& upload, const std::vector<std::string>& etags) {
  std::string body = "<CompleteMultipartUpload>";
  int number = 0;
  for (const std::string& etag : etags)
    body += "<Part><PartNumber>" + std::to_string(++number) + "</PartNumber><ETag>" + etag + "</ETag></Part>";
  return call("POST", key, {{"uploadId", upload}}, body += "</CompleteMultipartUpload>");
}

Outcome Bucket::abort(const std::string& key, const std::string& upload) {
  Outcome outcome = call("DELETE", key, {{"uploadId", upload}}, {});
  outcome.ok |= outcome.status == 404;
  return outcome;
}

}  // namespace pgswitch::s3
