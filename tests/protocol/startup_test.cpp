#include "protocol/startup.hpp"

#include <gtest/gtest.h>

#include "tests/protocol/bytes.hpp"

namespace pgswitch::protocol {
namespace {

std::string startup(std::uint32_t version, std::string_view parameters) {
  return packet(int32(version) + std::string(parameters));
}
const std::string end = bytes("\0");
const std::string user = text("user") + text("u");
const std::string cancel_word = bytes("\x04\xd2\x16\x2e"), ssl_word = bytes("\x04\xd2\x16\x2f"),
                  gss_word = bytes("\x04\xd2\x16\x30");

struct ScanCase {
  const char* name;
  std::string in;
  StartupKind kind;
};

const ScanCase scan_cases[] = {
    {"nothing", "", StartupKind::need_more},
    {"three bytes of length", bytes("\0\0\0"), StartupKind::need_more},
    {"a start-up packet", startup(0x30000, user + end), StartupKind::startup},
    {"another major version is a start-up packet, to be refused", startup(0x40000, end), StartupKind::startup},
    {"length 0", bytes("\0\0\0\0"), StartupKind::malformed},
    {"length 7", bytes("\0\0\0\7\0\3\0"), StartupKind::malformed},
    {"length 8 and no parameters", bytes("\0\0\0\10\0\3\0\0"), StartupKind::startup},
    {"longest packet", startup(0x30000, std::string(9996, 'x')), StartupKind::startup},
    {"one byte too long, known at once", bytes("\0\0\x27\x15"), StartupKind::malformed},
    {"one gigabyte", bytes("\x3f\xff\xff\xff"), StartupKind::malformed},
    {"negative length", bytes("\xff\xff\xff\xff"), StartupKind::malformed},
    {"HTTP", "GET / HTTP/1.1\r\n\r\n", StartupKind::malformed},
    {"SSH", "SSH-2.0-OpenSSH_9.2\r\n", StartupKind::malformed},
    {"TLS ClientHello", bytes("\x16\x03\x01\x02\x00\x01"), StartupKind::direct_tls},
    {"first byte of a ClientHello", bytes("\x16"), StartupKind::direct_tls},
    {"SSLRequest", packet(ssl_word), StartupKind::ssl_request},
    {"SSLRequest with a body", packet(ssl_word + "x"), StartupKind::malformed},
    {"GSSENCRequest", packet(gss_word), StartupKind::gss_request},
    {"GSSENCRequest with a body", packet(gss_word + "x"), StartupKind::malformed},
    {"CancelRequest of protocol 3.0", packet(cancel_word + int32(1) + "abcd"), StartupKind::cancel_request},
    {"CancelRequest with 256 bytes of key", packet(cancel_word + int32(1) + std::string(256, 'k')), StartupKind::cancel_request},
    {"CancelRequest with 257", packet(cancel_word + int32(1) + std::string(257, 'k')), StartupKind::malformed},
    {"CancelRequest with 3", packet(cancel_word + int32(1) + "abc"), StartupKind::malformed},
    {"CancelRequest without a key", packet(cancel_word), StartupKind::malformed},
};

TEST(Startup, first_packet_is_told_by_its_first_bytes) {
  for (const ScanCase& test : scan_cases) {
    const StartupPacket found = scan_startup(test.in);
    EXPECT_EQ(found.kind, test.kind) << test.name;
    const bool whole = test.kind > StartupKind::direct_tls;
    EXPECT_EQ(found.bytes.size(), whole ? test.in.size() : 0) << test.name;
  }
}

TEST(Startup, every_truncation_of_a_packet_needs_more) {
  for (const ScanCase& test : scan_cases) {
    if (test.kind <= StartupKind::direct_tls) continue;
    for (std::size_t size = 0; size < test.in.size(); ++size)
      ASSERT_EQ(scan_startup(std::string(test.in, 0, size)).kind, StartupKind::need_more) << test.name << " at " << size;
  }
}

TEST(Startup, bytes_behind_the_packet_are_not_part_of_it) {
  const std::string in = packet(ssl_word) + startup(0x30000, user + end);
  EXPECT_EQ(scan_startup(in).bytes.size(), 8u);
}

TEST(Startup, cancel_request_carries_its_whole_key) {
  const std::string in = packet(cancel_word + int32(77) + std::string(32, 'k'));
  const std::optional<CancelRequest> request = read_cancel_request(in);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->process_id, 77u);
  EXPECT_EQ(request->secret, std::string(32, 'k'));
}

struct ReadCase {
  const char* name;
  std::string in;
  std::string sqlstate;  ///< empty: accepted
};

const ReadCase read_cases[] = {
    {"user", startup(0x30000, user + end), ""},
    {"user, database, parameters", startup(0x30000, user + text("database") + text("d") + text("TimeZone") + text("UTC") + end), ""},
    {"no user", startup(0x30000, text("database") + text("d") + end), "28000"},
    {"empty user", startup(0x30000, text("user") + text("") + end), "28000"},
    {"no parameters", startup(0x30000, end), "28000"},
    {"no terminator", startup(0x30000, user), "08P01"},
    {"bytes behind the terminator", startup(0x30000, user + end + "x"), "08P01"},
    {"name without a value", startup(0x30000, user + text("TimeZone")), "08P01"},
    {"value without NUL", startup(0x30000, user + text("TimeZone") + "UTC"), "08P01"},
    {"empty packet", startup(0x30000, ""), "08P01"},
    {"protocol 2.0", startup(0x20000, user + end), "0A000"},
    {"protocol 4.0", startup(0x40000, user + end), "0A000"},
    {"unknown request code", startup(1234u << 16 | 5681u, user + end), "0A000"},
    {"replication nonsense", startup(0x30000, user + text("replication") + text("maybe") + end), "22023"},
    {"options nonsense is told later", startup(0x30000, user + text("options") + text("-z") + end), ""},
    {"options of a replication connection go to the server", startup(0x30000, user + text("options") + text("-z") + text("replication") + text("1") + end), ""},
};

TEST(Startup, packets_are_refused_with_postgresqls_sqlstate) {
  for (const ReadCase& test : read_cases) {
    StartupMessage message;
    const std::optional<SqlError> error = read_startup(test.in, message);
    EXPECT_EQ(error ? error->sqlstate : "", test.sqlstate) << test.name;
    if (!error) continue;
    EXPECT_EQ(error->severity, Severity::fatal) << test.name;
    EXPECT_FALSE(error->message.empty()) << test.name;
  }
}

TEST(Startup, options_that_cannot_be_read_are_told_behind_the_login) {
  StartupMessage message;
  EXPECT_FALSE(read_startup(startup(0x30000, user + text("options") + text("-z") + end), message));
  EXPECT_TRUE(message.options_error);
  StartupMessage of_replication;
  const std::string parameters = user + text("options") + text("-z") + text("replication") + text("1") + end;
  EXPECT_FALSE(read_startup(startup(0x30000, parameters), of_replication));
  EXPECT_FALSE(of_replication.options_error);
}

TEST(Startup, only_versions_1_and_2_are_told_in_the_old_form) {
  const std::pair<std::uint32_t, bool> versions[] = {{0x00000, false}, {0x00001, true}, {0x10000, true}, {0x20000, true},
                                                     {0x30000, false}, {0x40000, false}, {1234u << 16 | 5681u, false}};
  for (const auto& [version, old] : versions) {
    StartupMessage message;
    read_startup(startup(version, user + end), message);
    EXPECT_EQ(message.predates_v3(), old) << version;
  }
  EXPECT_FALSE(StartupMessage().predates_v3());
}

TEST(Startup, every_truncation_of_the_parameters_is_refused) {
  const std::string in = startup(0x30000, user + text("database") + text("d") + text("a") + text("b") + end);
  for (std::size_t size = 0; size < in.size(); ++size) {
    StartupMessage message;
    EXPECT_TRUE(read_startup(std::string(in, 0, size), message)) << size;
  }
}

TEST(Startup, database_defaults_to_the_user) {
  StartupMessage message;
  ASSERT_FALSE(read_startup(startup(0x30000, user + end), message));
  EXPECT_EQ(message.database, "u");
  StartupMessage empty;
  ASSERT_FALSE(read_startup(startup(0x30000, text("database") + text("") + user + end), empty));
  EXPECT_EQ(empty.database, "u");
}

TEST(Startup, parameters_keep_their_order_and_bytes) {
  StartupMessage message;
  const std::string in = startup(0x30000, text("b") + text("2") + user + text("a") + text("\xc3\xa4 x") + end);
  ASSERT_FALSE(read_startup(in, message));
  EXPECT_EQ(message.parameters, (Settings{{"b", "2"}, {"a", "\xc3\xa4 x"}}));
}

struct VersionCase {
  std::uint32_t version;
  std::string extension;
  std::uint32_t newest;
  std::uint32_t agreed;
  bool negotiates;
};

TEST(Startup, negotiates_down_to_what_both_speak) {
  const VersionCase cases[] = {{0x30000, "", 2, 0, false},        {0x30002, "", 2, 2, false},
                               {0x30002, "", 0, 0, true},         {0x30003, "", 2, 2, true},
                               {0x30000 + 9999, "", 2, 2, true},  // PG_PROTOCOL_GREASE
                               {0x30063, "", 0, 0, true},         {0x30000, "_pq_.test_protocol_negotiation", 2, 0, true}};
  for (const VersionCase& test : cases) {
    const std::string extension = test.extension.empty() ? "" : text(test.extension) + text("1");
    StartupMessage message;
    ASSERT_FALSE(read_startup(startup(test.version, user + extension + end), message, test.newest));
    EXPECT_EQ(message.minor, test.agreed) << test.version;
    EXPECT_EQ(message.must_negotiate(), test.negotiates) << test.version;
    EXPECT_EQ(message.unknown_extensions.size(), test.extension.empty() ? 0u : 1u);
    EXPECT_TRUE(message.parameters.empty());
  }
}

TEST(Startup, replication_is_a_boolean_or_database) {
  const std::pair<const char*, Replication> cases[] = {
      {"true", Replication::physical}, {"1", Replication::physical},    {"ON", Replication::physical},
      {"y", Replication::physical},    {"database", Replication::logical}, {"false", Replication::none},
      {"off", Replication::none},      {"0", Replication::none},        {"No", Replication::none}};
  for (const auto& [value, expected] : cases) {
    StartupMessage message;
    ASSERT_FALSE(read_startup(startup(0x30000, user + text("replication") + text(value) + end), message)) << value;
    EXPECT_EQ(message.replication, expected) << value;
  }
  for (const char* bad : {"", "o", "truex", "DATABASE", "2"}) {
    StartupMessage message;
    EXPECT_TRUE(read_startup(startup(0x30000, user + text("replication") + text(bad) + end), message)) << bad;
  }
}

struct OptionsCase {
  std::string in;
  Settings settings;
  std::string error;  ///< SQLSTATE and text; empty: accepted
};

TEST(Startup, options_are_taken_apart_as_postgresql_does) {
  const std::string invalid = "42601 invalid command-line argument for server process: ";
  const OptionsCase cases[] = {
      {"", {}, ""},
      {" \t\n", {}, ""},
      {"-c a=1", {{"a", "1"}}, ""},
      {"-ca=1", {{"a", "1"}}, ""},
      {"--a=1", {{"a", "1"}}, ""},
      {"  -c   a=1  --b=2\t-cc=3 ", {{"a", "1"}, {"b", "2"}, {"c", "3"}}, ""},
      {"--statement-timeout=5s", {{"statement_timeout", "5s"}}, ""},
      {"-c a=", {{"a", ""}}, ""},
      {"-c a=b=c", {{"a", "b=c"}}, ""},
      {R"(-c search_path=a,\ b)", {{"search_path", "a, b"}}, ""},
      {R"(-c a=x\\y)", {{"a", "x\\y"}}, ""},
      {R"(-c a=x\)", {{"a", "x"}}, ""},
      {R"(-c\ a=1)", {{" a", "1"}}, ""},
      {"-c", {}, invalid + "-c"},
      {"-c a", {}, "42601 -c a requires a value"},
      {"-ca", {}, "42601 -c a requires a value"},
      {"-c =1", {}, "42704 unrecognized configuration parameter \"\""},
      {"--a", {}, "42601 --a requires a value"},
      {"--", {}, ""},
      {"--a=1 --", {{"a", "1"}}, ""},
      {"-- --a=1", {}, invalid + "--a=1"},
      {"-z", {}, invalid + "-z"},
      {"-e", {{"DateStyle", "euro"}}, ""},
      {"-S 64", {{"work_mem", "64"}}, ""},
      {"-eS64", {{"DateStyle", "euro"}, {"work_mem", "64"}}, ""},
      {"-eS 64 -F", {{"DateStyle", "euro"}, {"work_mem", "64"}, {"fsync", "false"}}, ""},
      {"-ec a=1", {{"DateStyle", "euro"}, {"a", "1"}}, ""},
      {"-e-a=1", {{"DateStyle", "euro"}, {"a", "1"}}, ""},
      {"-fs -fi -fo -fb", {{"enable_seqscan", "false"}, {"enable_indexscan", "false"}, {"enable_indexonlyscan", "false"}, {"enable_bitmapscan", "false"}}, ""},
      {"-ft -fn -fm -fh", {{"enable_tidscan", "false"}, {"enable_nestloop", "false"}, {"enable_mergejoin", "false"}, {"enable_hashjoin", "false"}}, ""},
      {"-tpa -t planner -te", {{"log_parser_stats", "true"}, {"log_planner_stats", "true"}, {"log_executor_stats", "true"}}, ""},
      {"-d0", {{"log_min_messages", "notice"}}, ""},
      {"-d 3", {{"log_min_messages", "debug3"}, {"log_statement", "all"}, {"debug_print_parse", "true"}}, ""},
      {"-B 16 -h x -i -k y -l -N 5 -p 6", {{"shared_buffers", "16"}, {"listen_addresses", "x"}, {"listen_addresses", "*"},
                                          {"unix_socket_directories", "y"}, {"ssl", "true"}, {"max_connections", "5"}, {"port", "6"}}, ""},
      {"-OPsW 1", {{"allow_system_table_mods", "true"}, {"ignore_system_indexes", "true"}, {"log_statement_stats", "true"}, {"post_auth_delay", "1"}}, ""},
      {"-b -C x -D y -E -j -n -r z -T -v 3", {}, ""},
      {"-S", {}, invalid + "-S"},
      {"-e -eS", {{"DateStyle", "euro"}, {"DateStyle", "euro"}}, invalid + "-eS"},
      {"-f x", {}, invalid + "x"},
      {"-fx", {}, invalid + "-fx"},
      {"-tp", {}, invalid + "-tp"},
      {"-eX", {{"DateStyle", "euro"}}, invalid + "-eX"},
      {"-S 64 -Xe", {{"work_mem", "64"}}, invalid + "64"},
      {"-Xe", {}, invalid + "postgres"},
      {"x -S 64", {{"work_mem", "64"}}, invalid + "x"},
      {"x -z", {}, invalid + "-z"},
      {"-", {}, invalid + "-"},
      {"a=1", {}, invalid + "a=1"},
      {"-c a=1 hello", {{"a", "1"}}, invalid + "hello"},
  };
  for (const OptionsCase& test : cases) {
    Settings settings;
    const std::optional<SqlError> error = parse_options(test.in, settings);
    EXPECT_EQ(error ? error->sqlstate + ' ' + error->message : "", test.error) << test.in;
    EXPECT_EQ(settings, test.settings) << test.in;
    EXPECT_EQ(error && !error->hint.empty(), test.error.starts_with(invalid)) << test.in;
  }
}

}  // namespace
}  // namespace pgswitch::protocol
