#include <gtest/gtest.h>

#include <vector>

#include "proxy/replay/csv.hpp"
#include "proxy/replay/log_reader.hpp"
#include "proxy/replay/readers.hpp"

namespace pgswitch::replay {
namespace {

/// "text | user | database | application_name | client_address", with " xN" for a count, one a line.
std::string line_of(const LoggedStatement& s) {
  std::string line(s.text);
  for (const std::string_view part : {s.user, s.database, s.application_name, s.client_address}) line.append(" | ").append(part);
  return line + (s.count == 1 ? "" : " x" + std::to_string(s.count)) + "\n";
}

std::string read(LogFormat format, std::string_view log) {
  std::string lines;
  const auto reader = make_reader(format);
  EXPECT_EQ(reader->read(log, true, [&](const LoggedStatement& s) { lines += line_of(s); }), log.size());
  return lines;
}

/// As read_log() gives it, in blocks of a few bytes.
std::string read_in_blocks(LogFormat format, std::string_view log, std::size_t block) {
  std::string lines, bytes;
  const auto reader = make_reader(format);
  const auto sink = [&](const LoggedStatement& s) { lines += line_of(s); };
  for (std::size_t at = 0; at < log.size(); at += block) {
    bytes += log.substr(at, block);
    bytes.erase(0, reader->read(bytes, false, sink));
  }
  reader->read(bytes, true, sink);
  return lines;
}

struct Case {
  const char* name;
  LogFormat format;
  const char* log;
  const char* statements;
};

constexpr char csv_line[] =
    "2026-11-28 12:00:00.000 UTC,\"app\",\"shop\",77,\"127.0.0.1:5012\",67483a00.4d,1,\"SELECT\",2026-11-28 11:59:59 UTC,3/2,0,LOG,00000,"
    "\"statement: select \"\"a\"\", 'x,\ny' from t\",,,,,,,,,\"psql\",\"client backend\",,0\n";
constexpr char json_line[] =
    R"({"timestamp":"2026-11-28 12:00:00.000 UTC","user":"app","dbname":"shop","pid":77,"remote_host":"::1","remote_port":5012,)"
    R"("session_id":"67483a00.4d","line_num":1,"error_severity":"LOG","message":"execute <unnamed>: select \"a\",\n1","detail":"parameters: $1 = '1'",)"
    R"("application_name":"psql","backend_type":"client backend","query_id":0})"
    "\n";

const Case cases[] = {
    {"statement", LogFormat::stderr_log, "2026-11-28 12:00:00.000 UTC [77] app@shop LOG:  statement: select 1\n", "select 1 | app | shop |  | \n"},
    {"no prefix", LogFormat::stderr_log, "LOG:  statement: select 1;\n", "select 1; |  |  |  | \n"},
    {"no line end", LogFormat::stderr_log, "LOG:  statement: select 1", "select 1 |  |  |  | \n"},
    {"several lines", LogFormat::stderr_log, "[77] LOG:  statement: select 1,\n\t2,\n\t\t3\n[77] LOG:  statement: commit\n", "select 1,\n2,\n\t3 |  |  |  | \ncommit |  |  |  | \n"},
    {"duration", LogFormat::stderr_log, "x=1 LOG:  duration: 0.123 ms  statement: select 1\n", "select 1 |  |  |  | \n"},
    {"execute with parameters", LogFormat::stderr_log,
     "a LOG:  execute <unnamed>: select $1\na DETAIL:  parameters: $1 = 'execute x: y'\na LOG:  duration: 12.5 ms  execute p1/c1: select $2\n",
     "select $1 |  |  |  | \nselect $2 |  |  |  | \n"},
    {"fetch", LogFormat::stderr_log, "LOG:  execute fetch from p/c: select 3\n", "select 3 |  |  |  | \n"},
    {"parse and bind are of the execute", LogFormat::stderr_log,
     "LOG:  duration: 0.1 ms  parse <unnamed>: select 1\nLOG:  duration: 0.1 ms  bind <unnamed>: select 1\nLOG:  duration: 0.1 ms\n", ""},
    {"other messages", LogFormat::stderr_log,
     "LOG:  checkpoint starting: time\nERROR:  syntax error at or near \"selec\"\nSTATEMENT:  selec 1\nLOG:  connection received: host=::1\nplain text\n", ""},
    {"keys", LogFormat::stderr_log, "12:00 [77]: user=app,db=shop,app=psql,client=10.0.0.1 LOG:  statement: select 1\n", "select 1 | app | shop | psql | 10.0.0.1\n"},
    {"client with a port", LogFormat::stderr_log, "user=app,db=shop,app=x,client=::1(5432) LOG:  statement: select 1\n", "select 1 | app | shop | x | ::1\n"},
    {"verbose", LogFormat::stderr_log, "[1] LOG:  00000: duration: 1.5 ms  statement: select 1\n[1] LOCATION:  exec_simple_query, postgres.c:1030\n", "select 1 |  |  |  | \n"},
    {"severity in a statement", LogFormat::stderr_log, "app@shop LOG:  statement: select 'ERROR:  no'\n", "select 'ERROR:  no' | app | shop |  | \n"},
    {"severity in a name", LogFormat::stderr_log, "appLOG:  statement: x\nCATALOG:  statement: y\nDETAIL:  statement: z\n", ""},
    {"csv", LogFormat::csv_log, csv_line, "select \"a\", 'x,\ny' from t | app | shop | psql | 127.0.0.1\n"},
    {"csv of something else", LogFormat::csv_log, "2026-11-28 12:00:00.000 UTC,,,9,,1.2,1,,2026-11-28 11:59:59 UTC,,0,LOG,00000,\"ready\",,,,,,,,,\"\",\"x\",,0\n", ""},
    {"json", LogFormat::json_log, json_line, "select \"a\",\n1 | app | shop | psql | ::1\n"},
    {"json that is broken", LogFormat::json_log, "{\"message\":\"statement: \n{\"error_severity\":\"LOG\",\"message\":\"statement: select 1\"}\n[\"statement: \"]\n", "select 1 |  |  |  | \n"},
    {"stats", LogFormat::statement_stats, "userid,datname,query,calls\n10,shop,\"select $1, \"\"x\"\"\",12345\n10,shop,<insufficient privilege>,3\n11,,select 2,x\n",
     "select $1, \"x\" |  | shop |  |  x12345\nselect 2 |  |  |  | \n"},
    {"statements", LogFormat::statements, "-- first\nselect 1;\n\\set x 1\n\n select ';', $$;$$ ; select (1; 2);\nselect 3", "-- first\nselect 1 |  |  |  | \nselect ';', $$;$$ |  |  |  | \nselect (1; 2) |  |  |  | \nselect 3 |  |  |  | \n"},
    {"data of COPY", LogFormat::statements, "copy t (a) from stdin with (format csv);\nselect 1;\n\\.\nCOPY t TO stdout;\nselect 2;\n",
     "copy t (a) from stdin with (format csv) |  |  |  | \nCOPY t TO stdout |  |  |  | \nselect 2 |  |  |  | \n"},
    {"line of COPY", LogFormat::statements, "copy t from stdin;\\.\nselect 1;\n\\.\nselect 2;\n",
     "copy t from stdin |  |  |  | \nselect 2 |  |  |  | \n"},
    {"comments alone", LogFormat::statements, "/* a */;\n-- b\n", ""},
};

TEST(ReplayReader, finds_the_statements_of_a_log) {
  for (const Case& one : cases) EXPECT_EQ(read(one.format, one.log), one.statements) << one.name;
}

TEST(ReplayReader, finds_the_same_in_blocks_of_any_size) {
  for (const Case& one : cases) {
    for (const std::size_t block : {1, 2, 3, 7, 64}) EXPECT_EQ(read_in_blocks(one.format, one.log, block), one.statements) << one.name << " by " << block;
  }
}

TEST(ReplayReader, tells_sessions_apart) {
  std::vector<std::uint64_t> sessions;
  make_reader(LogFormat::stderr_log)->read("[1] LOG:  statement: a\n[2] LOG:  statement: b\n[1] LOG:  statement: c\nLOG:  statement: d\n", true,
                                           [&](const LoggedStatement& s) { sessions.push_back(s.session); });
  ASSERT_EQ(sessions.size(), 4u);
  EXPECT_EQ(sessions[0], sessions[2]);
  EXPECT_NE(sessions[0], sessions[1]);
  EXPECT_EQ(sessions[3], 0u);
}

TEST(ReplayReader, tells_formats_apart) {
  const std::pair<const char*, LogFormat> heads[] = {
      {csv_line, LogFormat::csv_log},
      {json_line, LogFormat::json_log},
      {"2026-11-28 12:00:00.000 UTC [1] LOG:  starting PostgreSQL\n", LogFormat::stderr_log},
      {"garbage of a start script\nLOG:  x\n", LogFormat::stderr_log},
      {"userid,dbid,queryid,query,calls\n", LogFormat::statement_stats},
      {"query,calls", LogFormat::statement_stats},
      {"select query, calls from pg_stat_statements;\n", LogFormat::statements},
      {"{\"a\":1}\n", LogFormat::statements},
      {"", LogFormat::statements},
      {"-- LOG: no\nselect 1", LogFormat::statements},
  };
  for (const auto& [head, format] : heads) EXPECT_EQ(to_string(detect_format(head)), to_string(format)) << head;
}

TEST(ReplayReader, reads_csv_as_postgresql_writes_it) {
  CsvRecord record;
  EXPECT_EQ(record.read("a,\"b \"\"c\"\",\n\",\r\nnext", false), 16u);
  ASSERT_EQ(record.size(), 3u);
  EXPECT_EQ(record[0], "a");
  EXPECT_EQ(record[1], "b \"c\",\n");
  EXPECT_EQ(record[2], "");
  EXPECT_EQ(record[3], "");
  EXPECT_EQ(record.read("a,\"open", false), 0u);
  EXPECT_EQ(record.read("a,b", false), 0u);
  EXPECT_EQ(record.read("a,b", true), 3u);
}

}  // namespace
}  // namespace pgswitch::replay
