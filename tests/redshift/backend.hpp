#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/redshift/channel.hpp"
#include "tests/redshift/errors.hpp"
#include "tests/redshift/options.hpp"

namespace pgswitch::stand_in {

using Row = std::vector<std::optional<std::string>>;
using OnFrame = std::function<void(const protocol::Frame&)>;

/// A connection to the PostgreSQL behind.
class Backend {
 public:
  /// Logs in as the superuser of the options, and makes in `database` what setup.sql has, if it is not there. Throws Refused, Lost.
  /// `settings` go into the start-up packet.
  Backend(const Options& options, const std::string& database, std::vector<std::pair<std::string, std::string>> settings = {});

  Channel& channel() { return channel_; }
  /// As in the last ReadyForQuery.
  char status() const { return status_; }
  std::uint32_t process_id() const { return process_id_; }
  const std::string& secret() const { return secret_; }
  /// ParameterStatus since the last call, in order.
  std::vector<std::pair<std::string, std::string>> take_parameters() { return std::exchange(parameters_, {}); }

  /// Sends the simple query and gives `on_frame` every message that comes back but ReadyForQuery. False: there was an error.
  bool query(std::string_view sql, const OnFrame& on_frame);
  /// The same for queries of our own. Throws Refused.
  std::vector<Row> rows(std::string_view sql);
  /// Sends what is in channel().out() and reads up to a message of one of `types`, or an error, which are given to `on_frame` too.
  /// Returns its type. ReadyForQuery sets status().
  char read_until(std::string_view types, const OnFrame& on_frame);
  /// COPY ... FROM STDIN with what `produce` gives to the function that it is given. When it throws, the COPY fails first. Throws Refused.
  void copy_in(std::string_view sql, const std::function<void(const std::function<void(std::string_view)>&)>& produce);

 private:
  void start(const Options& options, const std::string& database, const std::vector<std::pair<std::string, std::string>>& settings);
  void set_up();
  Channel channel_;
  char status_ = 'I';
  std::uint32_t process_id_ = 0;
  std::string secret_;
  std::vector<std::pair<std::string, std::string>> parameters_;
};

/// Columns of a DataRow.
Row read_row(protocol::ByteView body);
/// Hands a CancelRequest on.
void pass_on_cancel(const Options& options, std::uint32_t process_id, std::string_view secret);

}  // namespace pgswitch::stand_in
