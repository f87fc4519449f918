#include "proxy/copy/client_copy.hpp"

#include <algorithm>

#include "protocol/backend.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"
#include "proxy/copy/load_error.hpp"

namespace pgswitch::copy {

namespace backend = protocol::backend;
using protocol::ByteView;
using protocol::MessageWriter;
using protocol::SqlError;

namespace {

/// The values of a DataRow.
void read_row(ByteView body, std::vector<Field>& fields) {
  protocol::BodyReader in(body);
  fields.clear();
  for (int count = in.int16(); count > 0 && in.ok(); --count) {
    const std::uint32_t size = in.int32();
    if (size == 0xffffffff)
      fields.push_back({{}, true});
    else
      fields.push_back({in.bytes(size), false});
  }
}

/// Redshift's hint at its table of errors.
bool is_explained_elsewhere(const SqlError& error) {
  const auto names = [&](std::string_view table) {
    return error.message.find(table) != std::string::npos || error.detail.find(table) != std::string::npos ||
           error.hint.find(table) != std::string::npos;
  };
  return names("stl_load_errors") || names("sys_load_error_detail");
}

}  // namespace

std::string_view to_string(Phase phase) {
  constexpr std::string_view names[] = {"describing", "opening",      "receiving",  "uploading", "loading",
                                        "counting",   "rolling_back", "explaining", "sending"};
  return names[static_cast<std::size_t>(phase)];
}

ClientCopy::ClientCopy(CopyStatement copy, std::string query, const ClientEncoding& encoding)
    : copy_(std::move(copy)), query_(std::move(query)), phase_(copy_.from ? Phase::describing : Phase::sending) {
  if (encoding.shape == Shape::utf8) return;
  if (copy_.from)
    to_utf8_ = std::make_unique<ToUtf8>(encoding);
  else
    from_utf8_ = std::make_unique<FromUtf8>(encoding);
}

std::vector<std::string> ClientCopy::names() const {
  std::vector<std::string> all;
  for (const Column& column : columns_) all.push_back(column.name);
  return all;
}

void ClientCopy::on_row_description(ByteView body, std::string& out) {
  if (phase_ != Phase::describing && phase_ != Phase::sending) return;
  protocol::BodyReader in(body);
  columns_.clear();
  for (int count = in.int16(); count > 0 && in.ok(); --count) {
    Column column;
    column.name = in.string();
    in.bytes(6);  // table, attribute
    column.type_oid = in.int32();
    in.bytes(8);  // size, modifier, format
    columns_.push_back(std::move(column));
  }
  if (phase_ == Phase::describing) return;
  if (auto wrong = wrong_columns()) {
    failed_ = std::move(wrong);  // the rows are read and dropped
    return;
  }
  writer_ = std::make_unique<CopyWriter>(copy_.options, names());
  begun_ = true;
  MessageWriter response(out, backend::copy_out_response);
  response.byte(0).int16(static_cast<std::uint16_t>(columns_.size()));
  for (std::size_t i = 0; i < columns_.size(); ++i) response.int16(0);
  response.finish();
  if (!writer_->has_header()) return;
  utf8_.clear();
  writer_->header(utf8_);
  send_line(out);
}

/// utf8_ as a CopyData. What the client's encoding lacks is an error: the rows that follow are read and dropped.
void ClientCopy::send_line(std::string& out) {
  std::string_view line = utf8_;
  if (from_utf8_) {
    encoded_.clear();
    if (!from_utf8_->convert(utf8_, encoded_)) return void(failed_ = from_utf8_->error());
    line = encoded_;
  }
  MessageWriter(out, backend::copy_data).bytes(line).finish();
}

void ClientCopy::on_data_row(ByteView body, std::string& out) {
  if (failed_) return;
  if (phase_ == Phase::sending && writer_) {
    read_row(body, fields_);
    utf8_.clear();
    writer_->row(utf8_, fields_);
    bytes_ += utf8_.size();
    ++rows_;
    send_line(out);
  } else if (captured_.empty()) {
    captured_ = body;
    read_row(captured_, captured_fields_);
  }
}

void ClientCopy::on_error(SqlError error) {
  error.message = without_secrets(std::move(error.message), source_);
  error.detail = without_secrets(std::move(error.detail), source_);
  if (phase_ != Phase::sending) error.position = 0;  // it counts in a text of ours
  if (!failed_) failed_ = std::move(error);
}

/// A column that an option names, and that the table has not.
std::optional<SqlError> ClientCopy::wrong_columns() const {
  for (const auto& [chosen, option] :
       {std::pair{&copy_.options.force_quote, "FORCE_QUOTE"}, std::pair{&copy_.options.force_not_null, "FORCE_NOT_NULL"},
        std::pair{&copy_.options.force_null, "FORCE_NULL"}})
    for (const std::string& name : *chosen)
      if (std::none_of(columns_.begin(), columns_.end(), [&name = name](const Column& column) { return column.name == name; }))
        return SqlError{protocol::Severity::error,          "42703", "column \"" + name + "\" does not exist",
                        std::string(option) + " names it.", "",      0};
  return std::nullopt;
}

Step ClientCopy::described() {
  if (failed_) return fail(*failed_);
  if (auto wrong = wrong_columns()) return fail(std::move(*wrong));
  phase_ = Phase::opening;
  return {Step::Kind::open, {}, {}};
}

Step ClientCopy::on_ready(char status, std::string& out) {
  switch (phase_) {
    case Phase::describing: return described();
    case Phase::sending:
      if (failed_) return fail(*failed_);
      if (begun_) protocol::write_empty(out, backend::copy_done);
      return {Step::Kind::succeed, "COPY " + std::to_string(rows_), {}};
    case Phase::loading:
      if (!failed_) {
        phase_ = Phase::counting;
        captured_.clear();
        return {Step::Kind::query, "SELECT pg_last_copy_count()", {}};
      }
      load_error_ = *failed_;
      if (!is_explained_elsewhere(load_error_)) return fail(load_error_);
      // Nothing can be asked in a failed transaction, and nothing else can become of it: there are no savepoints.
      if (status != 'I') {
        failed_.reset();
        phase_ = Phase::rolling_back;
        return {Step::Kind::query, "ROLLBACK", {}};
      }
      return explain(false);
    case Phase::rolling_back:
      if (failed_ || status != 'I') return fail(load_error_);
      rolled_back_ = true;
      return explain(false);
    case Phase::explaining:
      if (failed_ && !serverless_) return explain(true);
      if (failed_ || captured_fields_.size() < 6) return fail(load_error_);
      return fail(to_error(read_load_error(captured_fields_), copy_, encoder_->lines(), load_error_));
    case Phase::counting: {
      const bool known = !failed_ && captured_fields_.size() == 1 && !captured_fields_[0].null;
      return {Step::Kind::succeed, "COPY " + (known ? std::string(captured_fields_[0].value) : std::to_string(rows())), {}};
    }
    default: return {};
  }
}

Step ClientCopy::explain(bool serverless) {
  phase_ = Phase::explaining;
  serverless_ = serverless;
  failed_.reset();
  captured_.clear();
  captured_fields_.clear();
  return {Step::Kind::query, load_errors_query(source_, serverless), {}};
}

std::optional<std::string> ClientCopy::on_lost(bool in_transaction) const {
  if (phase_ == Phase::counting && !in_transaction) return "COPY " + std::to_string(rows());
  return std::nullopt;
}

Step ClientCopy::on_open(std::string null) {
  null_ = std::move(null);
  encoder_ = std::make_unique<RedshiftEncoder>(columns_, null_);
  decoder_ = std::make_unique<CopyDecoder>(copy_, names(), *encoder_);
  phase_ = Phase::receiving;
  Step step{Step::Kind::receive, {}, {}};
  MessageWriter response(step.text, backend::copy_in_response);
  response.byte(0).int16(static_cast<std::uint16_t>(columns_.size()));
  for (std::size_t i = 0; i < columns_.size(); ++i) response.int16(0);
  response.finish();
  return step;
}

bool ClientCopy::feed(std::string_view data) {
  bytes_ += data.size();
  if (!to_utf8_ || decoder_->has_ended()) return decoder_->feed(data);
  utf8_.clear();
  const bool known = to_utf8_->convert(data, utf8_);
  return decoder_->feed(utf8_) && (known || decoder_->refuse(to_utf8_->error()));
}

bool ClientCopy::finish() {
  if (to_utf8_ && !to_utf8_->finish() && !decoder_->refuse(to_utf8_->error())) return false;
  if (!decoder_->finish()) return false;
  phase_ = Phase::uploading;
  return true;
}

std::string ClientCopy::context() const { return "COPY " + copy_.table + (decoder_ ? ", line " + std::to_string(decoder_->line()) : ""); }

std::string ClientCopy::take_chunk() {
  last_taken_ = phase_ == Phase::uploading;
  return std::exchange(encoder_->out(), {});
}

Step ClientCopy::on_uploaded(Source source) {
  source_ = std::move(source);
  phase_ = Phase::loading;
  captured_.clear();
  return {Step::Kind::query, load_statement(copy_, source_, null_), {}};
}

}  // namespace pgswitch::copy
