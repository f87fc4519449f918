#pragma once
#include <functional>

#include "proxy/admin/table.hpp"

namespace pgswitch {

class ClientSession;
class ServerConn;
class Worker;

namespace admin {

/// One client and one server connection as SHOW CLIENTS and SHOW SERVERS have them. The worker's thread.
Row client_row(Worker& worker, const ClientSession& session);
void each_server_row(Worker& worker, const std::function<void(Row row, const ServerConn& server)>& visit);

}  // namespace admin
}  // namespace pgswitch
