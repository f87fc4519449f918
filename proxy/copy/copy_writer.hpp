#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/copy/copy_decoder.hpp"
#include "proxy/copy/copy_statement.hpp"

namespace pgswitch::copy {

/// Writes rows as PostgreSQL's COPY TO does, in the text or the CSV format (src/backend/commands/copyto.c).
class CopyWriter {
 public:
  CopyWriter(const CopyOptions& options, std::vector<std::string> columns);

  bool has_header() const { return options_.header != Header::no; }
  /// A line with its end, appended to `out`.
  void header(std::string& out) const;
  void row(std::string& out, std::span<const Field> fields) const;

 private:
  void text(std::string& out, std::string_view value) const;
  void csv(std::string& out, std::string_view value, bool forced, bool alone) const;

  const CopyOptions options_;
  const std::vector<std::string> columns_;
  std::vector<bool> forced_;
};

}  // namespace pgswitch::copy
