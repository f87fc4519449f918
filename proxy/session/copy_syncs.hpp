#pragma once
#include <string_view>

namespace pgswitch {

/// Whether a COPY FROM STDIN that fails by an error of this SQLSTATE has left the Syncs unread that the client sent behind the last of its
/// data: then they are answered. `ended`: it has read the end of the data. Without an end it fails by the data, or by being cancelled
/// while it waits for more. With an end it may fail by the data (PostgreSQL 15 looks at each row when it has come), by CopyFail, or by
/// what it does with the rows at last (unique keys, foreign keys, triggers).
bool leaves_syncs(std::string_view sqlstate, bool ended);

}  // namespace pgswitch
