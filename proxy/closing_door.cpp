#include "proxy/closing_door.hpp"

#include <linux/filter.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>

namespace pgswitch {

bool turn_away_new_clients(int fd) {
  constexpr std::uint32_t flags_offset = 13;  // in the TCP header
  constexpr std::uint32_t all_of_it = 0xffffffff;
  // The first packet of a handshake is the one with SYN and without ACK.
  std::array<sock_filter, 5> program{{{BPF_LD | BPF_B | BPF_ABS, 0, 0, flags_offset},
                                      {BPF_ALU | BPF_AND | BPF_K, 0, 0, TH_SYN | TH_ACK},
                                      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, TH_SYN},
                                      {BPF_RET | BPF_K, 0, 0, 0},
                                      {BPF_RET | BPF_K, 0, 0, all_of_it}}};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

}  // namespace pgswitch
