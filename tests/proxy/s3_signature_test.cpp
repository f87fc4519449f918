#include "proxy/s3/signature.hpp"

#include <gtest/gtest.h>

namespace pgswitch::s3 {
namespace {

/// Amazon S3 API Reference, "Signature calculations for the Authorization header", Examples: 2013-05-24, us-east-1.
constexpr std::int64_t moment = 1369353600;
const Keys keys{"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "", 0};

std::string value_of(const Headers& headers, std::string_view name) {
  for (const auto& [known, value] : headers)
    if (known == name) return value;
  return "";
}

std::string signature(SignedRequest request) {
  request.host = "examplebucket.s3.amazonaws.com";
  const std::string authorization = value_of(signed_headers(request, keys, "us-east-1", "s3", moment), "authorization");
  return authorization.substr(authorization.rfind('=') + 1);
}

TEST(Signature, of_the_published_examples) {
  EXPECT_EQ(signature({"GET", "", "/test.txt", {}, {{"range", "bytes=0-9"}}, ""}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  EXPECT_EQ(signature({"PUT",
                       "",
                       '/' + uri_encoded("test$file.text", true),
                       {},
                       {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                       "Welcome to Amazon S3."}),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  EXPECT_EQ(signature({"GET", "", "/", {{"lifecycle", ""}}, {}, ""}), "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(signature({"GET", "", "/", {{"prefix", "J"}, {"max-keys", "2"}}, {}, ""}),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(Signature, has_the_scope_and_the_headers_in_it) {
  Keys temporary = keys;
  temporary.session_token = "token==";
  const Headers headers = signed_headers({"GET", "h:9000", "/b/k", {}, {}, ""}, temporary, "eu-west-3", "s3", moment);
  EXPECT_EQ(value_of(headers, "x-amz-date"), "20130524T000000Z");
  EXPECT_EQ(value_of(headers, "x-amz-content-sha256"), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(value_of(headers, "x-amz-security-token"), "token==");
  EXPECT_TRUE(value_of(headers, "authorization")
                  .starts_with("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/eu-west-3/s3/aws4_request, "
                               "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token, Signature="));
}

TEST(Signature, encodes_each_byte_once) {
  EXPECT_EQ(uri_encoded("a/b c~d_e-f.g\xc3\xa4+=&%", true), "a/b%20c~d_e-f.g%C3%A4%2B%3D%26%25");
  EXPECT_EQ(uri_encoded("a/b", false), "a%2Fb");
  EXPECT_EQ(query_string({{"uploadId", "x/y"}, {"partNumber", "1"}, {"uploads", ""}}), "partNumber=1&uploadId=x%2Fy&uploads=");
}

}  // namespace
}  // namespace pgswitch::s3
