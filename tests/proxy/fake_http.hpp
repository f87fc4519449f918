#pragma once
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "proxy/s3/http.hpp"

namespace pgswitch::s3 {

/// Answers what it is told to, in turn or by `server`, and notes what it was asked.
struct FakeHttp final : HttpClient {
  struct Answer {
    int status = 0;
    std::string body;
    std::string etag{};
  };
  struct Seen {
    std::string method, url, body;
    Headers headers;
    std::string line() const { return method + ' ' + url; }
    std::string header(std::string_view name) const {
      for (const auto& [known, value] : headers)
        if (known == name) return value;
      return "";
    }
  };
  std::deque<Answer> answers;
  std::function<Answer(const Seen&)> server;
  std::vector<Seen> seen;

  HttpResponse perform(const HttpRequest& request) override {
    seen.push_back({request.method, request.url, std::string(request.body), request.headers});
    Answer answer;
    if (server) {
      answer = server(seen.back());
    } else if (!answers.empty()) {
      answer = answers.front();
      answers.pop_front();
    }
    HttpResponse response;
    response.status = answer.status;
    response.body = answer.body;
    if (answer.status == 0) response.error = "no answer";
    if (!answer.etag.empty()) response.headers.emplace_back("etag", answer.etag);
    return response;
  }
};

}  // namespace pgswitch::s3
