#include "proxy/auth/hba.hpp"

#include <gtest/gtest.h>

#include "proxy/auth/hba_line.hpp"
#include "proxy/auth/ldap_options.hpp"
#include "tests/proxy/temporary_folder.hpp"

namespace pgswitch {
namespace {

std::string fault_of(const std::string& line, const std::string& path = "hba") {
  std::vector<Diagnostic> errors;
  Hba::parse(line, path, errors);
  return errors.empty() ? "" : errors.front().to_string();
}

Hba parsed(const std::string& text, const std::string& path = "hba") {
  std::vector<Diagnostic> errors;
  Hba hba = Hba::parse(text, path, errors);
  for (const Diagnostic& error : errors) ADD_FAILURE() << error.to_string();
  return hba;
}

/// "trust", ..., or "none" when no line is about the client.
std::string method_of(const Hba& hba, const HbaRequest& request) {
  constexpr const char* names[] = {"reject", "any", "trust", "password", "md5", "scram-sha-256", "cert", "peer", "ldap", "pam"};
  const AuthRule* const rule = hba.match(request);
  return rule ? names[static_cast<int>(rule->method)] : "none";
}

HbaRequest from(std::string_view host, std::string_view database = "app", std::string_view user = "joe", bool tls = false) {
  HbaRequest request;
  request.is_unix = host == "unix";
  request.is_tls = tls;
  request.host = host;
  request.database = database;
  request.user = user;
  return request;
}

TEST(Hba, physical_replication_is_what_the_keyword_names) {
  HbaRequest physical = from("10.1.2.3");
  physical.is_replication = true;
  EXPECT_EQ(method_of(parsed("host replication all all reject\nhost all all all trust\n"), physical), "reject");
  EXPECT_EQ(method_of(parsed("host all,app all all trust\n"), physical), "none");
  EXPECT_EQ(method_of(parsed("host app,replication joe all md5\n"), physical), "md5");
  EXPECT_EQ(method_of(parsed("host \"replication\" all all trust\n"), physical), "none");
  EXPECT_EQ(method_of(parsed("host replication all all trust\n"), from("10.1.2.3")), "none") << "no database is called so";
}

TEST(Hba, the_console_is_one_by_whatever_name) {
  for (const char* name : {"pgbouncer", "pgswitch"})
    EXPECT_EQ(method_of(parsed(std::string("host ") + name + " all all reject\nhost all all all trust\n"), from("10.1.2.3", "pgbouncer")), "reject");
}

TEST(Hba, the_first_line_about_a_client_decides) {
  const Hba hba = parsed(
      "# comment\n\n"
      "local all postgres peer\n"
      "host app,\"all\" joe, jim 10.1.0.0/16 reject # here too\n"
      "host sameuser all 10.0.0.0 255.0.0.0 md5\n"
      "hostssl all all all cert\n"
      "hostnossl all all ::1/128 trust\r\n"
      "host all all fd00::/8 scram-sha-256\n");
  EXPECT_EQ(method_of(hba, from("unix", "app", "postgres")), "peer");
  EXPECT_EQ(method_of(hba, from("unix")), "none");
  EXPECT_EQ(method_of(hba, from("10.1.2.3")), "reject");
  EXPECT_EQ(method_of(hba, from("10.1.2.3", "all", "jim")), "reject") << "in quotes it is a name";
  EXPECT_EQ(method_of(hba, from("10.1.2.3", "other", "jim")), "none");
  EXPECT_EQ(method_of(hba, from("::ffff:10.1.2.3")), "reject") << "the same client by an IPv6 socket";
  EXPECT_EQ(method_of(hba, from("10.2.0.1", "joe", "joe")), "md5");
  EXPECT_EQ(method_of(hba, from("10.2.0.1", "app", "joe")), "none");
  EXPECT_EQ(method_of(hba, from("10.2.0.1", "app", "joe", true)), "cert");
  EXPECT_EQ(method_of(hba, from("::1")), "trust");
  EXPECT_EQ(method_of(hba, from("::1", "app", "joe", true)), "cert");
  EXPECT_EQ(method_of(hba, from("fd12::5")), "scram-sha-256");
  EXPECT_EQ(method_of(hba, from("192.168.0.1")), "none");
  EXPECT_EQ(method_of(Hba(), from("unix")), "none");
}

TEST(Hba, a_network_of_one_family_holds_no_client_of_the_other) {
  EXPECT_EQ(method_of(parsed("host all all ::/0 trust\n"), from("10.0.0.1")), "none");
  EXPECT_EQ(method_of(parsed("host all all 0.0.0.0/0 trust\n"), from("::1")), "none");
  EXPECT_EQ(method_of(parsed("host all all ::ffff:10.0.0.0/104 trust\n"), from("10.0.0.1")), "trust");
  EXPECT_EQ(method_of(parsed("host all all 0.0.0.0 0.0.0.0 trust\n"), from("255.1.2.3")), "trust");
}

TEST(Hba, nobody_has_gssapi_encryption) {
  const Hba hba = parsed("hostgssenc all all all trust\nhostnogssenc all all all md5\n");
  EXPECT_EQ(method_of(hba, from("10.0.0.1")), "md5");
}

TEST(Hba, lines_that_cannot_be_understood_are_errors) {
  const std::pair<const char*, const char*> cases[] = {
      {"hosts all all all trust", "unknown type hosts"},
      {"host", "no database"},
      {"host all", "no user"},
      {"host all all", "no address"},
      {"host all all all", "no method"},
      {"host all all 10.0.0.0/33 trust", "invalid mask in 10.0.0.0/33"},
      {"host all all 10.0.0.1/8 trust", "address 10.0.0.1 has bits outside its mask"},
      {"host all all 10.0.0.0 trust", "no mask behind the address 10.0.0.0"},
      {"host all all 10.0.0.0 ffff:: trust", "no mask behind the address 10.0.0.0"},
      {"host all all localhost trust", "not an address: localhost (host names, samehost and samenet are not supported)"},
      {"host all all samenet trust", "not an address: samenet (host names, samehost and samenet are not supported)"},
      {"local samerole all trust", "samerole is not supported"},
      {"local all +staff trust", "groups are not supported: +staff"},
      {"local all /^a trust", "regular expressions are not supported: /^a"},
      {"local all all rejectt", "unsupported method rejectt"},
      {"local all all any", "unsupported method any"},
      {"local all all trust map=x", "unsupported parameter map"},
      {"local all all peer map=", "unsupported parameter map"},
      {"local all all peer clientcert=1", "unsupported parameter clientcert"},
      {"local \"all all trust", "no database"},
      {"local all, all", "no user"},
      {"local ,x all trust", "no type at its beginning"},
      {"local @absent all trust", "cannot read \"absent\": No such file or directory"},
      {"local all all ldap ldapserver=h", "ldapbasedn, ldapprefix or ldapsuffix is needed"},
  };
  for (const auto& [line, fault] : cases)
    EXPECT_EQ(fault_of(line), std::string("hba:1: could not parse hba config line: ") + fault) << line;
}

TEST(Hba, every_line_is_read_whatever_is_wrong_before_it) {
  std::vector<Diagnostic> errors;
  Hba::parse("nonsense\nlocal all all trust\nmore nonsense\n", "hba", errors);
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[1].line, 3);
}

TEST(Hba, names_may_be_in_files_of_their_own) {
  tests::TemporaryFolder folder;
  folder.write("users", "joe, jim # two\n\n\"with space\"\n@more\n");
  folder.write("more", "jack\n");
  folder.write("loop", "@loop\n");
  const Hba hba = parsed("local all @users trust\n", folder.path("hba"));
  for (const char* user : {"joe", "jim", "jack", "with space"}) EXPECT_EQ(method_of(hba, from("unix", "app", user)), "trust") << user;
  EXPECT_EQ(method_of(hba, from("unix", "app", "two")), "none");
  EXPECT_NE(fault_of("local all @loop trust\n", folder.path("hba")).find("files include each other"), std::string::npos);
}

TEST(Hba, options_are_kept_with_the_rule) {
  const Hba hba = parsed(
      "local all joe peer map=staff\nlocal all jim pam pamservice=other\nlocal all jack pam\n"
      "host all all all ldap ldapserver=h ldapprefix=\"uid=\" ldapsuffix=\",dc=a,dc=b\" # nothing else\n");
  EXPECT_EQ(hba.match(from("unix"))->map, "staff");
  ASSERT_EQ(hba.maps().size(), 1u);
  EXPECT_EQ(hba.maps().front(), (std::pair<std::string, int>("staff", 1)));
  EXPECT_EQ(hba.match(from("unix", "app", "jim"))->pam_service, "other");
  EXPECT_EQ(hba.match(from("unix", "app", "jack"))->pam_service, "pgbouncer");
  EXPECT_EQ(hba.match(from("10.0.0.1"))->ldap->suffix, ",dc=a,dc=b");
}

TEST(HbaLine, quotes_hold_anything) {
  HbaLine line("a,\"b,c\"  \"d\"\"e\"#f");
  const auto first = line.field();
  ASSERT_TRUE(first);
  ASSERT_EQ(first->size(), 2u);
  EXPECT_EQ((*first)[1].text, "b,c");
  EXPECT_TRUE((*first)[1].quoted);
  EXPECT_EQ(line.word()->text, "d\"e");
  EXPECT_FALSE(line.field());
  EXPECT_FALSE(line.is_malformed());
}

}  // namespace
}  // namespace pgswitch
