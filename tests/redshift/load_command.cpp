#include "tests/redshift/load_command.hpp"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <map>

#include "tests/redshift/translate.hpp"

namespace pgswitch::stand_in {
namespace {

class Reader {
 public:
  Reader(std::string_view text, const Statement& statement, const Options& options)
      : text_(text), tokens_(statement.tokens), options_(options) {}

  LoadCommand read() {
    const bool unloads = take("unload");
    if (unloads) {
      expect("(");
      command_.query = string();
      expect(")");
      expect("to");
    } else {
      expect("copy");
      read_table();
      expect("from");
    }
    const std::string source = string();
    command_.place = S3Place::parse(source);
    if (command_.place.bucket.empty())
      fail("0A000", unloads ? "UNLOAD destination is not supported. (Hint: only S3 based unload is allowed)"
                            : "LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)");
    while (at_ < tokens_.size()) read_option();
    if (command_.key.id.empty()) fail("42601", unloads ? "UNLOAD requires credentials" : "COPY from this source requires credentials");
    if (command_.format.csv && (command_.format.escape || command_.format.remove_quotes))
      fail("42601", std::string("CSV is not supported with ") + (command_.format.escape ? "ESCAPE" : "REMOVEQUOTES"));
    return std::move(command_);
  }

 private:
  [[noreturn]] void fail(std::string_view sqlstate, std::string message) const {
    throw text_error(sqlstate, std::move(message), at_ < tokens_.size() ? tokens_[at_].begin : text_.size());
  }
  const Token& token() const {
    if (at_ >= tokens_.size()) fail("42601", "syntax error at end of input");
    return tokens_[at_];
  }
  [[noreturn]] void unexpected() const { throw syntax_error(text_, token()); }
  bool take(std::string_view word) {
    if (at_ >= tokens_.size() || !(tokens_[at_].is(word) || tokens_[at_].is_mark(word))) return false;
    ++at_;
    return true;
  }
  void expect(std::string_view word) {
    if (!take(word)) unexpected();
  }
  std::string string() {
    if (token().type != TokenType::string) unexpected();
    return tokens_[at_++].value;
  }
  std::string string_after_as() {
    take("as");
    return string();
  }
  char character() {
    const std::string value = string_after_as();
    if (value.size() != 1) fail("42601", "one character is wanted here, not '" + value + "'");
    return value[0];
  }
  std::uint64_t number() {
    take("as");
    const std::string& digits = token().value;
    if (token().type != TokenType::number || digits.find_first_not_of("0123456789") != std::string::npos || digits.size() > 18)
      unexpected();
    return std::stoull(tokens_[at_++].value);
  }
  /// An option whose value may be left out.
  void on_or_off() {
    for (const char* word : {"on", "off", "preset", "true", "false"})
      if (take(word)) return;
  }

  void read_table() {
    do {
      if (!token().is_name()) unexpected();
      command_.table += (command_.table.empty() ? "" : ".") + quote_identifier(token().value);
      command_.table_name = tokens_[at_++].value;
    } while (take("."));
    if (!take("(")) return;
    do {
      if (!token().is_name()) unexpected();
      command_.columns.push_back(tokens_[at_++].value);
    } while (take(","));
    expect(")");
  }

  void read_option() {
    static const std::map<std::string_view, void (Reader::*)()> readers = {
        {"iam_role", &Reader::read_role},        {"credentials", &Reader::read_credentials},
        {"access_key_id", &Reader::read_key_id}, {"secret_access_key", &Reader::read_secret},
        {"session_token", &Reader::read_token},  {"format", &Reader::read_format}};
    LoadFormat& f = command_.format;
    const std::map<std::string_view, std::function<void()>> others = {
        {"with", [] {}},
        {"csv", [&] { set_csv(); }},
        {"quote", [&] { f.quote = character(); }},
        {"delimiter", [&] { f.delimiter = character(); }},
        {"null", [&] { f.null_text = string_after_as(); }},
        {"escape", [&] { f.escape = true; }},
        {"removequotes", [&] { f.remove_quotes = true; }},
        {"addquotes", [&] { f.add_quotes = true; }},
        {"gzip", [&] { f.gzip = true; }},
        {"header", [&] { f.header = true; }},
        {"emptyasnull", [&] { f.empty_as_null = true; }},
        {"blanksasnull", [&] { f.blanks_as_null = true; }},
        {"trimblanks", [&] { f.trim_blanks = true; }},
        {"truncatecolumns", [&] { f.truncate_columns = true; }},
        {"roundec", [&] { f.round = true; }},
        {"fillrecord", [&] { f.fill_record = true; }},
        {"ignoreblanklines", [&] { f.ignore_blank_lines = true; }},
        {"explicit_ids", [&] { f.explicit_ids = true; }},
        {"ignoreheader", [&] { f.ignore_header = number(); }},
        {"maxerror", [&] { f.max_errors = number(); }},
        {"dateformat", [&] { f.date_format = string_after_as(); }},
        {"timeformat", [&] { f.time_format = string_after_as(); }},
        {"acceptinvchars",
         [&] { f.replacement = at_ < tokens_.size() && (token().is("as") || token().type == TokenType::string) ? character() : '?'; }},
        {"region", [&] { command_.region = string_after_as(); }},
        {"compupdate", [&] { on_or_off(); }},
        {"statupdate", [&] { on_or_off(); }},
        {"comprows", [&] { number(); }},
        {"noload", [&] { command_.no_load = true; }},
        {"encoding",
         [&] {
           if (lower(string_after_as()) != "utf8") fail("0A000", "the stand-in reads UTF8 only");
         }},
        {"manifest", [&] { fail("0A000", "the stand-in has no manifests"); }},
        {"allowoverwrite", [&] { command_.allow_overwrite = true; }},
        {"parallel", [&] { command_.parallel = !(token().is("off") || token().is("false")), on_or_off(); }},
        {"maxfilesize", [&] { number(), take("mb") || take("gb"); }},
        {"acceptanydate", [&] { fail("0A000", "the stand-in has no ACCEPTANYDATE"); }},
    };
    if (!token().is_name()) unexpected();
    const std::string name = token().value;
    if (const auto reader = readers.find(name); reader != readers.end()) {
      ++at_;
      (this->*reader->second)();
    } else if (const auto other = others.find(name); other != others.end()) {
      ++at_;
      other->second();
    } else {
      for (const char* format : {"json", "avro", "parquet", "orc", "fixedwidth", "bzip2", "lzop", "zstd", "encrypted", "ssh", "readratio"})
        if (name == format) fail("0A000", "the stand-in does not read " + name);
      unexpected();
    }
  }

  void set_csv() {
    command_.format.csv = true;
    if (command_.format.delimiter == '|') command_.format.delimiter = ',';
  }
  void read_format() {
    take("as");
    if (!token().is("csv")) fail("0A000", "the stand-in does not read " + token().value);
    ++at_;
    set_csv();
  }
  void read_role() { use_role(take("default") ? "default" : string()); }
  void use_role(const std::string& role) {
    const auto found = options_.roles.find(role);
    if (found == options_.roles.end())
      fail("XX000", "User arn:aws:redshift:us-east-1:123456789012:dbuser:stand-in/user is not authorized to assume IAM Role " + role);
    const std::string& value = found->second;
    const std::size_t first = value.find(':'), second = value.find(':', first + 1);
    command_.key = {value.substr(0, first), value.substr(first + 1, second - first - 1),
                    second == std::string::npos ? "" : value.substr(second + 1)};
  }
  /// 'aws_iam_role=arn' or 'aws_access_key_id=..;aws_secret_access_key=..[;token=..]'
  void read_credentials() {
    std::string left = string_after_as();
    while (!left.empty()) {
      const std::size_t end = std::min(left.find(';'), left.size());
      const std::string pair = left.substr(0, end);
      left.erase(0, std::min(end + 1, left.size()));
      const std::string name = pair.substr(0, pair.find('='));
      const std::string value = pair.substr(std::min(pair.find('=') + 1, pair.size()));
      if (name == "aws_access_key_id") {
        command_.key.id = value;
      } else if (name == "aws_secret_access_key") {
        command_.key.secret = value;
      } else if (name == "token") {
        command_.key.token = value;
      } else if (name == "aws_iam_role") {
        use_role(value);
      } else {
        fail("0A000",
             "Invalid credentials. Must be of the format: credentials 'aws_iam_role=...' or "
             "'aws_access_key_id=...;aws_secret_access_key=...[;token=...]'");
      }
    }
  }
  void read_key_id() { command_.key.id = string_after_as(); }
  void read_secret() { command_.key.secret = string_after_as(); }
  void read_token() { command_.key.token = string_after_as(); }

  std::string_view text_;
  const Tokens& tokens_;
  const Options& options_;
  std::size_t at_ = 0;
  LoadCommand command_;
};

}  // namespace

LoadCommand read_load_command(std::string_view text, const Statement& statement, const Options& options) {
  return Reader(text, statement, options).read();
}

}  // namespace pgswitch::stand_in
