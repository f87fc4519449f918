#include "proxy/copy/load_statement.hpp"

namespace pgswitch::copy {

std::string redshift_literal(std::string_view text) {
  std::string literal = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') literal += '\\';
    literal += c;
  }
  return literal += '\'';
}

std::string load_statement(const CopyStatement& copy, const Source& source, std::string_view null) {
  std::string text = "COPY " + copy.target;
  if (!copy.column_list.empty()) text += ' ' + copy.column_list;
  text += " FROM " + redshift_literal(source.url);
  if (source.iam_role == "default") {
    text += " IAM_ROLE default";
  } else if (!source.iam_role.empty()) {
    text += " IAM_ROLE " + redshift_literal(source.iam_role);
  } else {
    text += " ACCESS_KEY_ID " + redshift_literal(source.access_key) + " SECRET_ACCESS_KEY " + redshift_literal(source.secret_key);
    if (!source.session_token.empty()) text += " SESSION_TOKEN " + redshift_literal(source.session_token);
  }
  if (!source.region.empty()) text += " REGION " + redshift_literal(source.region);
  if (source.gzip) text += " GZIP";
  text += " DELIMITER '\\t' ESCAPE NULL AS " + redshift_literal(null);
  return text + " TIMEFORMAT 'auto' DATEFORMAT 'auto' COMPUPDATE OFF STATUPDATE OFF";
}

std::string columns_query(const CopyStatement& copy) {
  const std::string list = copy.column_list.empty() ? "*" : copy.column_list.substr(1, copy.column_list.size() - 2);
  return "SELECT " + list + " FROM " + copy.target + " LIMIT 0";
}

std::string rows_query(const CopyStatement& copy) {
  if (!copy.query.empty()) return copy.query;
  const std::string list = copy.column_list.empty() ? "*" : copy.column_list.substr(1, copy.column_list.size() - 2);
  return "SELECT " + list + " FROM " + copy.target;
}

std::string load_errors_query(const Source& source, bool serverless) {
  const std::string file = redshift_literal(source.url);
  if (serverless)
    return "SELECT line_number, trim(column_name), trim(column_type), '', error_code, trim(error_message) FROM sys_load_error_detail "
           "WHERE trim(file_name) = " +
           file + " ORDER BY line_number LIMIT 1";
  return "SELECT line_number, trim(colname), trim(type), raw_field_value, err_code, trim(err_reason) FROM stl_load_errors "
         "WHERE trim(filename) = " +
         file + " ORDER BY line_number LIMIT 1";
}

std::string without_secrets(std::string text, const Source& source) {
  for (const std::string* secret : {&source.secret_key, &source.session_token}) {
    if (secret->empty()) continue;
    for (std::size_t at; (at = text.find(*secret)) != std::string::npos;) text.replace(at, secret->size(), "***");
  }
  return text;
}

}  // namespace pgswitch::copy
