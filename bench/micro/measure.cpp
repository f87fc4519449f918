#include "bench/micro/measure.hpp"

#include <array>
#include <optional>

#include "protocol/writer.hpp"

namespace pgswitch::bench {

std::string select_query() {
  std::string out;
  protocol::write_query(out, select_text);
  return out;
}

std::string select_answer() {
  std::string out;
  const std::array columns = {protocol::Column{"abalance", 23, 4}};
  protocol::write_row_description(out, columns);
  const std::array<std::optional<std::string>, 1> values = {"0"};
  protocol::write_data_row(out, values);
  protocol::write_command_complete(out, "SELECT 1");
  protocol::write_ready_for_query(out, 'I');
  return out;
}

}  // namespace pgswitch::bench

BENCHMARK_MAIN();
