#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/redshift/channel.hpp"
#include "tests/redshift/sigv4.hpp"

namespace pgswitch::stand_in {

/// What S3 answered instead of what was asked for, with the words of Redshift.
struct S3Error {
  int status = 0;
  std::string code, message;
};

/// "s3://bucket/key"
struct S3Place {
  std::string bucket, key;
  static S3Place parse(const std::string& url);  ///< empty bucket: it is none
  std::string url() const { return "s3://" + bucket + "/" + key; }
};

/// Reads and writes objects of one S3 endpoint. Throws S3Error and Lost.
class S3 {
 public:
  S3(std::string endpoint, S3Key key, std::string region);

  /// All keys that begin with `prefix`, in S3's order.
  std::vector<std::string> list(const std::string& bucket, const std::string& prefix);
  /// Asked before each wait for S3; false ends it.
  using MayRead = std::function<bool(Channel&)>;
  /// `on_data` is given the content piece by piece. False: `may_read` has ended it.
  bool get(const S3Place& place, const MayRead& may_read, const std::function<void(std::string_view)>& on_data);
  void put(const S3Place& place, std::string content);

 private:
  struct Answer {
    int status = 0;  ///< 0: ended by may_read
    std::uint64_t size = 0;
    Channel channel;
  };
  Answer ask(S3Request request, const MayRead& may_read = nullptr);
  std::string content_of(Answer& answer);
  [[noreturn]] void fail(Answer& answer);

  std::string host_;
  std::uint16_t port_ = 80;
  S3Key key_;
  std::string region_;
};

}  // namespace pgswitch::stand_in
