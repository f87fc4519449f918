#include "rules/redshift/translated_definition.hpp"

#include <algorithm>

#include "rules/pg_parse.hpp"
#include "rules/redshift/function_table.hpp"

namespace pgswitch::rules::redshift {
namespace {

/// Statements about what Redshift does not have.
struct Missing {
  NodeTag tag;
  std::string_view what, hint;
};
constexpr Missing missing[] = {
    {T_IndexStmt, "indexes", "A sort key does what they are for."},
    {T_ReindexStmt, "indexes", "VACUUM REINDEX is for interleaved sort keys."},
    {T_ClusterStmt, "CLUSTER", "VACUUM sorts a table by its sort key."},
    {T_CreateTrigStmt, "triggers", {}},
    {T_CreateEventTrigStmt, "triggers", {}},
    {T_CreateSeqStmt, "sequences", "A column of IDENTITY(1, 1) numbers rows."},
    {T_AlterSeqStmt, "sequences", {}},
    {T_CreateEnumStmt, "types of one's own", "Use varchar."},
    {T_CompositeTypeStmt, "types of one's own", "SUPER holds structures."},
    {T_CreateRangeStmt, "types of one's own", {}},
    {T_CreateDomainStmt, "domains", {}},
    {T_CreateExtensionStmt, "extensions", {}},
    {T_RuleStmt, "rules", {}},
    {T_CreatePolicyStmt, "policies of this form", "CREATE RLS POLICY makes one."},
    {T_CreateTableSpaceStmt, "tablespaces", {}},
    {T_CreateForeignTableStmt, "foreign tables", "CREATE EXTERNAL TABLE reads files."},
    {T_CreateForeignServerStmt, "foreign servers", "CREATE EXTERNAL SCHEMA ... FROM POSTGRES reads another server."},
    {T_CreateFdwStmt, "foreign-data wrappers", {}},
    {T_CreateUserMappingStmt, "user mappings", {}},
    {T_CreatePublicationStmt, "publications", {}},
    {T_CreateSubscriptionStmt, "subscriptions", {}},
    {T_CreateStatsStmt, "extended statistics", {}},
    {T_CreateCastStmt, "casts of one's own", {}},
    {T_CreateOpClassStmt, "operator classes", {}},
    {T_DoStmt, "DO", "CREATE PROCEDURE and CALL do the same."}};

/// Looks at one statement while its tree is there.
class Definer {
 public:
  Definer(const TreeTokens& tokens, Definition& result) : tokens_(tokens), result_(result) {}

  void statement(const Node* node) {
    const std::uint32_t begin = tokens_.is(0, TokenType::comment) ? tokens_.next(0) : 0;
    std::uint32_t end = tokens_.previous(tokens_.size());
    while (end != TreeTokens::none && tokens_.is(end, TokenType::semicolon)) end = tokens_.previous(end);
    if (begin == TreeTokens::none || end == TreeTokens::none) return;
    while (nodeTag(node) == T_ExplainStmt) {
      node = as<ExplainStmt>(node)->query;
      at_ = behind_explain(at_ == TreeTokens::none ? begin : at_);
    }
    if (at_ == TreeTokens::none) at_ = begin;
    end_ = end;
    inner(node);
  }

 private:
  void inner(const Node* node) {
    switch (nodeTag(node)) {
      case T_SelectStmt:
      case T_InsertStmt:
      case T_UpdateStmt:
      case T_DeleteStmt: return query(at_, end_);
      case T_DeclareCursorStmt: return query(behind("for"), end_);
      case T_PrepareStmt: return query_of(as<PrepareStmt>(node)->query);
      case T_CreateTableAsStmt: return table_as(as<CreateTableAsStmt>(node));
      case T_ViewStmt:
        if (as<ViewStmt>(node)->withCheckOption != NO_CHECK_OPTION) return refuse("WITH CHECK OPTION", {}, end_);
        return query_of(as<ViewStmt>(node)->query);
      case T_CopyStmt: return copy(as<CopyStmt>(node));
      case T_CreateStmt: return table(as<CreateStmt>(node));
      case T_AlterTableStmt: return alter(as<AlterTableStmt>(node));
      default: break;
    }
    const auto found = std::find_if(std::begin(missing), std::end(missing), [&](const Missing& one) { return one.tag == nodeTag(node); });
    if (found != std::end(missing)) refuse(found->what, found->hint, at_);
  }

  void refuse(std::string_view what, std::string_view hint, std::uint32_t token) {
    if (!result_.refusal.message.empty()) return;
    result_.refusal = {"0A000", "Redshift has no " + std::string(what), {}, std::string(hint.empty() ? other_way : hint)};
    result_.at = token < tokens_.size() ? tokens_[token].begin : 0;
  }

  void query(std::uint32_t from, std::uint32_t to) {
    if (from != TreeTokens::none && to != TreeTokens::none && from <= to) result_.query = TokenRun{from, to};
  }

  void query_of(const Node* node) {
    const NodeTag tag = nodeTag(node);
    if (tag == T_SelectStmt || tag == T_InsertStmt || tag == T_UpdateStmt || tag == T_DeleteStmt) query(behind("as"), end_);
  }

  std::uint32_t behind_explain(std::uint32_t at) const {
    at = tokens_.next(at);
    if (tokens_.is(at, TokenType::left_paren)) return tokens_.next(closing(at));
    while (tokens_.is_word(at, "analyze") || tokens_.is_word(at, "analyse") || tokens_.is_word(at, "verbose")) at = tokens_.next(at);
    return at;
  }

  std::uint32_t closing(std::uint32_t paren) const {
    std::uint32_t depth = 0;
    for (std::uint32_t at = paren; at < tokens_.size(); ++at) {
      depth += tokens_.is(at, TokenType::left_paren);
      if (tokens_.is(at, TokenType::right_paren) && --depth == 0) return at;
    }
    return TreeTokens::none;
  }

  /// The token behind this word, outside of parentheses.
  std::uint32_t behind(std::string_view word) const {
    std::uint32_t depth = 0;
    for (std::uint32_t at = at_; at != TreeTokens::none && at <= end_; at = tokens_.next(at)) {
      depth += tokens_.is(at, TokenType::left_paren);
      depth -= tokens_.is(at, TokenType::right_paren);
      if (depth == 0 && tokens_.is_word(at, word)) return tokens_.next(at);
    }
    return TreeTokens::none;
  }

  void table_as(const CreateTableAsStmt* stmt) {
    if (nodeTag(stmt->query) != T_SelectStmt) return;
    if (stmt->into->skipData) return refuse("WITH NO DATA", "LIMIT 0 makes a table without rows.", end_);
    if (stmt->into->rel->relpersistence == RELPERSISTENCE_UNLOGGED) return refuse("unlogged tables", {}, at_);
    if (stmt->into->onCommit != ONCOMMIT_NOOP) return refuse("ON COMMIT for temporary tables", {}, at_);
    if (tokens_.is_word(end_, "data") && tokens_.is_word(tokens_.previous(end_), "with")) {
      refuse("WITH DATA", "It is the default.", end_);
      return;
    }
    query(behind("as"), end_);
  }

  void copy(const CopyStmt* stmt) {
    if (!stmt->query) return;
    std::uint32_t paren = at_;
    while (paren != TreeTokens::none && !tokens_.is(paren, TokenType::left_paren)) paren = tokens_.next(paren);
    if (paren != TreeTokens::none) query(tokens_.next(paren), tokens_.previous(closing(paren)));
  }

  // ---- columns

  void table(const CreateStmt* stmt) {
    if (stmt->partspec || stmt->partbound) return refuse("partitions", "A sort key on the column does what they are for.", at_);
    if (stmt->inhRelations) return refuse("inheritance", {}, at_);
    if (stmt->ofTypename) return refuse("typed tables", {}, at_);
    if (stmt->relation->relpersistence == RELPERSISTENCE_UNLOGGED) return refuse("unlogged tables", {}, at_);
    if (stmt->tablespacename) return refuse("tablespaces", {}, at_);
    if (stmt->options) return refuse("storage parameters", {}, at_);
    if (stmt->oncommit != ONCOMMIT_NOOP) return refuse("ON COMMIT for temporary tables", {}, at_);
    for (const Node* node : NodeList(stmt->tableElts)) {
      if (nodeTag(node) == T_ColumnDef) column(as<ColumnDef>(node));
      if (nodeTag(node) == T_Constraint) constraint(as<Constraint>(node));
    }
  }

  void alter(const AlterTableStmt* stmt) {
    for (const Node* node : NodeList(stmt->cmds)) {
      const auto* command = as<AlterTableCmd>(node);
      if ((command->subtype == AT_AddColumn || command->subtype == AT_AlterColumnType) && command->def && nodeTag(command->def) == T_ColumnDef)
        column(as<ColumnDef>(command->def));
      if (command->subtype == AT_AddConstraint && command->def && nodeTag(command->def) == T_Constraint) constraint(as<Constraint>(command->def));
    }
  }

  void column(const ColumnDef* def) {
    bool not_null = false;
    for (const Node* node : NodeList(def->constraints)) {
      const auto* one = as<Constraint>(node);
      not_null |= one->contype == CONSTR_NOTNULL || one->contype == CONSTR_PRIMARY;
      constraint(one);
    }
    if (def->compression) return refuse("COMPRESSION", "ENCODE chooses one.", tokens_.at(def->location));
    if (def->collClause) return refuse("collations of PostgreSQL", "COLLATE CASE_INSENSITIVE is one.", tokens_.at(def->collClause->location));
    if (def->typeName) type(def->typeName, not_null);
  }

  void constraint(const Constraint* one) {
    const std::uint32_t at = tokens_.at(one->location);
    switch (one->contype) {
      case CONSTR_CHECK: return refuse("CHECK", "No constraint but NOT NULL is enforced.", at);
      case CONSTR_EXCLUSION: return refuse("EXCLUDE", {}, at);
      case CONSTR_GENERATED: return refuse("generated columns", "Let a view compute it.", at);
      case CONSTR_IDENTITY: return identity(one, at);
      default: return;
    }
  }

  /// GENERATED BY DEFAULT AS IDENTITY; ALWAYS has no word there.
  void identity(const Constraint* one, std::uint32_t at) {
    if (one->options) return refuse("options of an identity", "IDENTITY(seed, step) has two numbers.", at);
    const bool always = one->generated_when == 'a';
    std::uint32_t last = at;
    while (last != TreeTokens::none && !tokens_.is_word(last, "identity")) last = tokens_.next(last);
    if (last == TreeTokens::none) return;
    result_.beyond_postgres = true;
    replace(at, last, always ? "IDENTITY(1, 1)" : "GENERATED BY DEFAULT AS IDENTITY(1, 1)");
  }

  void replace(std::uint32_t from, std::uint32_t to, std::string text) { result_.edits.push_back({from, to - from + 1, false, std::move(text)}); }

  void type(const TypeName* name, bool not_null) {
    const std::uint32_t at = tokens_.at(name->location);
    if (at == TreeTokens::none) return;
    if (name->arrayBounds) return refuse("arrays", "The type SUPER holds them.", at);
    const auto* last = static_cast<const Node*>(name->names->elements[length(name->names) - 1].ptr_value);
    const std::string word(string_of(last));
    if (length(name->names) > 1 && string_of(first(name->names)) != "pg_catalog") return;
    std::uint32_t end = at;
    while (tokens_.is(tokens_.next(end), TokenType::dot)) end = tokens_.next(tokens_.next(end));
    if (tokens_.is_word(end, "character") && tokens_.is_word(tokens_.next(end), "varying")) end = tokens_.next(end);
    if (!name->typmods && (word == "text" || word == "varchar")) return replace(at, end, "varchar(65535)");
    if (word == "bytea") return replace(at, end, "varbyte");
    if (word == "numeric" && !name->typmods)
      return refuse("numeric of any precision: numeric alone is numeric(18,0) there", "Write numeric(38, 10), or what fits.", at);
    const std::string whole = word == "serial" || word == "serial4"         ? "integer"
                              : word == "bigserial" || word == "serial8"    ? "bigint"
                              : word == "smallserial" || word == "serial2" ? "smallint"
                                                                           : "";
    if (!whole.empty()) {
      result_.beyond_postgres = true;
      return replace(at, end, whole + " IDENTITY(1, 1)" + (not_null ? "" : " NOT NULL"));
    }
    if (word == "interval") return refuse("type interval for columns", "INTERVAL DAY TO SECOND and INTERVAL YEAR TO MONTH are types.", at);
    if (name->typmods && word.starts_with("time")) return refuse("precision of " + word, "It has microseconds.", at);
    if (const MissingFunction* lacking = missing_type(word)) refuse("type " + word, lacking->hint, at);
  }

  const TreeTokens& tokens_;
  Definition& result_;
  std::uint32_t at_ = TreeTokens::none;   ///< the statement, behind EXPLAIN
  std::uint32_t end_ = TreeTokens::none;  ///< its last token
};

}  // namespace

Definition definition_of(std::string_view text, const TreeTokens& tokens, bool standard_conforming_strings) {
  Definition result;
  const ParsedText parsed(text, standard_conforming_strings);
  const Node* raw = parsed.ok() && length(parsed.statements()) == 1 ? first(parsed.statements()) : nullptr;
  if (raw && tokens.size() > 0) Definer(tokens, result).statement(as<RawStmt>(raw)->stmt);
  return result;
}

}  // namespace pgswitch::rules::redshift
