#pragma once
#include <cstdint>
#include <string>

#include "tests/redshift/backend.hpp"
#include "tests/redshift/cancels.hpp"
#include "tests/redshift/load_command.hpp"
#include "tests/redshift/load_values.hpp"

/// COPY FROM and UNLOAD TO S3.
namespace pgswitch::stand_in {

struct LoadResult {
  std::uint64_t loaded = 0, refused = 0;
};

class Load {
 public:
  /// Loads through `backend`, in its transaction; errors are noted through `catalog`, where they survive it (facts 3.2 "errors in
  /// STL_LOAD_ERRORS").
  Load(const LoadCommand& command, const Options& options, Backend& backend, Backend& catalog, const Cancellation& cancellation,
       std::string user, std::uint64_t query_id);
  /// Throws LoadFailed, Refused, S3Error, Lost.
  LoadResult run();

 private:
  void read_columns();
  std::string copy_statement() const;
  void load_file(const std::string& key, const std::function<void(std::string_view)>& send);
  bool may_read(Channel& from);
  void take_records(RecordReader& reader, const std::string& file, std::string& rows);
  bool take_record(Record& record, const std::string& file, std::string& rows);
  void note_error(const Record& record, const std::string& file, const LoadColumn* column, const Field* field, const LoadError& error);

  const LoadCommand& command_;
  Backend& backend_;
  Backend& catalog_;
  const Cancellation& cancellation_;
  std::string user_;
  std::uint64_t query_id_;
  S3 s3_;
  std::string table_oid_;
  std::vector<LoadColumn> columns_;
  LoadResult result_;
};

/// Runs the query, already translated, and writes what it gives. Returns the rows.
std::uint64_t unload(const LoadCommand& command, const Options& options, Backend& backend, std::string_view sql);

}  // namespace pgswitch::stand_in
