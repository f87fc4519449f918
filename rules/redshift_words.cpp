#include "rules/redshift_words.hpp"

#include <algorithm>
#include <iterator>

namespace pgswitch::rules {
namespace {

/// Wherever they stand.
constexpr std::string_view anywhere[] = {"compound",   "compupdate",  "datashare", "distkey",    "diststyle", "iam_role",
                                         "interleaved", "manifest",    "qualify",   "rowformat",  "sortkey",   "statupdate",
                                         "sysdate",    "truncatecolumns"};
/// Only before an opening parenthesis.
constexpr std::string_view called_words[] = {"dateadd", "datediff", "getdate", "identity", "listagg", "nvl", "nvl2", "pivot", "unpivot"};

template <class Table>
bool has(const Table& table, std::string_view word) {
  return std::binary_search(std::begin(table), std::end(table), word);
}

static_assert(std::is_sorted(std::begin(anywhere), std::end(anywhere)));
static_assert(std::is_sorted(std::begin(called_words), std::end(called_words)));

bool is_verb_of_object(std::string_view word) { return word == "create" || word == "alter" || word == "drop"; }

}  // namespace

void RedshiftWords::found(std::string_view word) {
  if (!keyword_.empty()) return;
  keyword_ = word;
  std::transform(keyword_.begin(), keyword_.end(), keyword_.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
}

void RedshiftWords::on_token(const Token& token, std::string_view text) {
  if (!keyword_.empty()) return;
  after_word(token, text);
  before_ = std::move(previous_);
  previous_.clear();
  if (token.type != TokenType::word) return;
  on_word(text);
  previous_ = text;
  if (first_.empty()) first_ = text;
}

/// Words that tell by what stands before them, or that wait for what follows.
void RedshiftWords::on_word(std::string_view word) {
  if (first_.empty() && word == "unload") return found(word);
  if (has(anywhere, word)) return found(word);
  if (word == "external" && (is_verb_of_object(before_) || before_ == "from")) return found(word);
  if (first_ == "vacuum" && (word == "reindex" || word == "recluster" || word == "boost")) return found(word);
  if (word == "max" && candidate_ == "varchar(") return found("varchar(max)");
  const bool waits = has(called_words, word) || word == "top" || word == "encode" || word == "approximate" || word == "minus" ||
                     word == "append" || word == "credentials" || word == "varchar";
  candidate_ = waits ? std::string(word) : std::string();
  if (word == "top" && before_ != "select" && before_ != "distinct" && before_ != "all") candidate_.clear();
  if (word == "append" && first_ != "alter") candidate_.clear();
  if (word == "credentials" && first_ != "copy") candidate_.clear();
}

/// Does this token bear out the word before it?
void RedshiftWords::after_word(const Token& token, std::string_view text) {
  const std::string_view c = candidate_;
  if (previous_ == "from" && first_ == "copy" && is_literal(token.type) && text.starts_with("'s3://")) return found("s3");
  if (text == "#" && (previous_ == "table" || previous_ == "into")) return found(text);  // #name: a temporary table
  if (c.empty()) return;
  const bool word = token.type == TokenType::word;
  if (token.type == TokenType::left_paren && c == "varchar") {
    candidate_ = "varchar(";
    return;
  }
  const bool borne_out = (token.type == TokenType::left_paren && (has(called_words, c) || c == "minus")) ||
                         (token.type == TokenType::integer && c == "top") || (word && c == "encode") ||
                         (word && c == "approximate") || (word && c == "minus" && text == "select") ||
                         (word && c == "append" && text == "from") || (is_literal(token.type) && c == "credentials") ||
                         (word && c == "credentials" && text == "as");
  if (borne_out) found(c);
  if (c != "varchar(" || !word) candidate_.clear();
}

}  // namespace pgswitch::rules
