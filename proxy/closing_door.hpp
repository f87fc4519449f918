#pragma once
#include <cstdint>

namespace pgswitch {

/// How long a client whose TCP handshake is under way may take to end it: more than the way to it and back, and less than the second
/// after which one who is not answered tries again.
inline constexpr std::int64_t handshake_us = 50'000;

/// `fd`: a listening TCP socket that is going to be closed while another process listens on the same port (SO_REUSEPORT). Closing would reset
/// the clients whose handshake is not at its end. So from now on the kernel drops the first packet of new ones, who send it again in
/// a second, when another process gets it; the others come into the queue within `handshake_us`. False: the kernel
/// lets only CAP_NET_ADMIN do this (socket(7), SO_ATTACH_FILTER), as new ones do; with net.ipv4.tcp_migrate_req = 1 it does the same by itself.
bool turn_away_new_clients(int fd);

}  // namespace pgswitch
