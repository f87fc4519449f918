#include "proxy/s3/http.hpp"

#include <curl/curl.h>
#include <algorithm>
#include <mutex>

namespace pgswitch::s3 {

namespace {

constexpr std::size_t largest_answer = 1u << 20;
constexpr std::size_t most_kept = 16;

std::size_t take_body(char* data, std::size_t one, std::size_t count, void* to) {
  auto& response = *static_cast<HttpResponse*>(to);
  if (response.body.size() + one * count > largest_answer) return 0;
  response.body.append(data, one * count);
  return one * count;
}

std::size_t take_header(char* data, std::size_t one, std::size_t count, void* to) {
  auto& response = *static_cast<HttpResponse*>(to);
  std::string_view line(data, one * count);
  if (line.starts_with("HTTP/")) response.headers.clear();  // of a "100 Continue"
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return one * count;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  line.remove_prefix(colon + 1);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n' || line.back() == ' ')) line.remove_suffix(1);
  response.headers.emplace_back(std::move(name), std::string(line));
  return one * count;
}

struct Upload {
  std::string_view rest;
  std::string_view whole;
};

std::size_t give_body(char* room, std::size_t one, std::size_t count, void* from) {
  auto& upload = *static_cast<Upload*>(from);
  const std::size_t size = std::min(one * count, upload.rest.size());
  std::copy_n(upload.rest.data(), size, room);
  upload.rest.remove_prefix(size);
  return size;
}

int rewind_body(void* from, curl_off_t offset, int origin) {
  auto& upload = *static_cast<Upload*>(from);
  if (origin != SEEK_SET || offset < 0 || static_cast<std::size_t>(offset) > upload.whole.size()) return CURL_SEEKFUNC_FAIL;
  upload.rest = upload.whole.substr(static_cast<std::size_t>(offset));
  return CURL_SEEKFUNC_OK;
}

int look_at_stop(void* stop, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const std::atomic<bool>*>(stop)->load() ? 1 : 0;
}

}  // namespace

std::string_view HttpResponse::header(std::string_view name) const {
  for (const auto& [known, value] : headers)
    if (known == name) return value;
  return {};
}

struct Curl::Handles {
  std::mutex mutex;
  std::vector<CURL*> idle;

  CURL* take() {
    const std::lock_guard lock(mutex);
    if (idle.empty()) return curl_easy_init();
    CURL* const handle = idle.back();
    idle.pop_back();
    return handle;
  }
  void give_back(CURL* handle) {
    curl_easy_reset(handle);  // its connections stay
    const std::lock_guard lock(mutex);
    if (idle.size() < most_kept)
      idle.push_back(handle);
    else
      curl_easy_cleanup(handle);
  }
};

Curl::Curl() : handles_(std::make_unique<Handles>()) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

Curl::~Curl() {
  for (CURL* const handle : handles_->idle) curl_easy_cleanup(handle);
}

HttpResponse Curl::perform(const HttpRequest& request) {
  HttpResponse response;
  CURL* const handle = handles_->take();
  if (!handle) return response.error = "out of memory", response;
  Upload upload{request.body, request.body};
  curl_slist* lines = nullptr;
  for (const auto& [name, value] : request.headers) lines = curl_slist_append(lines, (name + (value.empty() ? ";" : ": " + value)).c_str());
  const bool sends = request.method == "PUT" || request.method == "POST";
  if (sends) lines = curl_slist_append(lines, "Expect:");
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(handle, option, value); };
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
  set(CURLOPT_HTTPHEADER, lines);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_PATH_AS_IS, 1L);  // what was signed
  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request.connect_timeout_ms));
  if (request.timeout_ms > 0) {
    set(CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout_ms));
  } else {
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, 60L);
  }
  set(CURLOPT_WRITEFUNCTION, take_body);
  set(CURLOPT_WRITEDATA, &response);
  set(CURLOPT_HEADERFUNCTION, take_header);
  set(CURLOPT_HEADERDATA, &response);
  if (request.method == "HEAD") set(CURLOPT_NOBODY, 1L);
  if (request.method == "PUT") {
    set(CURLOPT_UPLOAD, 1L);
    set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    set(CURLOPT_READFUNCTION, give_body);
    set(CURLOPT_READDATA, &upload);
    set(CURLOPT_SEEKFUNCTION, rewind_body);
    set(CURLOPT_SEEKDATA, &upload);
    set(CURLOPT_UPLOAD_BUFFERSIZE, 1L << 18);
  } else if (sends) {
    set(CURLOPT_POSTFIELDS, request.body.data() ? request.body.data() : "");
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  if (request.stop) {
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, look_at_stop);
    set(CURLOPT_XFERINFODATA, const_cast<std::atomic<bool>*>(request.stop));
  }
  const CURLcode result = curl_easy_perform(handle);
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  // A server that refuses may close before it has read everything: its answer counts.
  const bool answered = result == CURLE_OK || (result == CURLE_SEND_ERROR && status >= 300);
  if (answered)
    response.status = static_cast<int>(status);
  else
    response.error = curl_easy_strerror(result);
  curl_slist_free_all(lines);
  handles_->give_back(handle);
  return response;
}

}  // namespace pgswitch::s3
