#include "tests/redshift/sigv4.hpp"

#include <gtest/gtest.h>

namespace pgswitch::stand_in {
namespace {

/// The four examples of AWS, "Signature Calculations for the Authorization Header: Transferring Payload in a Single Chunk" (facts 3.4).
TEST(RedshiftSigV4, KnownAnswers) {
  const S3Key key{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
  struct Case {
    S3Request request;
    const char* signature;
  };
  const std::string host = "examplebucket.s3.amazonaws.com";
  const Case cases[] = {
      {{"GET", host, "/test.txt", {}, {{"range", "bytes=0-9"}}, ""}, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
      {{"PUT",
        host,
        "/test$file.text",
        {},
        {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
        "Welcome to Amazon S3."},
       "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
      {{"GET", host, "/", {{"lifecycle", ""}}, {}, ""}, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
      {{"GET", host, "/", {{"prefix", "J"}, {"max-keys", "2"}}, {}, ""},
       "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
  };
  for (const Case& one : cases) {
    S3Request request = one.request;
    sign(request, key, "us-east-1", "20130524T000000Z");
    EXPECT_TRUE(request.headers.back().second.ends_with(std::string("Signature=") + one.signature)) << request.headers.back().second;
  }
}

}  // namespace
}  // namespace pgswitch::stand_in
