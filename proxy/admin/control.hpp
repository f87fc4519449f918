#pragma once
#include <boost/asio/awaitable.hpp>

#include "proxy/admin/command.hpp"
#include "proxy/admin/reply.hpp"

/// The commands that change something. Their first word, if any, names a database; without it they mean all of them.
/// Texts of errors are pgbouncer's.
namespace pgswitch::admin {

class Console;

/// One line about the command and who gave it.
void log_command(Console& console, const Command& command);

/// Answered when the new configuration is in force on every worker, or with all that is wrong with it.
boost::asio::awaitable<Reply> run_reload(Console& console, Command command);
/// Answered when no server connection is left; with an error when another console RESUMEs first.
boost::asio::awaitable<Reply> run_pause(Console& console, Command command);
boost::asio::awaitable<Reply> run_resume(Console& console, Command command);
/// Answered when everything that was read is written, at the latest after suspend_timeout, when who still has bytes waiting is dropped.
boost::asio::awaitable<Reply> run_suspend(Console& console, Command command);
/// RESUME after a SUSPEND.
boost::asio::awaitable<Reply> end_suspension(Console& console, const Command& command);
/// New logins to the database are refused, or allowed again.
boost::asio::awaitable<Reply> run_disable(Console& console, Command command);
boost::asio::awaitable<Reply> run_enable(Console& console, Command command);
/// Every server connection is replaced by a new one as soon as it is free.
boost::asio::awaitable<Reply> run_reconnect(Console& console, Command command);
/// Answered when every connection that RECONNECT or a reload marked is closed.
boost::asio::awaitable<Reply> run_wait_close(Console& console, Command command);
/// Drops clients and servers at once, and pauses.
boost::asio::awaitable<Reply> run_kill(Console& console, Command command);
/// Changes a setting of the process until the next reload; of names that are no settings nothing is said but a notice.
boost::asio::awaitable<Reply> run_set(Console& console, Command command);
boost::asio::awaitable<Reply> run_kill_client(Console& console, Command command);
boost::asio::awaitable<Reply> run_shutdown(Console& console, Command command);

}  // namespace pgswitch::admin
