#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgswitch::s3 {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;
  std::string url;
  Headers headers{};
  std::string_view body{};                   ///< must stay in place until the answer is here
  std::int64_t timeout_ms = 0;               ///< for all of it; 0: as long as something moves
  std::int64_t connect_timeout_ms = 10'000;
  const std::atomic<bool>* stop = nullptr;   ///< true: the request is given up
};

struct HttpResponse {
  int status = 0;      ///< 0: there was no answer, see `error`
  Headers headers;     ///< names in lower case
  std::string body;
  std::string error;
  std::string_view header(std::string_view name) const;
};

/// Performs requests. Blocks; any thread.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual HttpResponse perform(const HttpRequest& request) = 0;
};

/// By libcurl: HTTP/1.1, certificates and names of servers are checked, no redirections. Connections are kept for the next request.
class Curl final : public HttpClient {
 public:
  Curl();
  ~Curl() override;
  HttpResponse perform(const HttpRequest& request) override;

 private:
  struct Handles;
  std::unique_ptr<Handles> handles_;
};

}  // namespace pgswitch::s3
