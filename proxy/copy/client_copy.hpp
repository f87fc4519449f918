#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/frame.hpp"
#include "protocol/sql_error.hpp"
#include "proxy/copy/client_encoding.hpp"
#include "proxy/copy/copy_decoder.hpp"
#include "proxy/copy/copy_statement.hpp"
#include "proxy/copy/copy_writer.hpp"
#include "proxy/copy/load_statement.hpp"
#include "proxy/copy/redshift_encoder.hpp"

namespace pgswitch::copy {

/// How far a COPY is.
enum class Phase : std::uint8_t {
  describing,    ///< FROM: asks the server for the columns
  opening,       ///< waits until there is a place to upload to
  receiving,     ///< takes the client's data
  uploading,     ///< has all of it, waits until the object is complete
  loading,       ///< the server's COPY runs
  counting,      ///< asks for the number of rows
  rolling_back,  ///< it has failed in a transaction
  explaining,    ///< asks for the reason
  sending,       ///< TO: gives the client the rows of a query
};
std::string_view to_string(Phase phase);

/// What comes next.
struct Step {
  enum class Kind : std::uint8_t {
    none,     ///< waits
    query,    ///< the server is sent `text`
    open,     ///< the shell is asked for a place to upload to
    receive,  ///< the client is told to send its data
    succeed,  ///< the client is told `text`, the command tag
    fail,     ///< the client is told `error`
  };
  Kind kind = Kind::none;
  std::string text;
  protocol::SqlError error;
};

/// COPY between a client of PostgreSQL and a Redshift server, as a state machine: FROM STDIN is decoded, encoded for Redshift, uploaded by
/// the shell and loaded by a COPY of ours; TO STDOUT is a query whose rows are written as COPY writes them. Sans-IO; one thread.
class ClientCopy {
 public:
  /// `query`: columns_query() or rows_query() in Redshift's spelling. `encoding`: of the data.
  ClientCopy(CopyStatement copy, std::string query, const ClientEncoding& encoding);

  const CopyStatement& statement() const { return copy_; }
  Phase phase() const { return phase_; }
  bool is_from() const { return copy_.from; }
  /// A query is on its way to the server.
  bool is_on_server() const { return phase_ != Phase::opening && phase_ != Phase::receiving && phase_ != Phase::uploading; }
  /// Its COPY has begun to run, and the server's transaction has ended since, by a ROLLBACK of ours.
  bool has_rolled_back() const { return rolled_back_; }

  Step begin() const { return {Step::Kind::query, query_, {}}; }

  // What the server answers to the query that was the last step. Bytes for the client are appended to `out`.
  void on_row_description(protocol::ByteView body, std::string& out);
  void on_data_row(protocol::ByteView body, std::string& out);
  void on_error(protocol::SqlError error);
  /// `status`: that of its ReadyForQuery.
  Step on_ready(char status, std::string& out);
  /// The connection is gone: the tag to be told, if the rows are surely in; nullopt: it has failed.
  std::optional<std::string> on_lost(bool in_transaction) const;

  // What the client sends.
  /// False: error() is what it is told.
  bool feed(std::string_view data);
  bool finish();
  protocol::SqlError error() const { return decoder_ ? decoder_->error() : protocol::SqlError(); }
  /// The C library can convert the data.
  bool is_convertible() const { return (!to_utf8_ || to_utf8_->is_open()) && (!from_utf8_ || from_utf8_->is_open()); }
  /// "COPY t, line 3".
  std::string context() const;

  // What the shell does.
  /// There is a place. `null`: a marker that no data can know.
  Step on_open(std::string null);
  Step on_uploaded(Source source);
  /// Encoded data for the object: enough for a call, or the last of it.
  bool has_chunk() const { return encoder_ && (encoder_->out().size() >= chunk_size || (phase_ == Phase::uploading && !last_taken_)); }
  bool is_last_chunk() const { return phase_ == Phase::uploading; }
  std::string take_chunk();

  std::uint64_t line() const { return decoder_ ? decoder_->line() : 0; }
  std::uint64_t rows() const { return decoder_ ? decoder_->rows() : rows_; }
  std::uint64_t bytes() const { return bytes_; }  ///< from the client, or for it

  static constexpr std::size_t chunk_size = 256 * 1024;

 private:
  Step fail(protocol::SqlError error) const { return {Step::Kind::fail, {}, std::move(error)}; }
  Step explain(bool serverless);
  Step described();
  void send_line(std::string& out);
  std::vector<std::string> names() const;
  std::optional<protocol::SqlError> wrong_columns() const;

  CopyStatement copy_;
  std::string query_;
  Phase phase_;
  std::vector<Column> columns_;
  std::unique_ptr<ToUtf8> to_utf8_;      ///< of FROM; nullptr: it is UTF-8
  std::unique_ptr<FromUtf8> from_utf8_;  ///< of TO
  std::string utf8_, encoded_;           ///< FROM: the data at hand; TO: a line
  std::unique_ptr<CopyWriter> writer_;
  std::unique_ptr<RedshiftEncoder> encoder_;
  std::unique_ptr<CopyDecoder> decoder_;
  std::string null_;
  Source source_;
  std::vector<Field> fields_;
  std::string captured_;               ///< the first row of an answer, values of captured_fields_
  std::vector<Field> captured_fields_;
  std::optional<protocol::SqlError> failed_;  ///< of the query on its way
  protocol::SqlError load_error_;
  bool serverless_ = false, rolled_back_ = false, last_taken_ = false, begun_ = false;
  std::uint64_t rows_ = 0, bytes_ = 0;
};

}  // namespace pgswitch::copy
