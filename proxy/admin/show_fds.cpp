// SHOW FDS: the listening sockets, and the descriptors themselves beside their rows (SCM_RIGHTS, unix(7)).
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "protocol/writer.hpp"
#include "proxy/admin/show.hpp"
#include "proxy/log.hpp"

namespace pgswitch::admin {
namespace {

using boost::asio::awaitable;
using Given = std::vector<std::pair<std::string, int>>;

constexpr Field of_fd[] = {{"fd", Type::int4}, {"task"}, {"user"}, {"database"}, {"addr"}, {"port", Type::int4}, {"cancel", Type::int8},
                           {"link", Type::int4}, {"client_encoding"}, {"std_strings"}, {"datestyle"}, {"timezone"}, {"password"},
                           {"scram_client_key"}, {"scram_server_key"}};

/// "127.0.0.1:6432", "[::1]:6432" or "unix:/run/.s.PGSQL.6432".
Row row_of(const std::string& name, int fd, int listen_port) {
  Row row(std::size(of_fd));
  const bool is_unix = name.starts_with("unix:");
  row[0] = std::to_string(fd);
  row[1] = "pooler";
  row[4] = is_unix ? "unix" : name.substr(0, name.rfind(':'));
  row[5] = is_unix ? std::to_string(listen_port) : name.substr(name.rfind(':') + 1);
  row[6] = row[7] = "0";
  return row;
}

/// Where requests to cancel are still taken: its path in the place of the address, and no descriptor.
Row row_of_side(const std::string& name) {
  Row row = row_of(name, -1, 0);
  row[1] = "cancel";
  row[4] = name.substr(std::string_view("unix:").size());
  return row;
}

}  // namespace

const std::span<const Field> fd_fields = of_fd;

awaitable<Reply> run_show_fds(Console& console, Command) {
  ClientSession& session = console.session();
  if (session.console_rights() != ConsoleRights::admin) co_return failed(protocol::sqlstate::insufficient_privilege, "admin access needed");
  if (console.worker().proxy().shutdown_mode() != Shutdown::none) co_return failed(protocol::sqlstate::cannot_connect_now, "pooler is shutting down");
  const bool owner = is_local_owner(session.address(), session.user(), ::geteuid());
  const std::string owner_name = session.address().to_string();
  const auto step = [owner](Worker& worker) { return owner && worker.index() == 0 ? worker.proxy().give_listeners() : Given(); };
  auto round = gather(console, step);
  const std::vector<Given> given = co_await std::move(round);
  Reply reply = done("SHOW");
  reply.fields = fd_fields;
  for (const auto& [name, fd] : given.front()) {
    reply.rows.push_back(fd < 0 ? row_of_side(name) : row_of(name, fd, console.worker().config().listen_port));
    if (fd >= 0) reply.descriptors.push_back(fd);
  }
  if (owner) console.gave_listeners();
  if (owner) log_line(LogLevel::info, session.log_prefix() + "listening sockets are given to " + owner_name);
  co_return reply;
}

awaitable<bool> Console::send_descriptor(std::string frame, int descriptor) {
  const bool flushed = co_await flush();
  if (!flushed) co_return false;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  iovec data{frame.data(), frame.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* const part = CMSG_FIRSTHDR(&message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
  // A few hundred bytes behind a flush: they find room, or the client does not read.
  const ssize_t sent = ::sendmsg(session_.stream().fd(), &message, MSG_NOSIGNAL);
  if (sent <= 0) co_return false;
  out_.append(frame, static_cast<std::size_t>(sent));
  co_return true;
}

}  // namespace pgswitch::admin
