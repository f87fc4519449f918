#include "tests/redshift/s3.hpp"

#include <algorithm>
#include <ctime>

#include "tests/redshift/lexer.hpp"

namespace pgswitch::stand_in {
namespace {

std::string now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[17];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

/// What stands between <name> and </name> next from `at` on, which moves behind it; empty and at the end: there is none.
std::string element(const std::string& xml, const std::string& name, std::size_t& at) {
  const std::size_t begin = xml.find("<" + name + ">", at);
  const std::size_t end = begin == std::string::npos ? begin : xml.find("</" + name + ">", begin);
  at = end;
  if (end == std::string::npos) return {};
  std::string text = xml.substr(begin + name.size() + 2, end - begin - name.size() - 2);
  for (const auto& [entity, character] :
       {std::pair<const char*, const char*>{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}, {"&amp;", "&"}})
    for (std::size_t place; (place = text.find(entity)) != std::string::npos;)
      text.replace(place, std::string_view(entity).size(), character);
  return text;
}
std::string first_element(const std::string& xml, const std::string& name) {
  std::size_t at = 0;
  return element(xml, name, at);
}

}  // namespace

S3Place S3Place::parse(const std::string& url) {
  if (!url.starts_with("s3://")) return {};
  const std::size_t slash = std::min(url.find('/', 5), url.size());
  return {url.substr(5, slash - 5), url.substr(std::min(slash + 1, url.size()))};
}

S3::S3(std::string endpoint, S3Key key, std::string region) : key_(std::move(key)), region_(std::move(region)) {
  if (!endpoint.starts_with("http://")) throw Lost("there is no S3: --s3-endpoint http://host:port");
  endpoint.erase(0, 7);
  const std::size_t colon = endpoint.find(':');
  host_ = endpoint.substr(0, colon);
  if (colon != std::string::npos) port_ = static_cast<std::uint16_t>(std::stoul(endpoint.substr(colon + 1)));
}

S3::Answer S3::ask(S3Request request, const MayRead& may_read) {
  Answer answer{0, 0, Channel::connect(host_, port_)};
  request.host = host_ + ":" + std::to_string(port_);
  sign(request, key_, region_, now());
  std::string& out = answer.channel.out();
  out += request.method + " " + target_of(request) + " HTTP/1.1\r\nHost: " + request.host + "\r\nConnection: close\r\n";
  out += "Content-Length: " + std::to_string(request.content.size()) + "\r\n";
  for (const auto& [name, value] : request.headers) out += name + ": " + value + "\r\n";
  out += "\r\n" + request.content;
  answer.channel.flush();
  if (may_read && !may_read(answer.channel)) return answer;

  const std::string status = answer.channel.take_line("\r\n", 8192);
  answer.status = status.size() > 12 ? std::atoi(status.c_str() + 9) : 0;
  for (;;) {
    const std::string line = lower(answer.channel.take_line("\r\n", 65536));
    if (line == "\r\n") break;
    if (line.starts_with("content-length:")) answer.size = std::stoull(line.substr(15));
    if (line.starts_with("transfer-encoding:")) answer.size = UINT64_MAX;
  }
  return answer;
}

/// Of a known length or in chunks (RFC 9112, 7.1).
std::string S3::content_of(Answer& answer) {
  if (answer.size != UINT64_MAX) return answer.channel.take(answer.size);
  std::string content;
  while (const std::size_t size = std::stoul(answer.channel.take_line("\r\n", 100), nullptr, 16)) {
    content += answer.channel.take(size);
    answer.channel.take(2);
  }
  return content;
}

void S3::fail(Answer& answer) {
  const std::string xml = content_of(answer);
  throw S3Error{answer.status, first_element(xml, "Code"), first_element(xml, "Message")};
}

std::vector<std::string> S3::list(const std::string& bucket, const std::string& prefix) {
  std::vector<std::string> keys;
  std::string token;
  do {
    S3Request request;
    request.path = "/" + bucket;
    request.query = {{"list-type", "2"}, {"prefix", prefix}};
    if (!token.empty()) request.query.emplace_back("continuation-token", token);
    Answer answer = ask(request);
    if (answer.status != 200) fail(answer);
    const std::string xml = content_of(answer);
    for (std::size_t at = 0;;) {
      std::string key = element(xml, "Key", at);
      if (at == std::string::npos) break;
      keys.push_back(std::move(key));
    }
    token = first_element(xml, "NextContinuationToken");
  } while (!token.empty());
  return keys;
}

bool S3::get(const S3Place& place, const MayRead& may_read, const std::function<void(std::string_view)>& on_data) {
  S3Request request;
  request.path = "/" + place.bucket + "/" + place.key;
  Answer answer = ask(request, may_read);
  if (answer.status == 0) return false;
  if (answer.status != 200) fail(answer);
  if (answer.size == UINT64_MAX) {
    on_data(content_of(answer));
    return true;
  }
  for (std::uint64_t left = answer.size; left > 0;) {
    if (answer.channel.buffered() == 0 && !may_read(answer.channel)) return false;
    const std::string data = answer.channel.take_some(std::min<std::uint64_t>(left, 1 << 20));
    if (data.empty()) throw S3Error{0, "RequestTimeout", "the connection to S3 was closed before the end of the object"};
    left -= data.size();
    on_data(data);
  }
  return true;
}

void S3::put(const S3Place& place, std::string content) {
  S3Request request;
  request.method = "PUT";
  request.path = "/" + place.bucket + "/" + place.key;
  request.content = std::move(content);
  Answer answer = ask(request);
  if (answer.status != 200) fail(answer);
}

}  // namespace pgswitch::stand_in
