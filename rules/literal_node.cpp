#include "rules/literal_node.hpp"

#include <algorithm>

namespace pgswitch::rules {
namespace {

using Type = BoundValue::Type;

std::optional<BoundValue> constant(const A_Const* node) {
  if (node->isnull) return std::nullopt;
  switch (nodeTag(&node->val.node)) {
    case T_Integer: return BoundValue{Type::number, std::to_string(node->val.ival.ival)};
    case T_Float: return BoundValue{Type::number, node->val.fval.fval};
    case T_String: return BoundValue{Type::string, node->val.sval.sval};
    case T_Boolean: return BoundValue{Type::boolean, node->val.boolval.boolval ? "true" : "false"};
    default: return std::nullopt;
  }
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The name of a built-in type without a length, "" of others.
std::string_view plain_type(const TypeName* type) {
  if (type->typmods || type->arrayBounds || type->setof || type->pct_type) return {};
  const std::size_t parts = length(type->names);
  const auto part = [&](std::size_t n) { return string_of(static_cast<const Node*>(type->names->elements[n].ptr_value)); };
  if (parts == 2 && part(0) == "pg_catalog") return part(1);
  return parts == 1 ? part(0) : std::string_view();
}

/// PostgreSQL drops the time of day.
std::optional<BoundValue> as_date(BoundValue value) {
  if (parse_moment(value.text)) value.text.resize(value.text.find('-') == 4 ? 10 : 8);
  else if (value.text.find(':') != std::string::npos) return std::nullopt;
  return value;
}

/// PostgreSQL drops the time zone.
std::optional<BoundValue> as_timestamp(BoundValue value) {
  const auto moment = parse_moment(value.text);
  if (moment && moment->zoned) return std::nullopt;
  return value;
}

std::optional<BoundValue> cast(BoundValue value, std::string_view type) {
  if (value.type == Type::boolean) return std::nullopt;
  const bool string = value.type == Type::string;
  if (string && is_one_of(type, {"text", "varchar", "timestamptz"})) return value;
  if (string && type == "date") return as_date(std::move(value));
  if (string && type == "timestamp") return as_timestamp(std::move(value));
  const bool whole = is_one_of(type, {"int2", "int4", "int8"}) && is_integer(value.text);
  const bool any = is_one_of(type, {"numeric", "float8"}) && is_number(value.text);
  if (!whole && !any) return std::nullopt;
  value.type = Type::number;
  return value;
}

}  // namespace

std::optional<BoundValue> literal_of(const Node* node) {
  if (!node) return std::nullopt;
  if (nodeTag(node) == T_A_Const) return constant(as<A_Const>(node));
  if (nodeTag(node) != T_TypeCast) return std::nullopt;
  const auto* typed = as<TypeCast>(node);
  if (!typed->arg || nodeTag(typed->arg) != T_A_Const) return std::nullopt;
  std::optional<BoundValue> value = constant(as<A_Const>(typed->arg));
  return value ? cast(std::move(*value), plain_type(typed->typeName)) : std::nullopt;
}

bool is_parameter(const Node* node) {
  if (node && nodeTag(node) == T_TypeCast) node = as<TypeCast>(node)->arg;
  return node && nodeTag(node) == T_ParamRef;
}

}  // namespace pgswitch::rules
