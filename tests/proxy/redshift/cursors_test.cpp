// DECLARE and FETCH: what their texts say, and what FETCH makes of a cursor. The expected rows and positions are PostgreSQL 15's.
#include "proxy/redshift/cursors.hpp"

#include <gtest/gtest.h>

#include "protocol/writer.hpp"
#include "proxy/redshift/bind_formats.hpp"
#include "tests/script/memory_storage.hpp"

namespace pgswitch::redshift {
namespace {

using Direction = Fetch::Direction;

std::string query_of(std::string_view text) {
  const auto declaration = read_declaration(text, true);
  return declaration ? std::string(text.substr(declaration->query)) : "none";
}

CursorPtr cursor_of(script::MemoryStorage& storage, int rows) {
  auto cursor = std::make_shared<Cursor>(storage);
  for (int i = 1; i <= rows; ++i) {
    const std::optional<std::string> value = std::to_string(i);
    std::string row;
    protocol::write_data_row(row, {&value, 1});
    cursor->rows.add(row, row.size());
  }
  cursor->complete = true;
  return cursor;
}

/// "FETCH 2: 1 2 @2": the tag, the rows and the position afterwards.
std::string fetch(const CursorPtr& cursor, std::string_view text) {
  const auto command = read_fetch(text, true);
  if (!command) return "no FETCH";
  protocol::SqlError error;
  auto sending = run_fetch(cursor, *command, error);
  if (!sending) return error.sqlstate;
  std::string told = sending->verb + ' ' + std::to_string(sending->count) + ':';
  for (; sending->left > 0; --sending->left) {
    const auto found = cursor->rows.find(sending->next, 1, 1);
    told += ' ' + std::string(found.messages.substr(found.messages.size() - 1));
    sending->next += sending->backward ? -1 : 1;
  }
  return told + " @" + std::to_string(cursor->position);
}

}  // namespace

TEST(CursorText, finds_the_query_of_a_declaration) {
  EXPECT_EQ(query_of("DECLARE c1 CURSOR FOR\nSELECT 1"), "\nSELECT 1");
  EXPECT_EQ(query_of("declare \"For\" no scroll cursor without hold for select 'for' -- x"), " select 'for' -- x");
  EXPECT_EQ(query_of("/* for */ DECLARE c -- cursor for\n INSENSITIVE CURSOR WITH HOLD FOR values (1) for update"), " values (1) for update");
  EXPECT_EQ(query_of("DECLARE cursor CURSOR FOR SELECT 1"), " SELECT 1");
  EXPECT_EQ(query_of("DECLARE c CURSOR"), "none");
  EXPECT_EQ(query_of("SELECT 1"), "none");
}

TEST(CursorText, knows_the_options_of_a_declaration) {
  const auto plain = read_declaration("declare c cursor for select 1", true), all = read_declaration("declare c binary insensitive no scroll cursor with hold for select 1", true);
  ASSERT_TRUE(plain && all);
  EXPECT_FALSE(plain->binary || plain->hold || plain->no_scroll);
  EXPECT_TRUE(all->binary && all->hold && all->no_scroll);
  EXPECT_FALSE(read_declaration("declare c scroll cursor for select 1", true)->no_scroll);
}

TEST(CursorText, reads_every_form_of_fetch) {
  const auto is = [](std::string_view text, Direction direction, std::int64_t count) {
    const auto fetch = read_fetch(text, true);
    EXPECT_TRUE(fetch && fetch->direction == direction && fetch->count == count) << text;
  };
  for (const char* text : {"fetch c", "FETCH from c", "fetch in c", "fetch next c", "fetch next from c;", "fetch forward c", "fetch forward in c",
                           "fetch 1 from c", "fetch forward", "fetch next", "fetch from \"in\"", "fetch relative 1 c", "fetch backward -1 c"}) {
    const auto fetch = read_fetch(text, true);
    ASSERT_TRUE(fetch) << text;
    const bool forward = (fetch->direction == Direction::forward && fetch->count == 1) || fetch->direction == Direction::relative ||
                         (fetch->direction == Direction::backward && fetch->count == -1);
    EXPECT_TRUE(forward) << text;
  }
  is("fetch 100 from c1", Direction::forward, 100);
  is("fetch -5 c", Direction::forward, -5);
  is("fetch +5 c", Direction::forward, 5);
  is("fetch all c", Direction::forward, Fetch::all);
  is("fetch all from c", Direction::forward, Fetch::all);
  is("fetch forward 3 in c", Direction::forward, 3);
  is("fetch forward all from c", Direction::forward, Fetch::all);
  is("fetch backward c", Direction::backward, 1);
  is("fetch backward 0 c", Direction::backward, 0);
  is("MOVE BACKWARD ALL IN c1", Direction::backward, Fetch::all);
  is("fetch prior from c", Direction::backward, 1);
  is("fetch first c", Direction::absolute, 1);
  is("fetch last from c", Direction::absolute, -1);
  is("fetch absolute -3 from c", Direction::absolute, -3);
  is("fetch /* 7 */ relative - 2 from /* d */ c -- e", Direction::relative, -2);
  EXPECT_TRUE(read_fetch("move all c", true)->moves);
  EXPECT_FALSE(read_fetch("fetch all c", true)->moves);
  for (const char* text : {"fetch 99999999999 from c", "fetch 1 2 c", "select 1", "fetch c d e", "fetch absolute c"}) EXPECT_FALSE(read_fetch(text, true)) << text;
}

TEST(CursorText, sees_where_current_of) {
  EXPECT_TRUE(uses_current_of("update t set a = 1 where /* x */ current of c", true));
  EXPECT_TRUE(uses_current_of("DELETE FROM t WHERE CURRENT OF c", true));
  EXPECT_FALSE(uses_current_of("update t set a = 'where current of c' where b", true));
  EXPECT_FALSE(uses_current_of("update t set a = 1 where current = 1", true));
}

TEST(RunFetch, moves_as_postgresql_does) {
  script::MemoryStorage storage;
  const CursorPtr c = cursor_of(storage, 5);
  EXPECT_EQ(fetch(c, "fetch backward c"), "FETCH 0: @0");
  EXPECT_EQ(fetch(c, "fetch 0 c"), "FETCH 0: @0");
  EXPECT_EQ(fetch(c, "fetch 2 c"), "FETCH 2: 1 2 @2");
  EXPECT_EQ(fetch(c, "fetch 0 c"), "FETCH 1: 2 @2");
  EXPECT_EQ(fetch(c, "move 0 c"), "MOVE 1: @2");
  EXPECT_EQ(fetch(c, "fetch 3 c"), "FETCH 3: 3 4 5 @5");
  EXPECT_EQ(fetch(c, "fetch c"), "FETCH 0: @6");
  EXPECT_EQ(fetch(c, "fetch 0 c"), "FETCH 0: @6");
  EXPECT_EQ(fetch(c, "fetch prior c"), "FETCH 1: 5 @5");
  EXPECT_EQ(fetch(c, "fetch backward 2 c"), "FETCH 2: 4 3 @3");
  EXPECT_EQ(fetch(c, "fetch -1 c"), "FETCH 1: 2 @2");
  EXPECT_EQ(fetch(c, "fetch backward all c"), "FETCH 1: 1 @0");
  EXPECT_EQ(fetch(c, "fetch all c"), "FETCH 5: 1 2 3 4 5 @6");
  EXPECT_EQ(fetch(c, "move backward all c"), "MOVE 5: @0");
  EXPECT_EQ(fetch(c, "move forward 2 c"), "MOVE 2: @2");
  EXPECT_EQ(fetch(c, "fetch absolute 4 c"), "FETCH 1: 4 @4");
  EXPECT_EQ(fetch(c, "fetch absolute -1 c"), "FETCH 1: 5 @5");
  EXPECT_EQ(fetch(c, "fetch absolute -9 c"), "FETCH 0: @0");
  EXPECT_EQ(fetch(c, "fetch absolute 9 c"), "FETCH 0: @6");
  EXPECT_EQ(fetch(c, "fetch relative -2 c"), "FETCH 1: 4 @4");
  EXPECT_EQ(fetch(c, "fetch relative 0 c"), "FETCH 1: 4 @4");
  EXPECT_EQ(fetch(c, "fetch relative 2 c"), "FETCH 0: @6");
  EXPECT_EQ(fetch(c, "fetch first c"), "FETCH 1: 1 @1");
  EXPECT_EQ(fetch(c, "fetch last c"), "FETCH 1: 5 @5");
  EXPECT_EQ(fetch(c, "fetch absolute 0 c"), "FETCH 0: @0");
  EXPECT_EQ(fetch(c, "move absolute 3 c"), "MOVE 1: @3");
}

TEST(RunFetch, of_no_rows) {
  script::MemoryStorage storage;
  const CursorPtr c = cursor_of(storage, 0);
  EXPECT_EQ(fetch(c, "fetch last c"), "FETCH 0: @0");
  EXPECT_EQ(fetch(c, "fetch all c"), "FETCH 0: @1");
  EXPECT_EQ(fetch(c, "fetch prior c"), "FETCH 0: @0");
}

TEST(RunFetch, without_scroll_goes_forward_only) {
  script::MemoryStorage storage;
  const CursorPtr c = cursor_of(storage, 5);
  c->no_scroll = true;
  EXPECT_EQ(fetch(c, "fetch 2 c"), "FETCH 2: 1 2 @2");
  EXPECT_EQ(fetch(c, "fetch prior c"), "55000");
  EXPECT_EQ(fetch(c, "fetch absolute 1 c"), "55000");
  EXPECT_EQ(fetch(c, "fetch -1 c"), "55000");
  EXPECT_EQ(fetch(c, "fetch relative 2 c"), "FETCH 1: 4 @4");
  EXPECT_EQ(fetch(c, "fetch absolute 5 c"), "FETCH 1: 5 @5");
}

TEST(Cursors, end_with_their_transaction_or_stay) {
  script::MemoryStorage storage;
  Cursors cursors;
  const auto add = [&](const char* name, bool hold) {
    const CursorPtr cursor = cursor_of(storage, 3);
    cursor->name = name;
    cursor->hold = hold;
    cursors.add(cursor);
  };
  add("held", true);
  add("plain", false);
  cursors.close_unheld();
  cursors.end_transaction(true);
  EXPECT_TRUE(cursors.find("held"));
  EXPECT_FALSE(cursors.find("plain"));
  add("other", true);
  cursors.close_unheld();
  cursors.end_transaction(false);
  EXPECT_TRUE(cursors.find("held"));
  EXPECT_FALSE(cursors.find("other"));
  cursors.close("held");
  EXPECT_TRUE(cursors.empty());
  EXPECT_EQ(storage.used, 0u);
}

TEST(Cursors, declared_behind_a_savepoint_end_with_it) {
  script::MemoryStorage storage;
  Cursors cursors;
  const auto add = [&](const char* name) {
    const CursorPtr cursor = cursor_of(storage, 1);
    cursor->name = name;
    cursors.add(cursor);
  };
  add("a");
  cursors.savepoint("s");
  add("b");
  cursors.savepoint("t");
  add("c");
  cursors.roll_back_to("t");
  EXPECT_FALSE(cursors.find("c"));
  add("c");
  cursors.release("t");
  cursors.roll_back_to("s");
  EXPECT_TRUE(cursors.find("a"));
  EXPECT_FALSE(cursors.find("b"));
  EXPECT_FALSE(cursors.find("c"));
  cursors.roll_back_to("older than all");
  EXPECT_TRUE(cursors.empty());
}

TEST(Cursors, a_closed_one_has_no_rows_whoever_still_knows_it) {
  script::MemoryStorage storage;
  Cursors cursors;
  const CursorPtr cursor = cursor_of(storage, 1000);
  cursor->name = "c";
  cursors.add(cursor);
  EXPECT_GT(storage.used, 0u);
  cursors.close_all();
  EXPECT_TRUE(cursor->closed);
  EXPECT_EQ(storage.used, 0u);
}

TEST(BindFormats, are_found_behind_the_parameters) {
  using namespace std::string_literals;
  const std::string body = "p\0s\0"s + "\0\1\0\1"s + "\0\2"s + "\0\0\0\3abc"s + "\xff\xff\xff\xff"s + "\0\1\0\1"s;
  ASSERT_TRUE(result_formats(body));
  EXPECT_EQ(*result_formats(body), body.size() - 4);
  EXPECT_EQ(other_than_text(body), "\0\1\0\1"s);
  EXPECT_EQ(other_than_text(body.substr(0, body.size() - 1) + '\0'), "");
  EXPECT_FALSE(result_formats(body.substr(0, body.size() - 1)));
}

}  // namespace pgswitch::redshift
