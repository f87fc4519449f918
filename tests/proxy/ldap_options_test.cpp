#include "proxy/auth/ldap_options.hpp"

#include <gtest/gtest.h>

namespace pgswitch {
namespace {

std::string fault_of(const std::string& text) {
  LdapOptions options;
  std::string error;
  return parse_ldap_options(text, false, options, error) ? "" : error;
}

LdapOptions parsed(const std::string& text) {
  LdapOptions options;
  std::string error;
  EXPECT_TRUE(parse_ldap_options(text, false, options, error)) << error;
  return options;
}

TEST(LdapOptions, a_simple_bind_has_a_dn_made_of_the_name) {
  const LdapOptions options = parsed("ldapserver=\"a ::1 b\" ldapport=1389 ldapprefix=uid=, ldapsuffix=\",dc=a\",ldaptls=1");
  EXPECT_EQ(options.uris_of(options.server, options.port), "ldap://a:1389 ldap://[::1]:1389 ldap://b:1389");
  EXPECT_EQ(options.uris_of("a.org:389 b.org:390", 0), "ldap://a.org:389 ldap://b.org:390");
  EXPECT_EQ(options.prefix, "uid=");
  EXPECT_EQ(options.suffix, ",dc=a");
  EXPECT_TRUE(options.tls);
  EXPECT_FALSE(options.searches());
}

TEST(LdapOptions, a_url_says_all_of_a_search) {
  const LdapOptions options = parsed("ldapurl=\"ldaps://h:1636/dc=a,dc=b?cn?sub\" ldapbinddn=\"cn=boss, dc=a\" ldapbindpasswd=se#cret");
  EXPECT_EQ(options.uris_of(options.server, options.port), "ldaps://h:1636");
  EXPECT_EQ(options.base_dn, "dc=a,dc=b");
  EXPECT_EQ(options.search_attribute, "cn");
  EXPECT_EQ(options.scope, 2);
  EXPECT_EQ(parsed("ldapurl=ldap://h/dc=a??one?(cn=$username)").search_filter, "(cn=$username)");
  EXPECT_EQ(options.bind_dn, "cn=boss, dc=a");
  EXPECT_EQ(options.bind_password, "se#cret");
}

TEST(LdapOptions, a_filter_is_made_with_harmless_names_only) {
  const LdapOptions by_uid = parsed("ldapserver=h ldapbasedn=dc=a");
  EXPECT_EQ(ldap_filter(by_uid, "joe"), "(uid=joe)");
  for (const char* name : {"*", "j)(uid=*", "a\\2a", "(", "a/b"}) EXPECT_EQ(ldap_filter(by_uid, name), "") << name;
  EXPECT_EQ(ldap_filter(parsed("ldapserver=h ldapbasedn=x ldapsearchattribute=cn"), "joe"), "(cn=joe)");
  EXPECT_EQ(ldap_filter(parsed("ldapserver=h ldapbasedn=x ldapsearchfilter=(|(uid=$username)(mail=$username))"), "$username"),
            "(|(uid=$username)(mail=$username))");
  EXPECT_EQ(ldap_filter(parsed("ldapserver=h ldapbasedn=x ldapsearchfilter=(|(uid=$username)(mail=$username))"), "joe"),
            "(|(uid=joe)(mail=joe))");
}

TEST(LdapOptions, what_does_not_fit_together_is_refused) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "ldapserver or ldapbasedn is needed"},
      {"ldapserver=h ldapbasedn=dc=a,dc=b", "unsupported parameter dc"},
      {"ldapserver=h", "ldapbasedn, ldapprefix or ldapsuffix is needed"},
      {"ldapserver=h ldapprefix=a ldapbasedn=b", "ldapprefix and ldapsuffix cannot be used with a search"},
      {"ldapserver=h ldapsuffix=a ldapbinddn=b", "ldapprefix and ldapsuffix cannot be used with a search"},
      {"ldapserver=h ldapbasedn=b ldapsearchattribute=a ldapsearchfilter=c",
       "ldapsearchattribute and ldapsearchfilter cannot be used together"},
      {"ldapurl=ldap://h/dc=a?cn?sub?(x=1)", "ldapsearchattribute and ldapsearchfilter cannot be used together"},
      {"ldapserver=h ldapport=0", "invalid value for ldapport"},
      {"ldapserver=h ldaptls=yes", "invalid value for ldaptls"},
      {"ldapserver=h ldapscheme=http", "invalid value for ldapscheme"},
      {"ldapurl=http://h/", "invalid value for ldapurl"},
      {"ldapurl=ldapi://%2ftmp/", "invalid value for ldapurl"},
      {"ldapserver", "ldap options have the form name=value"},
      {"ldapserver=\"h", "a quote is not closed"},
      {"ldapserver=h secret=1", "unsupported parameter secret"},
  };
  for (const auto& [text, fault] : cases) EXPECT_EQ(fault_of(text), fault) << text;
  EXPECT_EQ(fault_of(std::string(1025, ' ')), "ldap options are too long");
}

}  // namespace
}  // namespace pgswitch
