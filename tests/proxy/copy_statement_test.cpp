#include "proxy/copy/copy_statement.hpp"

#include <gtest/gtest.h>

#include "proxy/copy/copy_writer.hpp"
#include "proxy/copy/load_error.hpp"
#include "proxy/copy/load_statement.hpp"

namespace pgswitch::copy {
namespace {

using protocol::SqlError;

CopyStatement parsed(std::string_view text) {
  SqlError error;
  const auto copy = parse_copy(text, true, error);
  EXPECT_TRUE(copy) << text << ": " << error.message;
  return copy.value_or(CopyStatement{});
}

TEST(CopyStatement, is_taken_apart) {
  const CopyStatement copy = parsed("/* x */ copy \"S\".T (A, \"b\"\"c\") from STDIN with (format CSV, header, null E'\\\\N')");
  EXPECT_TRUE(copy.from);
  EXPECT_EQ(copy.target, "\"S\".T");
  EXPECT_EQ(copy.table, "t");
  EXPECT_EQ(copy.columns, (std::vector<std::string>{"a", "b\"c"}));
  EXPECT_EQ(copy.column_list, "(A, \"b\"\"c\")");
  EXPECT_EQ(copy.options.format, Format::csv);
  EXPECT_EQ(copy.options.header, Header::yes);
  EXPECT_EQ(copy.options.null, "\\N");
}

TEST(CopyStatement, of_a_query) {
  const CopyStatement copy = parsed("COPY (SELECT ')', (1), \"\xc3\xa4\" FROM t) TO STDOUT DELIMITER '|';");
  EXPECT_FALSE(copy.from);
  EXPECT_EQ(copy.query, "SELECT ')', (1), \"\xc3\xa4\" FROM t");
  EXPECT_EQ(copy.query_position, 6u);
  EXPECT_EQ(copy.options.delimiter, '|');
}

TEST(CopyStatement, in_the_old_syntax) {
  EXPECT_EQ(parsed("COPY t FROM stdin USING DELIMITERS ';'").options.delimiter, ';');
  EXPECT_EQ(parsed("COPY t FROM stdin WITH CSV HEADER DELIMITER AS ';' QUOTE '''' ESCAPE AS '\\'").options.escape, '\\');
  EXPECT_EQ(parsed("COPY t FROM stdin NULL 'x' ").options.null, "x");
  EXPECT_TRUE(parsed("COPY t TO stdout CSV FORCE QUOTE *").options.force_quote_all);
  EXPECT_EQ(parsed("COPY t (a,b) TO stdout CSV FORCE QUOTE a, b").options.force_quote.size(), 2u);
  EXPECT_EQ(parsed("COPY binary FROM stdin").table, "binary");
}

TEST(CopyStatement, of_files_is_not_for_the_client) {
  EXPECT_TRUE(is_client_copy("copy t from stdin", true));
  EXPECT_TRUE(is_client_copy("COPY (select 1) TO STDOUT (format csv)", true));
  EXPECT_FALSE(is_client_copy("COPY t FROM 's3://bucket/key' CSV", true));
  EXPECT_FALSE(is_client_copy("COPY t FROM PROGRAM 'x'", true));
  EXPECT_FALSE(is_client_copy("SELECT 1", true));
}

TEST(CopyStatement, is_refused_in_postgresqls_words) {
  const std::pair<std::string_view, std::string_view> wrong[] = {
      {"FROM STDIN BINARY", "0A000 COPY in the binary format cannot be run on Redshift"},
      {"FROM STDIN (FORMAT binary)", "0A000 COPY in the binary format cannot be run on Redshift"},
      {"FROM STDIN (FORMAT xml)", "22023 COPY format \"xml\" not recognized"},
      {"FROM STDIN (FORMAT csv, FORMAT text)", "42601 conflicting or redundant options"},
      {"FROM STDIN (DELIMITER ',,')", "0A000 COPY delimiter must be a single one-byte character"},
      {"FROM STDIN (DELIMITER 'a')", "22023 COPY delimiter cannot be \"a\""},
      {"FROM STDIN (DELIMITER E'\\n')", "22023 COPY delimiter cannot be newline or carriage return"},
      {"FROM STDIN (NULL E'\\n')", "22023 COPY null representation cannot use newline or carriage return"},
      {"FROM STDIN (QUOTE 'x')", "0A000 COPY quote available only in CSV mode"},
      {"FROM STDIN (FORMAT csv, QUOTE ',')", "22023 COPY delimiter and quote must be different"},
      {"FROM STDIN (FORMAT csv, FORCE_QUOTE (a))", "0A000 COPY force quote only available using COPY TO"},
      {"FROM STDIN (FORCE_NULL (a))", "0A000 COPY force null available only in CSV mode"},
      {"TO STDOUT (FORMAT csv, FORCE_NOT_NULL (a))", "0A000 COPY force not null only available using COPY FROM"},
      {"TO STDOUT (HEADER match)", "0A000 cannot use \"match\" with HEADER in COPY TO"},
      {"FROM STDIN (NULL E'a\\tb')", "0A000 COPY delimiter must not appear in the NULL specification"},
      {"FROM STDIN (FORMAT csv, NULL 'a\"b')", "0A000 CSV quote character must not appear in the NULL specification"},
      {"FROM STDIN (FORMAT csv, FORCE_NULL (c))", "42P10 FORCE_NULL column \"c\" not referenced by COPY"},
      {"FROM STDIN (SPEED 3)", "42601 option \"speed\" not recognized"},
      {"FROM STDIN WHERE a > 1", "0A000 COPY FROM ... WHERE cannot be run on Redshift"},
  };
  for (const auto& [text, expected] : wrong) {
    SqlError error;
    EXPECT_FALSE(parse_copy("COPY t (a, b) " + std::string(text), true, error)) << text;
    EXPECT_EQ(error.sqlstate + ' ' + error.message, expected) << text;
  }
}

TEST(CopyWriter, writes_what_postgresql_writes) {
  const std::vector<Field> row = {{"a\tb\\", false}, {"", true}, {"x\"y,\n\r", false}, {"", false}};
  const std::vector<std::string> names = {"a", "b\t", "c", "d"};
  const auto written = [&](std::string_view options, const std::vector<Field>& fields) {
    const CopyWriter writer(parsed("COPY t TO STDOUT " + std::string(options)).options, names);
    std::string out;
    if (writer.has_header()) writer.header(out);
    writer.row(out, fields);
    return out;
  };
  EXPECT_EQ(written("", row), "a\\tb\\\\\t\\N\tx\"y,\\n\\r\t\n");
  EXPECT_EQ(written("(DELIMITER ',', NULL 'nil', HEADER)", row), "a,b\\t,c,d\na\\tb\\\\,nil,x\"y\\,\\n\\r,\n");
  EXPECT_EQ(written("CSV HEADER", row), "a,b\t,c,d\na\tb\\,,\"x\"\"y,\n\r\",\"\"\n");
  EXPECT_EQ(written("(FORMAT csv, QUOTE '''', ESCAPE '\\', FORCE_QUOTE *)", row), "'a\tb\\\\',,'x\"y,\n\r',''\n");
  EXPECT_EQ(written("CSV", {{"\\.", false}}), "\"\\.\"\n");
  EXPECT_EQ(written("CSV NULL 'nil'", {{"nil", false}, {"", true}}), "\"nil\",nil\n");
}

TEST(LoadStatement, has_redshifts_spelling) {
  const CopyStatement copy = parsed("COPY s.t (a, \"B\") FROM STDIN");
  Source source{"s3://b/it's\\k", "eu-central-1", "", "ID", "sec'ret", "tok\\en", true};
  EXPECT_EQ(load_statement(copy, source, "N1"),
            "COPY s.t (a, \"B\") FROM 's3://b/it\\'s\\\\k' ACCESS_KEY_ID 'ID' SECRET_ACCESS_KEY 'sec\\'ret' SESSION_TOKEN 'tok\\\\en' "
            "REGION 'eu-central-1' GZIP "
            "DELIMITER '\\t' ESCAPE NULL AS 'N1' TIMEFORMAT 'auto' DATEFORMAT 'auto' COMPUPDATE OFF STATUPDATE OFF");
  source.iam_role = "arn:aws:iam::1:role/r";
  EXPECT_NE(load_statement(copy, source, "N1").find(" IAM_ROLE 'arn:aws:iam::1:role/r' REGION"), std::string::npos);
  EXPECT_EQ(load_statement(copy, source, "N1").find("sec"), std::string::npos) << "a role needs no keys";
  EXPECT_EQ(columns_query(copy), "SELECT a, \"B\" FROM s.t LIMIT 0");
  EXPECT_EQ(without_secrets("x sec'ret y", source), "x *** y");
}

TEST(LoadError, is_told_as_postgresql_would_have) {
  const CopyStatement copy = parsed("COPY s.t (a, b) FROM STDIN");
  LineMap lines;
  lines.note(2, 1);  // a header
  struct Row {
    std::vector<std::string> row;
    std::string_view sqlstate, message, context;
  };
  const Row rows[] = {
      {{"3", "a  ", "int4  ", "abc ", "1207", "Invalid digit, Value 'a', Pos 0, Type: Integer "},
       "22P02",
       "invalid input syntax for type integer: \"abc\"",
       "COPY t, line 4, column a: \"abc\""},
      {{"1", "b", "varchar", "long", "1204", "String length exceeds DDL length"},
       "22001",
       "value too long for type character varying",
       "COPY t, line 2, column b: \"long\""},
      {{"1", "a", "date", "x", "1205", "Invalid Date Format"},
       "22007",
       "invalid input syntax for type date: \"x\"",
       "COPY t, line 2, column a: \"x\""},
      {{"1", "", "", "", "1202", "Extra column(s) found"}, "22P04", "extra data after last expected column", "COPY t, line 2"},
      {{"1", "a", "int4", "", "1213", "Missing data for not-null field"},
       "23502",
       "null value in column \"a\" violates not-null constraint",
       "COPY t, line 2, column a"},
      {{"1", "a", "int4", "", "9999", "Something else"}, "22000", "Something else", "COPY t, line 2, column a"},
  };
  for (const Row& one : rows) {
    std::vector<Field> fields;
    for (const std::string& value : one.row) fields.push_back({value, false});
    const SqlError error = to_error(read_load_error(fields), copy, lines, {});
    EXPECT_EQ(error.sqlstate, one.sqlstate);
    EXPECT_EQ(error.message, one.message);
    EXPECT_EQ(error.context, one.context);
  }
}

}  // namespace
}  // namespace pgswitch::copy
