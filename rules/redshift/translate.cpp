#include "rules/redshift/translate.hpp"

#include <algorithm>
#include <optional>

#include "rules/parse_tree.hpp"
#include "rules/redshift/dialect.hpp"
#include "rules/redshift/function_table.hpp"
#include "rules/redshift/translated_definition.hpp"
#include "rules/redshift/tree_translator.hpp"
#include "rules/tree_tokens.hpp"

namespace pgswitch::rules::redshift {
namespace {

constexpr std::size_t longest_text = 64 * 1024;

bool is_word_of(const TreeTokens& tokens, std::uint32_t at, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) { return tokens.is_word(at, word); });
}

/// Words that a tree does not keep: FETCH FIRST, OFFSET 1 ROWS, TABLE t.
bool has_lost_words(const TreeTokens& tokens, TokenRun run) {
  for (std::uint32_t at = run.first; at <= run.last; ++at) {
    const std::uint32_t next = tokens.next(at);
    if (tokens.is_word(at, "fetch") && is_word_of(tokens, next, {"first", "next"})) return true;
    if (tokens.is_word(at, "table") && !tokens.is(tokens.previous(at), TokenType::dot) && !tokens.is_word(tokens.previous(at), "as")) return true;
    if (tokens.is_word(at, "offset") && is_word_of(tokens, tokens.next(next), {"row", "rows"})) return true;
  }
  return false;
}

bool same_token(const TreeTokens& one, std::uint32_t at, const TreeTokens& other, std::uint32_t place) {
  const std::string_view left = one.text(at), right = other.text(place);
  if (one[at].type != other[place].type || left.size() != right.size()) return false;
  if (one[at].type != TokenType::word) return left == right;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(left.begin(), left.end(), right.begin(), [&](char a, char b) { return lower(a) == lower(b); });
}

/// The places of tokens that are no comments, from `first` on up to `end`.
std::vector<std::uint32_t> places(const TreeTokens& tokens, std::uint32_t first, std::uint32_t end) {
  std::vector<std::uint32_t> result;
  for (std::uint32_t at = first; at < end; ++at)
    if (!tokens.is(at, TokenType::comment)) result.push_back(at);
  return result;
}

/// Replaces what lies between two literals by what lies between them in the new text. Nothing where both are the same.
void edit_gap(const TreeTokens& tokens, const TreeTokens& written, std::vector<std::uint32_t> old, std::vector<std::uint32_t> now, std::uint32_t before,
              std::uint32_t first, std::vector<TokenEdit>& edits) {
  std::size_t same = 0;
  while (same < old.size() && same < now.size() && same_token(tokens, old[same], written, now[same])) ++same;
  if (same > 0) before = old[same - 1];
  old.erase(old.begin(), old.begin() + static_cast<std::ptrdiff_t>(same));
  now.erase(now.begin(), now.begin() + static_cast<std::ptrdiff_t>(same));
  while (!old.empty() && !now.empty() && same_token(tokens, old.back(), written, now.back())) old.pop_back(), now.pop_back();
  if (old.empty() && now.empty()) return;
  std::string text = " ";
  if (!now.empty()) {
    const std::uint32_t begin = written[now.front()].begin, end = written[now.back()].begin + written[now.back()].size;
    text += std::string(written.whole().substr(begin, end - begin)) + " ";
  }
  if (!old.empty()) edits.push_back({old.front(), old.back() - old.front() + 1, false, std::move(text)});
  else if (before != TreeTokens::none) edits.push_back({before, 0, true, std::move(text)});
  else edits.push_back({first, 0, false, std::move(text)});
}

/// The changes that make `run` of the tokens the new text, without touching a literal; nullopt when it has other literals.
std::optional<std::vector<TokenEdit>> edits_between_literals(const TreeTokens& tokens, TokenRun run, const TreeTokens& written) {
  std::vector<TokenEdit> edits;
  std::uint32_t old = run.first, now = 0, before = TreeTokens::none;
  while (true) {
    const std::uint32_t old_begin = old, now_begin = now;
    while (old <= run.last && !is_literal(tokens[old].type)) ++old;
    while (now < written.size() && !is_literal(written[now].type)) ++now;
    const bool ends = old > run.last;
    if (ends != (now >= written.size())) return std::nullopt;
    edit_gap(tokens, written, places(tokens, old_begin, old), places(written, now_begin, now), before, run.first, edits);
    if (ends) return edits;
    if (!same_token(tokens, old, written, now)) return std::nullopt;
    before = old;
    ++old, ++now;
  }
}

/// Translates one text.
class Translator {
 public:
  Translator(std::string_view text, bool conforming, Translate how) : text_(text), conforming_(conforming), how_(how), tokens_(text, {conforming}) {}

  Translation run() {
    if (how_ == Translate::off || speaks_redshift(text_, conforming_)) return std::move(result_);
    const Definition found = definition_of(text_, tokens_, conforming_);
    if (!found.refusal.message.empty()) {
      refuse(found.refusal, found.at);
    } else if (found.query) {
      translate_query(*found.query);
    } else if (!found.edits.empty()) {
      take(found.edits);
      result_.beyond_postgres = found.beyond_postgres;
    }
    return std::move(result_);
  }

 private:
  void refuse(Refusal refusal, std::uint32_t at) {
    result_.refusal = std::move(refusal);
    result_.at = at;
  }

  /// Some nodes have no place: that of the first keyword that the message names.
  std::uint32_t place_of(std::string_view message, TokenRun run) const {
    for (std::size_t at = 0; at < message.size(); ++at) {
      const std::size_t end = std::min(message.find_first_of(" ,.()", at), message.size());
      std::string word(message.substr(at, end - at));
      const bool keyword = word.size() > 1 && std::all_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
      for (char& c : word) c = static_cast<char>(c | 0x20);
      for (std::uint32_t token = run.first; keyword && token <= run.last; ++token)
        if (tokens_.is_word(token, word)) return tokens_[token].begin;
      at = end;
    }
    return tokens_[run.first].begin;
  }

  void translate_query(TokenRun run) {
    const std::uint32_t begin = tokens_[run.first].begin, end = tokens_[run.last].begin + tokens_[run.last].size;
    std::string error;
    std::optional<ParseTree> tree = read_tree(text_.substr(begin, end - begin), conforming_, error, longest_text);
    if (!tree) return refuse({"0A000", "the statement cannot be translated for Redshift", error, std::string(other_way)}, begin);
    TreeTranslator translator(how_);
    if (!translator.run(*tree)) {
      const Refusal& refusal = translator.refusal();
      return refuse(refusal, translator.at() > 0 ? begin + translator.at() : place_of(refusal.message, run));
    }
    if (!translator.changed() && !has_lost_words(tokens_, run)) return;
    const std::optional<std::string> written = write_tree(*tree, conforming_, error, longest_text);
    if (!written) return refuse({"0A000", "the statement cannot be translated for Redshift", error, std::string(other_way)}, begin);
    const TreeTokens written_tokens(*written, {conforming_});
    if (!translator.by_literals()) {
      std::optional<std::vector<TokenEdit>> edits = edits_between_literals(tokens_, run, written_tokens);
      if (edits) return take(std::move(*edits));
    }
    const Edit whole{begin, end - begin, *written};
    result_.positions.assign(text_, {&whole, 1});
    result_.text = splice(text_, {&whole, 1}).value_or("");
  }

  void take(std::vector<TokenEdit> edits) {
    sort_edits(edits);
    std::vector<Edit> placed;
    if (edits.empty() || !place_edits(edits, tokens_.all(), placed)) return;
    result_.text = splice(text_, placed).value_or("");
    result_.positions.assign(text_, placed);
    result_.edits = std::move(edits);
  }

  std::string_view text_;
  bool conforming_;
  Translate how_;
  TreeTokens tokens_;
  Translation result_;
};

}  // namespace

Translation translate(std::string_view text, bool standard_conforming_strings, Translate how) {
  return Translator(text, standard_conforming_strings, how).run();
}

}  // namespace pgswitch::rules::redshift
