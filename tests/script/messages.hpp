#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/session/prepared.hpp"

/// Messages of both sides as bytes, for session scripts. Bodies are as real as SessionCore looks at them.
namespace pgswitch::script {

using Bytes = std::string;

// The client's.
Bytes query(std::string_view sql);
/// `types`: oids of the parameters.
Bytes parse(std::string_view name, std::string_view sql, std::initializer_list<std::uint32_t> types = {});
Bytes bind_to(std::string_view portal, std::string_view statement, std::initializer_list<std::string_view> values = {});
/// `formats`: of the result, 1 is binary.
Bytes bind_to(std::string_view portal, std::string_view statement, std::initializer_list<std::string_view> values,
              std::initializer_list<std::uint16_t> formats);
Bytes describe_statement(std::string_view name);
Bytes describe_portal(std::string_view name);
Bytes execute(std::string_view portal, std::uint32_t max_rows = 0);
Bytes close_statement(std::string_view name);
Bytes close_portal(std::string_view name);
Bytes sync();
Bytes flush();
Bytes function_call(std::string_view argument);
Bytes copy_data(std::string_view data);  ///< of both sides
Bytes copy_done();                       ///< of both sides
Bytes copy_fail(std::string_view reason);
Bytes terminate();
/// Any frame.
Bytes frame(char type, std::string_view body);
/// Of a statement that is parsed with the settings of Start: what its Parse says behind the name.
PreparedKey key_of_parse(std::string_view behind_name);
/// Name by which servers know a statement that is parsed with the settings of Start, and `settings`.
std::string on_server(std::string_view sql, std::initializer_list<std::uint32_t> types = {}, std::string_view settings = {});

// The servers'.
Bytes row_description(std::string_view column = "c");
/// `type`: its oid.
Bytes row_description(std::string_view column, std::uint32_t type);
Bytes data_row(std::string_view value = "1");
Bytes complete(std::string_view tag);
Bytes ready(char status);
Bytes empty_query();
Bytes parse_complete();
Bytes bind_complete();
Bytes close_complete();
Bytes no_data();
Bytes parameter_description(std::initializer_list<std::uint32_t> types = {});
Bytes portal_suspended();
Bytes copy_in_response();
Bytes copy_out_response();
Bytes function_result();
Bytes error(std::string_view sqlstate, std::string_view message = "no", std::uint32_t position = 0, std::string_view hint = {});
Bytes fatal(std::string_view sqlstate, std::string_view message = "over");
Bytes notice(std::string_view message);
/// Of Redshift: a function that its compute nodes lack.
Bytes leader_node_refusal();
Bytes parameter_status(std::string_view name, std::string_view value);
Bytes notification(std::string_view channel);

/// Expectations only: an ERROR (a FATAL) with this SQLSTATE, whatever else it says.
Bytes any_error(std::string_view sqlstate);
Bytes any_fatal(std::string_view sqlstate);

/// Frames one by one. Bytes that are no whole frame are the last element.
std::vector<Bytes> split(std::string_view bytes);
/// One line for each frame: its type and its body, escaped.
std::string show(std::string_view bytes);
/// Frame by frame equal, where the expected side may have any_error() and any_fatal().
bool same(std::string_view expected, std::string_view actual);

}  // namespace pgswitch::script
