#include "proxy/copy/client_encoding.hpp"

#include <gtest/gtest.h>

namespace pgswitch::copy {
namespace {

const ClientEncoding& encoding(std::string_view name) {
  const ClientEncoding* const found = find_client_encoding(name);
  EXPECT_NE(found, nullptr) << name;
  return found ? *found : *find_client_encoding("UTF8");
}

/// `bytes` in pieces of `size`, as UTF-8; behind it the error: "sqlstate message".
std::string read(std::string_view name, std::string_view bytes, std::size_t size) {
  ToUtf8 reader(encoding(name));
  EXPECT_TRUE(reader.is_open()) << name;
  std::string out;
  bool good = true;
  for (std::size_t i = 0; good && i < bytes.size(); i += size) good = reader.convert(bytes.substr(i, size), out);
  if (!good || !reader.finish()) out += " !" + reader.error().sqlstate + ' ' + reader.error().message;
  return out;
}

struct Sample {
  std::string_view name, bytes, utf8;
};

const Sample samples[] = {
    {"LATIN1", "a\xe4\xff", "a\u00e4\u00ff"},
    {"WIN1252", "\x80\x93", "\u20ac\u201c"},
    {"koi8-r", "\xf0\xd2", "\u041f\u0440"},
    {"SJIS", "\x83\x5c\\\xb1~", "\u30bd\\\uff71~"},
    {"EUC_JP", "\xa5\xbd\x8e\xb1\x8f\xb0\xa1", "\u30bd\uff71\u4e02"},
    {"SHIFT_JIS_2004", "\x82\xa9\x82\xf5|\x82\xa9", "\u304b\u304b\u309a|\u304b"},
    {"big5", "\xa5\x5c|", "\u529f|"},
    {"GBK", "\x81\x5c\x81\x7c", "\u4e57\u4e85"},
    {"GB18030", "\xa2\xe3\x81\x30\x81\x30\x94\x39\xda\x33", "\u20ac\u0080\U0001f4a9"},
    {"UHC", "\xb0\xa1\x81\x41", "\uac00\uac02"},
    {"EUC_TW", "\xc4\xa1\x8e\xa2\xa1\xa1", "\u4e00\u4e42"},
};

TEST(ClientEncoding, becomes_utf8_however_it_is_cut) {
  for (const Sample& sample : samples)
    for (std::size_t size = 1; size <= sample.bytes.size(); ++size) EXPECT_EQ(read(sample.name, sample.bytes, size), sample.utf8) << sample.name << ' ' << size;
}

TEST(ClientEncoding, is_written_as_it_was_read) {
  for (const Sample& sample : samples) {
    FromUtf8 writer(encoding(sample.name));
    std::string out;
    EXPECT_TRUE(writer.convert(sample.utf8, out)) << sample.name;
    EXPECT_EQ(out, sample.bytes) << sample.name;
  }
}

TEST(ClientEncoding, faults_are_postgresqls) {
  const Sample wrong[] = {
      {"LATIN1", {"a\0b", 3}, "a !22021 invalid byte sequence for encoding \"LATIN1\": 0x00"},
      {"WIN1252", "a\x81z", "a !22P05 character with byte sequence 0x81 in encoding \"WIN1252\" has no equivalent in encoding \"UTF8\""},
      {"SJIS", "\x83\x5c\x81 x", "\u30bd !22021 invalid byte sequence for encoding \"SJIS\": 0x81 0x20"},
      {"SJIS", "a\x81", "a !22021 invalid byte sequence for encoding \"SJIS\": 0x81"},
      {"EUC_JP", "\xa4\n", " !22021 invalid byte sequence for encoding \"EUC_JP\": 0xa4 0x0a"},
      {"GB18030", "\x81\x30\x20\x30", " !22021 invalid byte sequence for encoding \"GB18030\": 0x81 0x30 0x20 0x30"},
      {"GBK", "\xfa\x60\x80\x80z", "\u9dc3 !22P05 character with byte sequence 0x80 0x80 in encoding \"GBK\" has no equivalent in encoding \"UTF8\""},
      {"GBK", "\x8d ", " !22021 invalid byte sequence for encoding \"GBK\": 0x8d 0x20"},
      {"EUC_KR", "\x8e\xa1\xb0\xa1", " !22021 invalid byte sequence for encoding \"EUC_KR\": 0x8e 0xa1"},
      {"EUC_JP", "\x8e\xe0", " !22021 invalid byte sequence for encoding \"EUC_JP\": 0x8e 0xe0"},
      {"UHC", "\xb0\xa1\xa2\xe8", "\uac00 !22P05 character with byte sequence 0xa2 0xe8 in encoding \"UHC\" has no equivalent in encoding \"UTF8\""},
      {"BIG5", "x\xff\xff", "x !22P05 character with byte sequence 0xff 0xff in encoding \"BIG5\" has no equivalent in encoding \"UTF8\""},
  };
  for (const Sample& sample : wrong)
    for (std::size_t size = 1; size <= sample.bytes.size(); ++size) EXPECT_EQ(read(sample.name, sample.bytes, size), sample.utf8) << size;
}

/// Two bytes of `name`, in front of a character that is known.
void expect_aligned(std::string_view name, std::string_view known, unsigned first, unsigned second) {
  const std::string pair{static_cast<char>(first), static_cast<char>(second)};
  const std::string alone = read(name, pair, 2), followed = read(name, pair + std::string(known), 4);
  const bool good = alone.find('!') == alone.npos;
  EXPECT_EQ(followed, good ? alone + read(name, known, 2) : alone) << name << ' ' << first << ' ' << second;
  EXPECT_NE(alone, "") << name << ' ' << first << ' ' << second;
}

TEST(ClientEncoding, no_character_takes_a_part_of_the_next_or_vanishes) {
  const std::pair<std::string_view, std::string_view> known[] = {{"BIG5", "\xa5\x5c"}, {"GBK", "\x81\x5c"}, {"UHC", "\xb0\xa1"}, {"EUC_KR", "\xb0\xa1"}, {"EUC_CN", "\xb0\xa1"}};
  for (const auto& [name, character] : known)
    for (unsigned first = 0x80; first <= 0xff; ++first)
      for (unsigned second = 0xa0; second <= 0xff; ++second)
        if (first != 0x8e && first != 0x8f) expect_aligned(name, character, first, second);  // there more than two
}

TEST(ClientEncoding, what_would_be_read_as_another_character_has_no_equivalent) {
  const std::pair<std::string_view, std::string_view> wrong[] = {{"EUC_KR", "\u0080"}, {"BIG5", "\u0080"}, {"EUC_JP", "\u008e"}, {"SJIS", "\u00a5"}, {"SHIFT_JIS_2004", "\u203e"}};
  for (const auto& [name, text] : wrong) {
    FromUtf8 writer(encoding(name));
    std::string out;
    EXPECT_FALSE(writer.convert("a" + std::string(text), out)) << name;
    EXPECT_EQ(writer.error().sqlstate, "22P05");
    EXPECT_EQ(out, "a");
  }
}

TEST(ClientEncoding, what_it_lacks_is_an_error_in_data_and_a_question_mark_in_words) {
  FromUtf8 writer(encoding("LATIN1"));
  std::string out;
  EXPECT_FALSE(writer.convert("\u00e4\u20ac", out));
  EXPECT_EQ(writer.error().sqlstate, "22P05");
  EXPECT_EQ(writer.error().message, "character with byte sequence 0xe2 0x82 0xac in encoding \"UTF8\" has no equivalent in encoding \"LATIN1\"");
  EXPECT_EQ(in_encoding(encoding("LATIN1"), "a\u00e4\u20acz"), "a\xe4?z");
}

TEST(ClientEncoding, is_known_by_postgresqls_names) {
  const std::pair<std::string_view, std::string_view> names[] = {{"Latin-1", "LATIN1"}, {"ISO 8859-1", "LATIN1"}, {"windows_1252", "WIN1252"}, {"Shift_JIS", "SJIS"},
                                                                 {"mskanji", "SJIS"},   {"win936", "GBK"},        {"utf-8", "UTF8"},           {"unicode", "UTF8"}};
  for (const auto& [name, usual] : names) EXPECT_EQ(encoding(name).name, usual);
  EXPECT_EQ(find_client_encoding("latin11"), nullptr);
  EXPECT_EQ(find_client_encoding(""), nullptr);
  EXPECT_FALSE(ToUtf8(encoding("MULE_INTERNAL")).is_open());
}

}  // namespace
}  // namespace pgswitch::copy
