#include "tests/redshift/load_values.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace pgswitch::stand_in {
namespace {

constexpr int length(int bytes) { return bytes + 4; }
constexpr int numeric(int precision, int scale) { return (precision << 16 | scale) + 4; }

struct ValueCase {
  const char* type;
  int modifier;
  const char* given;
  std::function<void(LoadFormat&)> options;
  const char* result;  ///< "<null>", or "!code reason"
};

TEST(RedshiftValues, AreConvertedByRedshiftsRules) {
  const auto truncate = [](LoadFormat& f) { f.truncate_columns = true; };
  const auto round = [](LoadFormat& f) { f.round = true; };
  const auto automatic = [](LoadFormat& f) { f.date_format = f.time_format = "auto"; };
  const ValueCase cases[] = {
      {"varchar", length(3), "abc", {}, "abc"},
      {"varchar", length(3), "abcd", {}, "!1204 String length exceeds DDL length"},
      {"varchar", length(3), "äb", {}, "äb"},
      {"varchar", length(3), "ää", {}, "!1204 String length exceeds DDL length"},
      {"varchar", length(3), "ää", truncate, "ä"},
      {"varchar", length(3), "", {}, ""},
      {"varchar", length(3), "", [](LoadFormat& f) { f.empty_as_null = true; }, "<null>"},
      {"varchar", length(3), "  ", {}, "  "},
      {"varchar", length(3), "  ", [](LoadFormat& f) { f.blanks_as_null = true; }, "<null>"},
      {"varchar", length(9), "a  ", [](LoadFormat& f) { f.trim_blanks = true; }, "a"},
      {"varchar",
       length(9),
       "a\xff",
       {},
       "!1220 String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: ff (error 4)"},
      {"varchar", length(9), "a\xff", [](LoadFormat& f) { f.replacement = '?'; }, "a?"},
      {"bpchar", length(3), "abc   ", {}, "abc   "},
      {"bpchar", length(3), "ä", {}, "!1220 Multibyte character not supported for CHAR (Hint: try using VARCHAR)."},
      {"int4", -1, "12", {}, "12"},
      {"int4", -1, " -12 ", {}, "-12"},
      {"int4", -1, "", {}, "<null>"},
      {"int4", -1, "  ", {}, "<null>"},
      {"int4", -1, "1x", {}, "!1207 Invalid digit, Value 'x', Pos 1, Type: Integer"},
      {"int4", -1, "1.5", {}, "!1207 Invalid digit, Value '.', Pos 1, Type: Integer"},
      {"int4", -1, "2147483648", {}, "!1204 Overflow, Column type: Integer"},
      {"int4", -1, "-2147483648", {}, "-2147483648"},
      {"int2", -1, "32768", {}, "!1204 Overflow, Column type: Short"},
      {"int8", -1, "9223372036854775807", {}, "9223372036854775807"},
      {"int8", -1, "9223372036854775808", {}, "!1204 Overflow, Column type: Long"},
      {"numeric", numeric(8, 2), "20.259", {}, "20.25"},
      {"numeric", numeric(8, 2), "20.259", round, "20.259"},
      {"numeric", numeric(4, 2), "123.1", {}, "!1204 Overflow for NUMERIC(4,2)"},
      {"numeric", numeric(8, 2), "1e3", {}, "!1207 Invalid digit, Value 'e', Pos 1, Type: Decimal"},
      {"float8", -1, "1e3", {}, "1e3"},
      {"float8", -1, "x", {}, "!1208 Invalid value 'x', Type: Double"},
      {"bool", -1, "TRUE", {}, "t"},
      {"bool", -1, "0", {}, "f"},
      {"bool", -1, "on", {}, "!1210 Unknown boolean format"},
      {"date", -1, "2020-02-29", {}, "2020-02-29"},
      {"date", -1, "2021-02-29", {}, "!1205 Invalid Date Format [YYYY-MM-DD]"},
      {"date", -1, "2021-2-9", {}, "2021-02-09"},
      {"date", -1, "02/03/2021", {}, "!1205 Invalid Date Format [YYYY-MM-DD]"},
      {"date", -1, "1", {}, "!1205 Invalid Date Format - length must be 10 or more"},
      {"date", -1, "02/03/2021", automatic, "2021-02-03"},
      {"date", -1, "3 Mar 2021", [](LoadFormat& f) { f.date_format = "DD MON YYYY"; }, "2021-03-03"},
      {"timestamp", -1, "2020-01-02 03:04:05.678", {}, "2020-01-02 03:04:05.678"},
      {"timestamp", -1, "2020-01-02T03:04:05", automatic, "2020-01-02 03:04:05"},
      {"timestamp", -1, "2020-01-02", {}, "!1206 Invalid timestamp format or value [YYYY-MM-DD HH:MI:SS]"},
      {"timestamp", -1, "2020-01-02", automatic, "2020-01-02 00:00:00"},
      {"timestamp", -1, "2020-01-02 25:00:00", automatic, "!1206 Invalid timestamp format or value [auto]"},
      {"timestamp", -1, "01/02/2020 03:04:05 PM", automatic, "2020-01-02 15:04:05"},
      {"timestamp", -1, "1577934245", [](LoadFormat& f) { f.time_format = "epochsecs"; }, "2020-01-02 03:04:05.000000+00"},
      {"timestamptz", -1, "2020-01-02 03:04:05.5+02", automatic, "2020-01-02 03:04:05.5+02"},
      {"timestamptz", -1, "infinity", automatic, "!1206 Invalid timestamp format or value [auto]"},
  };
  for (const ValueCase& one : cases) {
    LoadFormat format;
    if (one.options) one.options(format);
    Field field{one.given, false, false, 0};
    const auto error = convert(field, {"c", one.type, one.modifier}, format);
    const std::string result = error ? "!" + std::to_string(error->code) + " " + error->reason : field.is_null ? "<null>" : field.value;
    EXPECT_EQ(result, one.result) << one.type << " " << one.given;
  }
}

TEST(RedshiftValues, NullIsRefusedWhereNoneMayBe) {
  Field field{"", true, false, 0};
  LoadColumn column{"c", "int4", -1, true};
  EXPECT_EQ(convert(field, column, {})->code, 1213);
  column.not_null = false;
  EXPECT_FALSE(convert(field, column, {}));
}

}  // namespace
}  // namespace pgswitch::stand_in
