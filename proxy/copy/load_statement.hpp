#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "proxy/copy/copy_statement.hpp"

namespace pgswitch::copy {

/// An uploaded object, and what Redshift needs to read it. Holds secrets: shown nowhere.
struct Source {
  std::string url;            ///< s3://bucket/key
  std::string region;         ///< "": Redshift's own
  std::string iam_role;       ///< an ARN, several with commas, or "default"; "": by keys
  std::string access_key, secret_key, session_token;
  bool gzip = true;
};

/// `text` as a literal for Redshift's lexer, where a backslash in '...' escapes.
std::string redshift_literal(std::string_view text);

/// The statement that loads what RedshiftEncoder has written (Redshift Developer Guide, COPY). `null`: its marker.
std::string load_statement(const CopyStatement& copy, const Source& source, std::string_view null);

/// What tells the columns of the target: a query without rows.
std::string columns_query(const CopyStatement& copy);

/// The query whose rows COPY TO sends.
std::string rows_query(const CopyStatement& copy);

/// What asks for the first error of a load: line_number, colname, type, raw_field_value, err_code, err_reason (Redshift Developer Guide,
/// STL_LOAD_ERRORS); `serverless`: of sys_load_error_detail, which has no values.
std::string load_errors_query(const Source& source, bool serverless);

/// `text` without the secrets of the source.
std::string without_secrets(std::string text, const Source& source);

}  // namespace pgswitch::copy
