#include "tests/redshift/load.hpp"

#include <algorithm>
#include <memory>

#include "tests/redshift/gzip.hpp"
#include "tests/redshift/translate.hpp"

namespace pgswitch::stand_in {
namespace {

/// A value of COPY's text format.
void write_value(std::string& out, const Field& field) {
  if (field.is_null) {
    out += "\\N";
    return;
  }
  for (const char c : field.value) {
    switch (c) {
      case '\\': out += "\\\\"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default: out += c;
    }
  }
}

/// Cut to `size` bytes, and what is no UTF-8 replaced: for STL_LOAD_ERRORS.
std::string shown(std::string_view text, std::size_t size) {
  std::string result(text.substr(0, size));
  for (char& c : result)
    if (static_cast<unsigned char>(c) >= 0x80 || c == '\0') c = '?';
  return result;
}

}  // namespace

Load::Load(const LoadCommand& command, const Options& options, Backend& backend, Backend& catalog, const Cancellation& cancellation,
           std::string user, std::uint64_t query_id)
    : command_(command),
      backend_(backend),
      catalog_(catalog),
      cancellation_(cancellation),
      user_(std::move(user)),
      query_id_(query_id),
      s3_(options.s3_endpoint, command.key, command.region) {}

LoadResult Load::run() {
  read_columns();
  const std::vector<std::string> keys = s3_.list(command_.place.bucket, command_.place.key);
  if (keys.empty()) throw LoadFailed{"The specified S3 prefix '" + command_.place.key + "' does not exist"};
  const auto send_all = [&](const std::function<void(std::string_view)>& send) {
    for (const std::string& key : keys) load_file(key, send);
  };
  if (command_.no_load)
    send_all([](std::string_view) {});
  else
    backend_.copy_in(copy_statement(), send_all);
  return result_;
}

/// The columns that the fields of a record are for.
void Load::read_columns() {
  const auto rows = backend_.rows(
      "SELECT attname, typname, atttypmod, attnotnull, attidentity <> '', attrelid FROM pg_catalog.pg_attribute JOIN pg_catalog.pg_type t "
      "ON t.oid = atttypid "
      "WHERE attrelid = pg_catalog.to_regclass(" +
      quote_literal(command_.table) + ") AND attnum > 0 AND NOT attisdropped ORDER BY attnum");
  if (rows.empty()) throw Refused{sql_error("42P01", "Cannot COPY into nonexistent table " + command_.table_name)};
  table_oid_ = rows[0][5].value_or("0");
  std::vector<LoadColumn> all;
  for (const Row& row : rows) all.push_back({*row[0], *row[1], std::stoi(*row[2]), row[3] == "t", row[4] == "t"});
  for (const std::string& name : command_.columns) {
    const auto found = std::find_if(all.begin(), all.end(), [&](const LoadColumn& column) { return column.name == name; });
    if (found == all.end())
      throw Refused{sql_error("42703", "column \"" + name + "\" of relation \"" + command_.table_name + "\" does not exist")};
    columns_.push_back(*found);
  }
  if (command_.columns.empty()) columns_ = all;
  for (LoadColumn& column : columns_) {
    if (!column.identity || command_.format.explicit_ids) continue;
    if (!command_.columns.empty()) throw LoadFailed{"cannot set an identity column to a value: " + column.name + " needs EXPLICIT_IDS"};
    column.ignored = true;
  }
}

std::string Load::copy_statement() const {
  std::string list;
  for (const LoadColumn& column : columns_)
    if (!column.ignored) list += (list.empty() ? "" : ", ") + quote_identifier(column.name);
  return "COPY " + command_.table + " (" + list + ") FROM STDIN";
}

void Load::load_file(const std::string& key, const std::function<void(std::string_view)>& send) {
  const S3Place place{command_.place.bucket, key};
  RecordReader reader(command_.format);
  Inflater inflater;
  std::string rows;
  const auto take = [&](std::string_view data) {
    reader.add(data);
    take_records(reader, place.url(), rows);
    send(rows);
    rows.clear();
  };
  const bool complete = s3_.get(
      place, [&](Channel& from) { return may_read(from); },
      [&](std::string_view data) {
        if (command_.format.gzip)
          inflater.add(data, take);
        else
          take(data);
      });
  if (!complete) return;
  if (command_.format.gzip) inflater.end();
  reader.end();
  take({});
}

/// Waits for S3. False: PostgreSQL has something to say first, which can only be an error. Throws Refused when the load was cancelled.
bool Load::may_read(Channel& from) {
  for (;;) {
    if (cancellation_.is_asked()) throw Refused{sql_error("57014", "Query cancelled on user's request")};
    const Readable readable = wait_for(from, backend_.channel(), 50);
    if (readable != Readable::neither) return readable == Readable::first;
  }
}

void Load::take_records(RecordReader& reader, const std::string& file, std::string& rows) {
  Record record;
  while (reader.next(record)) {
    const std::size_t before = rows.size();
    if (take_record(record, file, rows)) {
      ++result_.loaded;
      continue;
    }
    rows.resize(before);
    if (++result_.refused >= std::max<std::uint64_t>(command_.format.max_errors, 1))
      throw LoadFailed{"Load into table '" + command_.table_name + "' failed.  Check 'stl_load_errors' system table for details."};
  }
}

/// One row, or an error that has been noted.
bool Load::take_record(Record& record, const std::string& file, std::string& rows) {
  const std::size_t given = record.fields.size();
  LoadError error = record.error;
  if (error.code == 0 && given > columns_.size()) error = {1202, "Extra column(s) found"};
  if (error.code == 0 && given < columns_.size() && !command_.format.fill_record) error = {1214, "Delimiter not found"};
  if (error.code != 0) {
    const std::size_t last = std::min(given, columns_.size());
    note_error(record, file, last > 0 ? &columns_[last - 1] : nullptr, nullptr, error);
    return false;
  }
  record.fields.resize(columns_.size());
  bool first = true;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    Field& field = record.fields[i];
    const std::string given_value = field.value;
    if (const auto wrong = convert(field, columns_[i], command_.format)) {
      field.value = given_value;
      note_error(record, file, &columns_[i], &field, *wrong);
      return false;
    }
    if (columns_[i].ignored) continue;
    if (!first) rows += '\t';
    first = false;
    write_value(rows, field);
  }
  rows += '\n';
  return true;
}

void Load::note_error(const Record& record, const std::string& file, const LoadColumn* column, const Field* field, const LoadError& error) {
  const auto text = [](std::string_view value, std::size_t size) { return quote_literal(shown(value, size)); };
  catalog_.rows(
      "INSERT INTO redshift.load_errors SELECT (SELECT oid::integer FROM pg_catalog.pg_roles WHERE rolname = " + quote_literal(user_) +
      "), 0, " + table_oid_ + ", date_trunc('microseconds', clock_timestamp()::timestamp), " + std::to_string(backend_.process_id()) +
      ", " + std::to_string(query_id_) + ", " + text(file, 256) + ", " + std::to_string(record.line) + ", " +
      text(column ? column->name : "", 127) + ", " + text(column ? column->type : "", 10) + ", " +
      text(column ? column->length() : "", 10) + ", " + std::to_string(field ? field->place : 0) + ", " + text(record.raw, 1024) + ", " +
      text(field ? field->value : "", 1024) + ", " + std::to_string(error.code) + ", " + text(error.reason, 100));
}

}  // namespace pgswitch::stand_in
