// TreePlanner: a comment at the end of the statement, as sqlcommenter has them.
#include <algorithm>
#include <array>
#include <utility>

#include "rules/tree_planner.hpp"

namespace pgswitch::rules {
namespace {

/// Letters, digits and what RFC 3986, 2.3, leaves alone stay; nothing is left that could end the comment or the value.
std::string url_encoded(std::string_view text) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  constexpr std::string_view plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  for (const unsigned char c : text) {
    if (plain.find(static_cast<char>(c)) != std::string_view::npos) {
      encoded += static_cast<char>(c);
    } else {
      encoded += '%';
      encoded += hex[c >> 4];
      encoded += hex[c & 15];
    }
  }
  return encoded;
}

}  // namespace

/// What "$user" and the like stand for; any other value is meant as it is.
std::string_view TreePlanner::value_of_tag(std::string_view value) {
  const std::array<std::tuple<std::string_view, std::string_view, Dependencies>, 5> known = {{
      {"$user", facts_.user, bit(Dependency::user)},
      {"$database", facts_.database, bit(Dependency::database)},
      {"$application_name", facts_.application_name, bit(Dependency::application_name)},
      {"$client_address", facts_.client_address, bit(Dependency::client_address)},
      {"$rule", rule_, 0},
  }};
  for (const auto& [word, stands_for, dependencies] : known) {
    if (value != word) continue;
    plan_.depends_on |= dependencies;
    return stands_for;
  }
  return value;
}

void TreePlanner::tag() {
  std::uint32_t end = tokens_.previous(tokens_.size());
  while (end != TreeTokens::none && tokens_.is(end, TokenType::semicolon)) end = tokens_.previous(end);
  if (end == TreeTokens::none) return void(refuse("where the statement ends cannot be told"));
  std::string comment;
  for (const SqlTag& tag : wanted_.tags)
    comment.append(comment.empty() ? " /*" : ",").append(url_encoded(tag.key)).append("='").append(url_encoded(value_of_tag(tag.value))).append("'");
  insert_behind(end, comment + "*/");
}

}  // namespace pgswitch::rules
