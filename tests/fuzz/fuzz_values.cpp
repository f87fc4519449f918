// Values of Redshift's rows, made binary, and the encodings of clients.
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "protocol/backend.hpp"
#include "protocol/writer.hpp"
#include "proxy/copy/client_encoding.hpp"
#include "proxy/redshift/binary_values.hpp"
#include "proxy/redshift/row_formats.hpp"
#include "tests/fuzz/fuzz_input.hpp"

namespace {

using namespace pgswitch;
using fuzz::require;

constexpr std::array<std::uint32_t, 23> types{16, 17, 18, 19, 20, 21, 23, 25, 26, 700, 701, 705, 1042, 1043, 1082, 1083, 1114, 1184, 1266, 1700, 0, 114, 2950};
constexpr std::array<std::string_view, 14> encodings{"UTF8", "LATIN1", "WIN1252", "SJIS", "EUC_JP", "EUC_KR", "EUC_CN", "EUC_TW", "BIG5", "GBK", "UHC", "GB18030", "JOHAB",
                                                     "SHIFT_JIS_2004"};

/// pg_type.typlen; 0: it varies.
std::size_t size_of(std::uint32_t type) {
  switch (type) {
    case 16: case 18: return 1;
    case 21: return 2;
    case 23: case 26: case 700: case 1082: return 4;
    case 20: case 701: case 1083: case 1114: case 1184: return 8;
    case 1266: return 12;
    default: return 0;
  }
}

void make_binary(std::uint32_t type, std::string_view text) {
  std::string out = "before";
  if (!redshift::append_binary(out, type, text)) return;
  require(redshift::has_binary_format(type) && out.starts_with("before"));
  if (const std::size_t size = size_of(type); size > 0) require(out.size() == 6 + size);
}

/// A row with each value twice, as text and in binary.
void convert_row(std::uint32_t type, const std::string& value) {
  const std::array columns{protocol::Column{"a", type}, protocol::Column{"b", type}};
  std::string description, row, described, out;
  protocol::write_row_description(description, columns);
  protocol::write_data_row(row, std::array{std::optional(value), std::optional(value)});
  protocol::SqlError error;
  const auto formats = redshift::RowFormats::of(description, std::string_view("\0\2\0\0\0\1", 6), error);
  require(formats.has_value() == redshift::has_binary_format(type) && (formats || !error.message.empty()));
  if (!formats) return;
  formats->describe(described, description);
  require(described.size() == description.size());
  const bool converted = formats->convert(out, row + row, error);
  std::string binary;
  require(converted == redshift::append_binary(binary, type, value));
  if (converted) require(out.size() == 2 * (row.size() - value.size() + binary.size()) && out.find(value) != out.npos);
}

/// Bytes that a server has sent, as a description, formats and rows.
void convert_anything(fuzz::Input& input) {
  const std::string formats = input.piece();
  std::string description, rows, out;
  protocol::MessageWriter(description, protocol::backend::row_description).bytes(input.piece());
  protocol::SqlError error;
  const auto made = redshift::RowFormats::of(description, formats, error);
  require(made || !error.message.empty());
  if (!made) return;
  protocol::MessageWriter(rows, protocol::backend::data_row).bytes(input.rest());
  made->describe(out, description);
  require(made->convert(out, rows, error) || !error.message.empty());
}

/// However it is cut, it is the same; what is made of UTF-8 is the text again.
void convert_text(const copy::ClientEncoding& encoding, std::string_view bytes, std::size_t cut) {
  copy::ToUtf8 whole(encoding), pieces(encoding);
  if (!whole.is_open()) return;
  std::string text, again;
  const bool good = whole.convert(bytes, text) && whole.finish();
  const bool good_again = pieces.convert(bytes.substr(0, cut), again) && pieces.convert(bytes.substr(cut), again) && pieces.finish();
  require(good == good_again && (!good || text == again));
  require(good || whole.error().sqlstate.size() == 5);
  copy::in_encoding(encoding, text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const unsigned what = input.byte(), choice = input.byte();
  if (what % 3 == 0) {
    const std::uint32_t type = types[choice % types.size()];
    make_binary(type, input.rest());
    convert_row(type, std::string(input.rest()));
  } else if (what % 3 == 1) {
    convert_anything(input);
  } else if (const copy::ClientEncoding* const encoding = copy::find_client_encoding(encodings[choice % encodings.size()])) {
    const std::size_t cut = input.byte();
    convert_text(*encoding, input.rest(), std::min(cut, input.rest().size()));
  }
  return 0;
}
