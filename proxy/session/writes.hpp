#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "rules/facts.hpp"

namespace pgswitch {

/// What a session has written and when, for rules that let it read from where that is to be seen. A member of SessionCore.
class Writes {
 public:
  /// It is being sent. Until its transaction has ended it counts as written now.
  void note(const rules::Statement& statement, std::int64_t now_us);
  /// The transaction has ended: what it has written is there for others from now on.
  void end(std::int64_t now_us);
  bool is_open() const { return is_open_; }

  /// Each once, the latest last; of very many the last ones.
  const std::vector<rules::WrittenTable>& tables() const { return tables_; }
  std::int64_t last_us() const { return last_us_; }

 private:
  void note_table(const rules::TableName& table, std::int64_t now_us);

  std::vector<rules::WrittenTable> tables_;
  std::int64_t last_us_ = 0;
  std::size_t open_tables_ = 0;  ///< of the transaction under way: the last ones
  bool is_open_ = false;
};

/// Is it not known to leave everything as it was, and more than the session's own affair?
bool may_write(const rules::Statement& statement);

}  // namespace pgswitch
