#include <gtest/gtest.h>

#include "protocol/scram_keys.hpp"
#include "tests/protocol/bytes.hpp"

namespace pgswitch::protocol {
namespace {

struct Case {
  const char* name;
  std::string password;
  std::string prepared;
};

TEST(Saslprep, maps_as_rfc_4013_does_or_leaves_the_raw_bytes) {
  const Case cases[] = {
      {"ASCII", "pencil", "pencil"},
      {"nothing", "", ""},
      {"ASCII control characters", "a\tb\x7f", "a\tb\x7f"},
      {"precomposed letters", "\xc3\xa9\xe1\xbb\x99", "\xc3\xa9\xe1\xbb\x99"},
      {"no-break space", "a\xc2\xa0" "b", "a b"},
      {"zero width space is a space, as in PostgreSQL", "a\xe2\x80\x8b" "b", "a b"},
      {"soft hyphen (RFC 4013, 3)", "I\xc2\xadX", "IX"},
      {"feminine ordinal (RFC 4013, 3)", "\xc2\xaa", "a"},
      {"roman nine (RFC 4013, 3)", "\xe2\x85\xa8", "IX"},
      {"micro sign", "\xc2\xb5", "\xce\xbc"},
      {"acute accent becomes a space and a mark", "\xc2\xb4", " \xcc\x81"},
      {"full-width letters", "\xef\xbc\xa1\xef\xbd\x82", "Ab"},
      {"nothing is left", "\xc2\xad", "\xc2\xad"},
      {"control character among others", "a\a\xc2\xa0", "a\a\xc2\xa0"},
      {"left-to-right mark is refused", "a\xe2\x80\x8e\xc2\xa0", "a\xe2\x80\x8e\xc2\xa0"},
      {"not UTF-8", "\xff\xc2\xa0", "\xff\xc2\xa0"},
      {"cut in a character", "a\xc2", "a\xc2"},
      {"overlong form", "\xc0\xaf\xc2\xa0", "\xc0\xaf\xc2\xa0"},
      {"surrogate", "\xed\xa0\x80\xc2\xa0", "\xed\xa0\x80\xc2\xa0"},
      {"beyond the last plane", "\xf4\x90\x80\x80\xc2\xa0", "\xf4\x90\x80\x80\xc2\xa0"},
  };
  for (const Case& test : cases) EXPECT_EQ(saslprep(test.password), test.prepared) << test.name;
}

TEST(Saslprep, secrets_are_those_that_postgresql_stores) {
  // CREATE ROLE ... PASSWORD U&'...' in PostgreSQL 15, client and server in UTF-8.
  const std::pair<const char*, const char*> cases[] = {
      {"\342\205\250\302\252",
       "SCRAM-SHA-256$4096:3HQyFkaNbPpJPtCRnxiUjw==$"
       "yFbGjNM7VRYWVkqrUdlid7+TNU/K0xnJIIiJGTfLGEM=:yfRmBJRSVEb/dRCXi580MYE2wW/06fqWoj8yCzMvBWI="},
      {"a\302\240b\341\232\200c",
       "SCRAM-SHA-256$4096:Zk2naMC94WKeg1sNJbgzww==$"
       "1xQT3Bg2ot4BefRDfJ4Fm6/Zp8wiy8xeJDT7njDBnrk=:nsVn83QskPov1ePaS/d5o6BoVe6EjcWevF0ubZ5ZRlE="},
      {"I\302\255X",
       "SCRAM-SHA-256$4096:zCtKeDthA9fQBO9ZYAOTvw==$"
       "wxEZM8fkaE8b3edcGPYoAWn8zcko8q5x4Dlwnd0H4MY=:+aVW2Tz0NCyGCKz6Bzlpoe9dzxJQhf1/R5fVhw2IiB8="},
      {"\303\251\341\273\231",
       "SCRAM-SHA-256$4096:P6zWEnoaPcgmC2yOImWK+w==$"
       "m1ALHhHIab5Z/IpRMPE8s1vWgABpFPmFBF/S63EU1e0=:CGfrxk//GeIOOK1V9q1OWUrmnfUAT5aUIHDgInbsf5c="},
      {"a\342\200\216\342\205\250",
       "SCRAM-SHA-256$4096:69OI+nz5Rb7dtYIGVKoWiA==$"
       "UbN2AiRQc/cXePys3yk6k5pavsVVPK8TxFk1Km0hS14=:rfowcIAogQNbRe9ksU/NXzFLPR3zQFPLGM7asscIu2Y="},
      {"\310\241\342\205\250",
       "SCRAM-SHA-256$4096:ergHNALEEnTKzlhajNrAOQ==$"
       "2QVHG4MksA6n0oHobS5dZURQfCbcKXzfEwKiXd6Fxvs=:8r3dGeUFQpiMHJbX+aY2sqIZfNgtcolUtluMgeZpJ8U="},
      {"\360\237\230\200\342\205\250",
       "SCRAM-SHA-256$4096:HaYZ7feGmu/898Mz/+oD5Q==$"
       "hXSZRyH4axvhw09vIv4I5vQfJHUpftZGoemxbE4rJx4=:0ba7DoWQnQ9AU6aA/OjW8SqguRDL6eLGUAGFfZgjs0k="},
      {"\330\2471\342\205\250",
       "SCRAM-SHA-256$4096:GBNjWIR7MbKuydc+AeF+/g==$"
       "cea6m8ePmnFcpCmy4L1jKb9OeuCEzyMVIrDl+FhgNjg=:LklKOHLnu1X9abdU8ACXxA96x09DRflaILx8TbJXLr8="},
      {"\302\265\302\262\302\264e\302\250\302\275\342\202\254\342\200\246",
       "SCRAM-SHA-256$4096:WxgWMAXvbHlxPbFznYdHSA==$"
       "078QRTzTVyegVT3j9a6uU65L6IHaRFMfbVQnyvWOTCo=:RGsxGBj261pZephmYcoJdnLgNeVp6FVRzZWGuk3r5y8="},
      {"P\303\244ss\302\240\302\263\344\270\255\342\204\242",
       "SCRAM-SHA-256$4096:RyOvdWHYz8g0wa5PW8wnLQ==$"
       "s+kuJk9fQEVZaqzcIDNl39Kget+VHuApYxpUMtUYkDw=:KpBBRfsLbANOXULoPK2qNuRTGwGrqTnfygbUDn6whig="},
  };
  for (const auto& [password, secret] : cases) {
    const std::optional<ScramKeys> stored = parse_scram_secret(secret);
    ASSERT_TRUE(stored);
    EXPECT_EQ(format_scram_secret(derive_scram_keys(password, stored->salt, stored->iterations)), secret) << password;
  }
}

}  // namespace
}  // namespace pgswitch::protocol
