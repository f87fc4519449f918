// Names and kinds of commands by their parse nodes.
#include "rules/analyze_utility.hpp"

namespace pgswitch::rules {
namespace {

std::string_view object_name(ObjectType type) {
  switch (type) {
    case OBJECT_ACCESS_METHOD: return "ACCESS METHOD";
    case OBJECT_AGGREGATE: return "AGGREGATE";
    case OBJECT_AMOP:
    case OBJECT_AMPROC:
    case OBJECT_OPFAMILY: return "OPERATOR FAMILY";
    case OBJECT_ATTRIBUTE:
    case OBJECT_TYPE: return "TYPE";
    case OBJECT_CAST: return "CAST";
    case OBJECT_COLUMN:
    case OBJECT_DEFAULT:
    case OBJECT_TABCONSTRAINT:
    case OBJECT_PUBLICATION_REL:
    case OBJECT_TABLE: return "TABLE";
    case OBJECT_COLLATION: return "COLLATION";
    case OBJECT_CONVERSION: return "CONVERSION";
    case OBJECT_DATABASE: return "DATABASE";
    case OBJECT_DEFACL: return "DEFAULT PRIVILEGES";
    case OBJECT_DOMAIN:
    case OBJECT_DOMCONSTRAINT: return "DOMAIN";
    case OBJECT_EVENT_TRIGGER: return "EVENT TRIGGER";
    case OBJECT_EXTENSION: return "EXTENSION";
    case OBJECT_FDW: return "FOREIGN DATA WRAPPER";
    case OBJECT_FOREIGN_SERVER: return "SERVER";
    case OBJECT_FOREIGN_TABLE: return "FOREIGN TABLE";
    case OBJECT_FUNCTION: return "FUNCTION";
    case OBJECT_INDEX: return "INDEX";
    case OBJECT_LANGUAGE: return "LANGUAGE";
    case OBJECT_LARGEOBJECT: return "LARGE OBJECT";
    case OBJECT_MATVIEW: return "MATERIALIZED VIEW";
    case OBJECT_OPCLASS: return "OPERATOR CLASS";
    case OBJECT_OPERATOR: return "OPERATOR";
    case OBJECT_PARAMETER_ACL: return "PARAMETER";
    case OBJECT_POLICY: return "POLICY";
    case OBJECT_PROCEDURE: return "PROCEDURE";
    case OBJECT_PUBLICATION:
    case OBJECT_PUBLICATION_NAMESPACE: return "PUBLICATION";
    case OBJECT_ROLE: return "ROLE";
    case OBJECT_ROUTINE: return "ROUTINE";
    case OBJECT_RULE: return "RULE";
    case OBJECT_SCHEMA: return "SCHEMA";
    case OBJECT_SEQUENCE: return "SEQUENCE";
    case OBJECT_STATISTIC_EXT: return "STATISTICS";
    case OBJECT_SUBSCRIPTION: return "SUBSCRIPTION";
    case OBJECT_TABLESPACE: return "TABLESPACE";
    case OBJECT_TRANSFORM: return "TRANSFORM";
    case OBJECT_TRIGGER: return "TRIGGER";
    case OBJECT_TSCONFIGURATION: return "TEXT SEARCH CONFIGURATION";
    case OBJECT_TSDICTIONARY: return "TEXT SEARCH DICTIONARY";
    case OBJECT_TSPARSER: return "TEXT SEARCH PARSER";
    case OBJECT_TSTEMPLATE: return "TEXT SEARCH TEMPLATE";
    case OBJECT_USER_MAPPING: return "USER MAPPING";
    case OBJECT_VIEW: return "VIEW";
  }
  return "OBJECT";
}

std::string with(std::string_view verb, ObjectType type) { return std::string(verb).append(" ").append(object_name(type)); }

std::string_view transaction_command(TransactionStmtKind kind) {
  switch (kind) {
    case TRANS_STMT_BEGIN: return "BEGIN";
    case TRANS_STMT_START: return "START TRANSACTION";
    case TRANS_STMT_COMMIT: return "COMMIT";
    case TRANS_STMT_ROLLBACK: return "ROLLBACK";
    case TRANS_STMT_SAVEPOINT: return "SAVEPOINT";
    case TRANS_STMT_RELEASE: return "RELEASE SAVEPOINT";
    case TRANS_STMT_ROLLBACK_TO: return "ROLLBACK TO SAVEPOINT";
    case TRANS_STMT_PREPARE: return "PREPARE TRANSACTION";
    case TRANS_STMT_COMMIT_PREPARED: return "COMMIT PREPARED";
    case TRANS_STMT_ROLLBACK_PREPARED: return "ROLLBACK PREPARED";
  }
  return "";
}

Kind transaction_kind(TransactionStmtKind kind) {
  switch (kind) {
    case TRANS_STMT_BEGIN:
    case TRANS_STMT_START: return Kind::begin;
    case TRANS_STMT_COMMIT: return Kind::commit;
    case TRANS_STMT_ROLLBACK: return Kind::rollback;
    case TRANS_STMT_SAVEPOINT: return Kind::savepoint;
    case TRANS_STMT_RELEASE: return Kind::release;
    case TRANS_STMT_ROLLBACK_TO: return Kind::rollback_to;
    case TRANS_STMT_PREPARE: return Kind::prepare_transaction;
    case TRANS_STMT_COMMIT_PREPARED:
    case TRANS_STMT_ROLLBACK_PREPARED: return Kind::utility;
  }
  return Kind::utility;
}

/// ALTER ... RENAME: of a column or a constraint it is the object they belong to that is altered.
std::string rename_command(const RenameStmt* s) {
  const bool part = s->renameType == OBJECT_COLUMN || s->renameType == OBJECT_ATTRIBUTE;
  return with("ALTER", part ? s->relationType : s->renameType);
}

std::string select_command(const SelectStmt* s) {
  for (const SelectStmt* leftmost = s; leftmost; leftmost = leftmost->larg) {
    if (leftmost->intoClause) return "SELECT INTO";
    if (leftmost->op == SETOP_NONE && leftmost->valuesLists) return "VALUES";
  }
  return "SELECT";
}

/// Commands whose name depends on more than the node's tag.
std::string variable_name(const Node* n) {
  switch (nodeTag(n)) {
    case T_SelectStmt: return select_command(as<SelectStmt>(n));
    case T_TransactionStmt: return std::string(transaction_command(as<TransactionStmt>(n)->kind));
    case T_AlterTableStmt: return with("ALTER", as<AlterTableStmt>(n)->objtype);
    case T_GrantStmt: return as<GrantStmt>(n)->is_grant ? "GRANT" : "REVOKE";
    case T_GrantRoleStmt: return as<GrantRoleStmt>(n)->is_grant ? "GRANT" : "REVOKE";
    case T_DefineStmt: return with("CREATE", as<DefineStmt>(n)->kind);
    case T_DropStmt: return with("DROP", as<DropStmt>(n)->removeType);
    case T_CreateFunctionStmt: return as<CreateFunctionStmt>(n)->is_procedure ? "CREATE PROCEDURE" : "CREATE FUNCTION";
    case T_AlterFunctionStmt: return with("ALTER", as<AlterFunctionStmt>(n)->objtype);
    case T_RenameStmt: return rename_command(as<RenameStmt>(n));
    case T_AlterObjectDependsStmt: return with("ALTER", as<AlterObjectDependsStmt>(n)->objectType);
    case T_AlterObjectSchemaStmt: return with("ALTER", as<AlterObjectSchemaStmt>(n)->objectType);
    case T_AlterOwnerStmt: return with("ALTER", as<AlterOwnerStmt>(n)->objectType);
    case T_AlterTableMoveAllStmt: return with("ALTER", as<AlterTableMoveAllStmt>(n)->objtype);
    case T_VacuumStmt: return as<VacuumStmt>(n)->is_vacuumcmd ? "VACUUM" : "ANALYZE";
    case T_FetchStmt: return as<FetchStmt>(n)->ismove ? "MOVE" : "FETCH";
    case T_CreateTableAsStmt:
      return as<CreateTableAsStmt>(n)->objtype == OBJECT_MATVIEW ? "CREATE MATERIALIZED VIEW" : "CREATE TABLE AS";
    case T_DiscardStmt: {
      constexpr std::string_view names[] = {"DISCARD ALL", "DISCARD PLANS", "DISCARD SEQUENCES", "DISCARD TEMP"};
      return std::string(names[as<DiscardStmt>(n)->target]);
    }
    default: return {};
  }
}

struct Command {
  NodeTag tag;
  std::string_view name;
  Kind kind = Kind::utility;
};

constexpr Command commands[] = {
    {T_InsertStmt, "INSERT", Kind::insert},
    {T_UpdateStmt, "UPDATE", Kind::update},
    {T_DeleteStmt, "DELETE", Kind::delete_},
    {T_MergeStmt, "MERGE", Kind::merge},
    {T_ExplainStmt, "EXPLAIN", Kind::explain},
    {T_CopyStmt, "COPY", Kind::copy_out},
    {T_VariableSetStmt, "SET", Kind::set},
    {T_VariableShowStmt, "SHOW", Kind::show},
    {T_PrepareStmt, "PREPARE", Kind::prepare},
    {T_ExecuteStmt, "EXECUTE", Kind::execute},
    {T_DeallocateStmt, "DEALLOCATE", Kind::deallocate},
    {T_DeclareCursorStmt, "DECLARE", Kind::declare_cursor},
    {T_ClosePortalStmt, "CLOSE", Kind::close_cursor},
    {T_ListenStmt, "LISTEN", Kind::listen},
    {T_UnlistenStmt, "UNLISTEN", Kind::unlisten},
    {T_NotifyStmt, "NOTIFY", Kind::notify},
    {T_LockStmt, "LOCK", Kind::lock},
    {T_CallStmt, "CALL", Kind::call},
    {T_DoStmt, "DO", Kind::do_},
    {T_AlterDomainStmt, "ALTER DOMAIN"},
    {T_AlterDefaultPrivilegesStmt, "ALTER DEFAULT PRIVILEGES"},
    {T_ClusterStmt, "CLUSTER"},
    {T_CreateStmt, "CREATE TABLE"},
    {T_TruncateStmt, "TRUNCATE"},
    {T_CommentStmt, "COMMENT"},
    {T_IndexStmt, "CREATE INDEX"},
    {T_RuleStmt, "CREATE RULE"},
    {T_ViewStmt, "CREATE VIEW"},
    {T_LoadStmt, "LOAD"},
    {T_CreateDomainStmt, "CREATE DOMAIN"},
    {T_CreatedbStmt, "CREATE DATABASE"},
    {T_DropdbStmt, "DROP DATABASE"},
    {T_CreateSeqStmt, "CREATE SEQUENCE"},
    {T_AlterSeqStmt, "ALTER SEQUENCE"},
    {T_CreateTrigStmt, "CREATE TRIGGER"},
    {T_CreatePLangStmt, "CREATE LANGUAGE"},
    {T_CreateRoleStmt, "CREATE ROLE"},
    {T_AlterRoleStmt, "ALTER ROLE"},
    {T_DropRoleStmt, "DROP ROLE"},
    {T_ConstraintsSetStmt, "SET CONSTRAINTS"},
    {T_ReindexStmt, "REINDEX"},
    {T_CheckPointStmt, "CHECKPOINT"},
    {T_CreateSchemaStmt, "CREATE SCHEMA"},
    {T_AlterDatabaseStmt, "ALTER DATABASE"},
    {T_AlterDatabaseRefreshCollStmt, "ALTER DATABASE"},
    {T_AlterDatabaseSetStmt, "ALTER DATABASE"},
    {T_AlterRoleSetStmt, "ALTER ROLE"},
    {T_CreateConversionStmt, "CREATE CONVERSION"},
    {T_CreateCastStmt, "CREATE CAST"},
    {T_CreateOpClassStmt, "CREATE OPERATOR CLASS"},
    {T_CreateOpFamilyStmt, "CREATE OPERATOR FAMILY"},
    {T_AlterOpFamilyStmt, "ALTER OPERATOR FAMILY"},
    {T_CreateTableSpaceStmt, "CREATE TABLESPACE"},
    {T_DropTableSpaceStmt, "DROP TABLESPACE"},
    {T_AlterOperatorStmt, "ALTER OPERATOR"},
    {T_AlterTypeStmt, "ALTER TYPE"},
    {T_DropOwnedStmt, "DROP OWNED"},
    {T_ReassignOwnedStmt, "REASSIGN OWNED"},
    {T_CompositeTypeStmt, "CREATE TYPE"},
    {T_CreateEnumStmt, "CREATE TYPE"},
    {T_CreateRangeStmt, "CREATE TYPE"},
    {T_AlterEnumStmt, "ALTER TYPE"},
    {T_AlterTSDictionaryStmt, "ALTER TEXT SEARCH DICTIONARY"},
    {T_AlterTSConfigurationStmt, "ALTER TEXT SEARCH CONFIGURATION"},
    {T_CreateFdwStmt, "CREATE FOREIGN DATA WRAPPER"},
    {T_AlterFdwStmt, "ALTER FOREIGN DATA WRAPPER"},
    {T_CreateForeignServerStmt, "CREATE SERVER"},
    {T_AlterForeignServerStmt, "ALTER SERVER"},
    {T_CreateUserMappingStmt, "CREATE USER MAPPING"},
    {T_AlterUserMappingStmt, "ALTER USER MAPPING"},
    {T_DropUserMappingStmt, "DROP USER MAPPING"},
    {T_AlterTableSpaceOptionsStmt, "ALTER TABLESPACE"},
    {T_SecLabelStmt, "SECURITY LABEL"},
    {T_CreateForeignTableStmt, "CREATE FOREIGN TABLE"},
    {T_ImportForeignSchemaStmt, "IMPORT FOREIGN SCHEMA"},
    {T_CreateExtensionStmt, "CREATE EXTENSION"},
    {T_AlterExtensionStmt, "ALTER EXTENSION"},
    {T_AlterExtensionContentsStmt, "ALTER EXTENSION"},
    {T_CreateEventTrigStmt, "CREATE EVENT TRIGGER"},
    {T_AlterEventTrigStmt, "ALTER EVENT TRIGGER"},
    {T_RefreshMatViewStmt, "REFRESH MATERIALIZED VIEW"},
    {T_AlterSystemStmt, "ALTER SYSTEM"},
    {T_CreatePolicyStmt, "CREATE POLICY"},
    {T_AlterPolicyStmt, "ALTER POLICY"},
    {T_CreateTransformStmt, "CREATE TRANSFORM"},
    {T_CreateAmStmt, "CREATE ACCESS METHOD"},
    {T_CreatePublicationStmt, "CREATE PUBLICATION"},
    {T_AlterPublicationStmt, "ALTER PUBLICATION"},
    {T_CreateSubscriptionStmt, "CREATE SUBSCRIPTION"},
    {T_AlterSubscriptionStmt, "ALTER SUBSCRIPTION"},
    {T_DropSubscriptionStmt, "DROP SUBSCRIPTION"},
    {T_CreateStatsStmt, "CREATE STATISTICS"},
    {T_AlterCollationStmt, "ALTER COLLATION"},
    {T_AlterStatsStmt, "ALTER STATISTICS"},
};

const Command* find_command(NodeTag tag) {
  for (const Command& command : commands) {
    if (command.tag == tag) return &command;
  }
  return nullptr;
}

}  // namespace

std::string command_name(const Node* stmt) {
  std::string name = variable_name(stmt);
  if (!name.empty()) return name;
  const Command* command = find_command(nodeTag(stmt));
  return std::string(command ? command->name : "UTILITY");
}

Kind kind_of(const Node* stmt) {
  switch (nodeTag(stmt)) {
    case T_SelectStmt: return Kind::select;
    case T_TransactionStmt: return transaction_kind(as<TransactionStmt>(stmt)->kind);
    case T_FetchStmt: return Kind::fetch;
    case T_DiscardStmt: return Kind::discard;
    case T_CopyStmt: return as<CopyStmt>(stmt)->is_from ? Kind::copy_in : Kind::copy_out;
    default: break;
  }
  const Command* command = find_command(nodeTag(stmt));
  return command ? command->kind : Kind::utility;
}

bool is_reader(Kind kind) {
  return kind == Kind::empty || kind == Kind::select || kind == Kind::explain || kind == Kind::copy_out ||
         kind == Kind::show || kind == Kind::prepare || kind == Kind::declare_cursor;
}

}  // namespace pgswitch::rules
