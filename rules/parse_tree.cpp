#include "rules/parse_tree.hpp"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <memory>

#include "rules/analyze.hpp"
#include "rules/parse_tree_writer.hpp"
#include "rules/pg_parse.hpp"

extern "C" {
#include <protobuf-c/protobuf-c.h>

// Of libpg_query: its headers have the first of these among 60,000 lines, and the second not at all.
extern const ProtobufCMessageDescriptor pg_query__parse_result__descriptor;
PgQueryProtobuf pg_query_nodes_to_protobuf(const void* nodes);
}

namespace pgswitch::rules {
namespace {

template <class T>
const T& member(const void* message, unsigned offset) {
  return *reinterpret_cast<const T*>(static_cast<const char*>(message) + offset);
}

ParseTree message_value(const ProtobufCMessage* message);

template <class Number>
ParseTree or_nothing(Number number) {
  return number != 0 ? ParseTree(number) : ParseTree();
}

/// What a member holds; null when that is nothing, 0 or false.
ParseTree member_value(const ProtobufCFieldDescriptor& field, const void* at) {
  switch (field.type) {
    case PROTOBUF_C_TYPE_MESSAGE: {
      const auto* message = *static_cast<ProtobufCMessage* const*>(at);
      return message ? message_value(message) : ParseTree();
    }
    case PROTOBUF_C_TYPE_STRING: {
      const std::string_view text = text_of(*static_cast<char* const*>(at));
      return text.empty() ? ParseTree() : ParseTree(text);
    }
    case PROTOBUF_C_TYPE_ENUM: {
      const int number = *static_cast<const int*>(at);
      const auto* name = protobuf_c_enum_descriptor_get_value(static_cast<const ProtobufCEnumDescriptor*>(field.descriptor), number);
      return number != 0 && name ? ParseTree(name->name) : ParseTree();
    }
    case PROTOBUF_C_TYPE_BOOL: return *static_cast<const protobuf_c_boolean*>(at) ? ParseTree(true) : ParseTree();
    case PROTOBUF_C_TYPE_UINT32: return or_nothing(*static_cast<const std::uint32_t*>(at));
    case PROTOBUF_C_TYPE_INT32: return or_nothing(*static_cast<const std::int32_t*>(at));
    default: return nullptr;  // of planned queries
  }
}

ParseTree list_value(const ProtobufCFieldDescriptor& field, const ProtobufCMessage* message) {
  ParseTree list = ParseTree::array();
  if (field.type != PROTOBUF_C_TYPE_MESSAGE) return list;
  const auto count = member<std::size_t>(message, field.quantifier_offset);
  const auto* const* elements = member<const ProtobufCMessage* const*>(message, field.offset);
  for (std::size_t i = 0; i < count; ++i) list.push_back(message_value(elements[i]));
  return list;
}

/// "pg_query.A_Const" is the whole name.
std::string node_name(const ProtobufCFieldDescriptor& field) {
  const std::string_view name = static_cast<const ProtobufCMessageDescriptor*>(field.descriptor)->name;
  return std::string(name.substr(name.rfind('.') + 1));
}

ParseTree message_value(const ProtobufCMessage* message) {
  const ProtobufCMessageDescriptor& type = *message->descriptor;
  const bool node = std::string_view(type.short_name) == "Node";
  ParseTree object = ParseTree::object();
  for (unsigned i = 0; i < type.n_fields; ++i) {
    const ProtobufCFieldDescriptor& field = type.fields[i];
    const bool one_of = (field.flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if (one_of && member<std::uint32_t>(message, field.quantifier_offset) != field.id) continue;
    const bool list = field.label == PROTOBUF_C_LABEL_REPEATED;
    ParseTree value = list ? list_value(field, message) : member_value(field, &member<char>(message, field.offset));
    if (value.is_null() || (value.is_array() && value.empty())) continue;
    object[node ? node_name(field) : std::string(field.name)] = std::move(value);
  }
  return object;
}

struct FreeMessage {
  void operator()(ProtobufCMessage* message) const { protobuf_c_message_free_unpacked(message, nullptr); }
};

/// What a field says that is as well not there.
struct Default {
  std::string_view field, value;
};
constexpr Default defaults[] = {{"relpersistence", "p"},
                                {"op", "SETOP_NONE"},
                                {"limit_option", "LIMIT_OPTION_DEFAULT"},
                                {"limit_option", "LIMIT_OPTION_COUNT"},
                                {"sortby_dir", "SORTBY_DEFAULT"},
                                {"sortby_nulls", "SORTBY_NULLS_DEFAULT"},
                                {"ordering", "SORTBY_DEFAULT"},
                                {"nulls_ordering", "SORTBY_NULLS_DEFAULT"},
                                {"override", "OVERRIDING_NOT_SET"},
                                {"jointype", "JOIN_INNER"},
                                {"funcformat", "COERCE_EXPLICIT_CALL"},
                                {"ctematerialized", "CTEMaterializeDefault"},
                                {"wait_policy", "LockWaitBlock"}};

bool is_default(const std::string& field, const ParseTree& value) {
  if (field == "location") return true;
  if (field == "typemod") return value == -1;
  if (!value.is_string()) return false;
  const auto is = [&](const Default& one) { return one.field == field && value == one.value; };
  return std::any_of(std::begin(defaults), std::end(defaults), is);
}

bool is_nothing(const ParseTree& value) { return value.is_null() || ((value.is_array() || value.is_object()) && value.empty()); }

/// Takes out the places of nodes, and what is empty or there anyway.
void drop_places(ParseTree& value) {
  if (value.is_array())
    for (ParseTree& element : value) drop_places(element);
  if (!value.is_object()) return;
  for (auto field = value.begin(); field != value.end();) {
    drop_places(field.value());
    const bool counts = !is_default(field.key(), field.value()) && !is_nothing(field.value());
    if (counts) ++field;
    else field = value.erase(field);
  }
}

}  // namespace

std::optional<ParseTree> read_tree(std::string_view sql, bool standard_conforming_strings, std::string& error, std::size_t most_bytes) {
  error = "the statement is too long for its tree";
  if (sql.size() > most_bytes) return std::nullopt;
  const ParsedText parsed(sql, standard_conforming_strings);
  error = "the statement does not parse" + (parsed.ok() ? std::string() : ": " + parsed.error());
  if (!parsed.ok() || length(parsed.statements()) != 1) return std::nullopt;
  const PgQueryProtobuf packed = pg_query_nodes_to_protobuf(parsed.statements());
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(packed.data);
  const std::unique_ptr<ProtobufCMessage, FreeMessage> message(
      protobuf_c_message_unpack(&pg_query__parse_result__descriptor, nullptr, packed.len, bytes));
  std::free(packed.data);
  if (!message) return std::nullopt;
  ParseTree result = message_value(message.get());
  return std::move(result["stmts"][0]["stmt"]);
}

std::optional<std::string> write_tree(const ParseTree& tree, bool standard_conforming_strings, std::string& error, std::size_t most_bytes) {
  std::optional<std::string> written = ParseTreeWriter().write(tree, error);
  if (!written) return std::nullopt;
  AnalyzeOptions options;
  options.standard_conforming_strings = standard_conforming_strings;
  const AnalyzedScript script = analyze(*written, options);
  error = script.oversized() ? "it is over the limit " + std::string(to_string(script.limit)) : script.error;
  std::optional<ParseTree> again;
  if (script.statements.front().statement->parsed) again = read_tree(*written, standard_conforming_strings, error, most_bytes);
  if (!again) {
    error = "the tree is not that of a statement: " + error;
    return std::nullopt;
  }
  ParseTree wanted = tree;
  drop_places(wanted);
  drop_places(*again);
  if (wanted == *again) return written;
  error = "the tree is not that of a statement: " + *written + " has another one";
  return std::nullopt;
}

}  // namespace pgswitch::rules
