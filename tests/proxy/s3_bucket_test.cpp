#include "proxy/s3/bucket.hpp"

#include <gtest/gtest.h>

#include "tests/proxy/fake_http.hpp"

namespace pgswitch::s3 {
namespace {

Bucket bucket_of(FakeHttp& http, Location location = {"b", "eu-central-1", "http://127.0.0.1:9000/"}) {
  Bucket bucket(http, std::move(location), [](bool, std::string&) { return Keys{"id", "secret", "", 0}; });
  bucket.first_pause_ms = 0;
  return bucket;
}

TEST(Bucket, addresses) {
  FakeHttp http;
  http.answers = {{200, "", "\"e\""}, {200, "", "\"e\""}, {200, "", "\"e\""}, {200, "", "\"e\""}};
  bucket_of(http).put("p/k x", "data");
  bucket_of(http, {"b", "eu-central-1", ""}).put("k", "data");
  bucket_of(http, {"b.c", "eu-central-1", ""}).put("k", "data");
  bucket_of(http, {"b", "cn-north-1", ""}).put("k", "data");
  EXPECT_EQ(http.seen[0].url, "http://127.0.0.1:9000/b/p/k%20x");
  EXPECT_EQ(http.seen[0].header("host"), "127.0.0.1:9000");
  EXPECT_EQ(http.seen[1].url, "https://b.s3.eu-central-1.amazonaws.com/k");
  EXPECT_EQ(http.seen[2].url, "https://s3.eu-central-1.amazonaws.com/b.c/k") << "no certificate has such a name";
  EXPECT_EQ(http.seen[3].url, "https://b.s3.cn-north-1.amazonaws.com.cn/k");
}

TEST(Bucket, uploads_in_parts) {
  FakeHttp http;
  http.answers = {{200, "<R xmlns=\"x\"><UploadId>u/1</UploadId></R>", ""},
                  {200, "", "\"e1\""},
                  {200, "", "\"e2\""},
                  {200, "<R></R>", ""},
                  {204, "", ""}};
  Bucket bucket = bucket_of(http);
  const Outcome begun = bucket.begin("k");
  ASSERT_TRUE(begun.ok);
  EXPECT_EQ(begun.value, "u/1");
  std::vector<std::string> etags{bucket.part("k", begun.value, 1, "one").value, bucket.part("k", begun.value, 2, "two").value};
  EXPECT_TRUE(bucket.complete("k", begun.value, etags).ok);
  EXPECT_TRUE(bucket.abort("k", begun.value).ok);
  EXPECT_EQ(http.seen[0].line(), "POST http://127.0.0.1:9000/b/k?uploads=");
  EXPECT_EQ(http.seen[1].line(), "PUT http://127.0.0.1:9000/b/k?partNumber=1&uploadId=u%2F1");
  EXPECT_EQ(http.seen[3].body,
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>\"e1\"</ETag></Part><Part><PartNumber>2</PartNumber>"
            "<ETag>\"e2\"</ETag></Part></CompleteMultipartUpload>");
  EXPECT_EQ(http.seen[4].line(), "DELETE http://127.0.0.1:9000/b/k?uploadId=u%2F1");
}

TEST(Bucket, tries_again_what_may_pass) {
  FakeHttp http;
  http.answers = {{503, "<Error><Code>SlowDown</Code></Error>", ""},
                  {0, "", ""},
                  {200, "<Error><Code>InternalError</Code></Error>", ""},
                  {400, "<Error><Code>RequestTimeout</Code></Error>", ""},
                  {200, "", "\"e\""}};
  EXPECT_TRUE(bucket_of(http).put("k", "data").ok);
  EXPECT_EQ(http.seen.size(), 5u);
}

TEST(Bucket, gives_up_in_the_end) {
  FakeHttp http;
  http.answers.assign(20, {500, "", ""});
  const Outcome outcome = bucket_of(http).put("k", "data");
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.message, "HTTP status 500");
  EXPECT_EQ(http.seen.size(), 6u);
}

TEST(Bucket, does_not_insist) {
  FakeHttp http;
  http.answers = {{403, "<Error><Code>AccessDenied</Code><Message>no</Message></Error>", ""}};
  const Outcome outcome = bucket_of(http).put("k", "data");
  EXPECT_FALSE(outcome.ok);
  EXPECT_EQ(outcome.message, "HTTP status 403 AccessDenied: no");
  EXPECT_EQ(http.seen.size(), 1u);
}

TEST(Bucket, asks_for_new_keys_when_the_old_ones_have_expired) {
  FakeHttp http;
  http.answers = {{400, "<Error><Code>ExpiredToken</Code></Error>", ""}, {200, "", "\"e\""}};
  std::vector<bool> asked;
  Bucket bucket(http, {"b", "r", "http://h"}, [&](bool fresh, std::string&) {
    return asked.push_back(fresh), Keys{"id", "secret", fresh ? "new" : "old", 0};
  });
  bucket.first_pause_ms = 0;
  EXPECT_TRUE(bucket.put("k", "data").ok);
  EXPECT_EQ(asked, (std::vector<bool>{false, true}));
  EXPECT_EQ(http.seen[1].header("x-amz-security-token"), "new");
}

TEST(Bucket, says_that_there_are_no_keys) {
  FakeHttp http;
  Bucket bucket(http, {"b", "r", "http://h"}, [](bool, std::string& error) { return error = "none found", Keys(); });
  EXPECT_EQ(bucket.put("k", "data").message, "none found");
  EXPECT_TRUE(http.seen.empty());
}

TEST(Bucket, deleting_what_is_not_there_is_done) {
  FakeHttp http;
  http.answers = {{404, "<Error><Code>NoSuchUpload</Code></Error>", ""}, {404, "", ""}};
  EXPECT_TRUE(bucket_of(http).abort("k", "u").ok);
  EXPECT_TRUE(bucket_of(http).remove("k").ok);
}

TEST(Bucket, that_is_given_up_does_not_wait) {
  FakeHttp http;
  http.answers.assign(20, {500, "", ""});
  const std::atomic<bool> stop{true};
  Bucket bucket(
      http, {"b", "r", "http://h"},
      [](bool, std::string&) {
        return Keys{"id", "secret", "", 0};
      },
      &stop);
  EXPECT_FALSE(bucket.put("k", "data").ok);
  EXPECT_EQ(http.seen.size(), 1u);
}

}  // namespace
}  // namespace pgswitch::s3
