#include "proxy/replay/shapes.hpp"

#include <algorithm>

#include "rules/shape_text.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::replay {
namespace {

using rules::Decision;

std::uint64_t mix(std::uint64_t hash, std::uint64_t more) {
  hash ^= more + 0x9e3779b97f4a7c15u + (hash << 6) + (hash >> 2);
  return hash * 0xff51afd7ed558ccdu;
}

std::uint64_t key_of(const Verdict& verdict) {
  if (!verdict.decision) return 0;
  const Decision& decision = *verdict.decision;
  std::uint64_t key = mix(static_cast<std::uint64_t>(decision.verb), decision.rewritten ? 1 : 0);
  key = mix(key, rules::hash_bytes(decision.rule));
  key = mix(key, rules::hash_bytes(verdict.route));
  return decision.verb == Decision::Verb::reject ? mix(key, rules::hash_bytes(decision.refusal.message)) : key;
}

}  // namespace

void Shapes::add(std::uint64_t fingerprint, std::string_view text, std::uint64_t count, const Verdict& verdict, const Verdict& against) {
  const std::uint64_t key = mix(mix(fingerprint, key_of(verdict)), key_of(against));
  const auto found = rows_.find(key);
  if (found != rows_.end()) {
    found->second.count += count;
  } else if (rows_.size() == max_rows) {
    others_ += count;
  } else {
    rows_.emplace(key, ShapeRow{fingerprint, rules::shape_text(text, max_text), count, verdict, against});
  }
}

std::vector<const ShapeRow*> Shapes::sorted() const {
  std::vector<const ShapeRow*> rows;
  for (const auto& [key, row] : rows_) rows.push_back(&row);
  std::sort(rows.begin(), rows.end(), [](const ShapeRow* one, const ShapeRow* other) {
    return one->count != other->count ? one->count > other->count : std::tie(one->text, one->verdict.decision->rule) < std::tie(other->text, other->verdict.decision->rule);
  });
  return rows;
}

bool is_same(const Verdict& one, const Verdict& other) {
  const Decision& a = *one.decision;
  const Decision& b = *other.decision;
  const auto refusal = [](const Decision& decision) {
    return std::tie(decision.refusal.sqlstate, decision.refusal.message, decision.refusal.detail, decision.refusal.hint);
  };
  if (a.verb != b.verb) return false;
  if (a.verb == Decision::Verb::reject) return refusal(a) == refusal(b);
  if (a.verb == Decision::Verb::answer) return a.answer.columns == b.answer.columns && a.answer.rows == b.answer.rows;
  return one.route == other.route && a.rewritten == b.rewritten;
}

std::string in_words(const Verdict& verdict) {
  const Decision& decision = *verdict.decision;
  switch (decision.verb) {
    case Decision::Verb::reject: return "refused " + decision.refusal.sqlstate + " " + decision.refusal.message;
    case Decision::Verb::answer: return "answered here";
    case Decision::Verb::route: break;
  }
  return "route " + verdict.route + (decision.rewritten ? ", rewritten" : "");
}

}  // namespace pgswitch::replay
