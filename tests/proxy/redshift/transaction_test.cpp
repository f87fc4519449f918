#include <gtest/gtest.h>

#include "proxy/redshift/transaction.hpp"
#include "rules/analyze.hpp"

namespace pgswitch::redshift {
namespace {

rules::Statement statement(std::string_view sql) { return *rules::analyze(sql).statements.front().statement; }

Transaction begun(std::string_view begin = "begin") {
  Transaction transaction;
  transaction.begin(read_modes(begin), {});
  return transaction;
}

TEST(redshift_transaction, modes_of_begin) {
  const TransactionModes all = read_modes("BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY, NOT DEFERRABLE");
  EXPECT_EQ(all.isolation, "read committed");
  EXPECT_EQ(all.read_only, true);
  EXPECT_EQ(all.deferrable, false);
  EXPECT_EQ(all.begin_text(false), "BEGIN ISOLATION LEVEL read committed READ ONLY");
  EXPECT_EQ(read_modes("start transaction isolation level serializable read write").begin_text(true), "START TRANSACTION ISOLATION LEVEL serializable READ WRITE");
  EXPECT_EQ(read_modes("begin /* read only */ work").begin_text(false), "BEGIN");
  EXPECT_EQ(read_modes("SET transaction_read_only = on").read_only, true);
  EXPECT_EQ(read_modes("SET LOCAL transaction_read_only TO 'off'").read_only, false);
  EXPECT_EQ(read_modes("SET transaction_isolation TO 'repeatable read'").isolation, "repeatable read");
  EXPECT_TRUE(read_modes("SET TRANSACTION SNAPSHOT '1'").snapshot);
}

TEST(redshift_transaction, what_a_statement_touches) {
  for (const char* const sql : {"select 1", "show x", "savepoint a", "explain select 1", "fetch 1 from c", "select top 10 a from t", "with x as (select 1) select top 1 * from x", "prepare p as delete from t"})
    EXPECT_EQ(touch_of(statement(sql)), Touch::nothing) << sql;
  for (const char* const sql : {"set a = 1", "lock t"}) EXPECT_EQ(touch_of(statement(sql)), Touch::session) << sql;
  for (const char* const sql : {"insert into t values (1)", "create table t (a int)", "select * into n from t", "select top 10 a into n from t", "unload ('x') to 's3://a'",
                                "call p()", "vacuum t", "with x as (delete from t returning a) select * from x", "explain analyze delete from t"})
    EXPECT_EQ(touch_of(statement(sql)), Touch::data) << sql;
}

TEST(redshift_transaction, savepoints_nest) {
  Transaction transaction = begun();
  transaction.savepoint("a");
  transaction.savepoint("b");
  transaction.savepoint("a");
  EXPECT_FALSE(transaction.release("a"));
  EXPECT_FALSE(transaction.release("a"));
  EXPECT_EQ(transaction.release("b")->sqlstate, "3B001");
  EXPECT_EQ(transaction.release("a")->message, "savepoint \"a\" does not exist");
}

TEST(redshift_transaction, a_savepoint_is_gone_back_to_while_there_is_nothing_to_take_back) {
  Transaction transaction = begun();
  transaction.sent(statement("insert into t values (1)"));
  transaction.savepoint("a");
  transaction.sent(statement("select 1"));
  transaction.savepoint("b");
  EXPECT_FALSE(transaction.roll_back_to("a", false));
  EXPECT_EQ(transaction.roll_back_to("b", false)->sqlstate, "3B001");
  transaction.sent(statement("delete from t"));
  EXPECT_EQ(transaction.roll_back_to("a", false)->sqlstate, "0A000");
  transaction.savepoint("c");
  EXPECT_FALSE(transaction.roll_back_to("c", false));
  EXPECT_EQ(transaction.roll_back_to("c", true)->sqlstate, "0A000");
}

TEST(redshift_transaction, set_transaction) {
  Transaction transaction = begun();
  EXPECT_FALSE(transaction.set(read_modes("set transaction read only")));
  EXPECT_EQ(transaction.modes().read_only, true);
  EXPECT_FALSE(transaction.set(read_modes("set transaction read write")));
  EXPECT_FALSE(transaction.set(read_modes("set transaction isolation level serializable")));
  EXPECT_FALSE(transaction.set(read_modes("set transaction read only")));
  transaction.sent(statement("select 1"));
  EXPECT_EQ(transaction.set(read_modes("set transaction read write"))->sqlstate, "25001");
  EXPECT_EQ(transaction.set(read_modes("set transaction isolation level read committed"))->sqlstate, "25001");
  EXPECT_EQ(transaction.set(read_modes("set transaction snapshot 'x'"))->sqlstate, "0A000");
}

TEST(redshift_transaction, a_savepoint_keeps_the_modes) {
  Transaction transaction = begun();
  transaction.savepoint("a");
  EXPECT_FALSE(transaction.set(read_modes("set transaction read only")));
  EXPECT_EQ(transaction.set(read_modes("set transaction read write"))->sqlstate, "25001");
  EXPECT_FALSE(transaction.roll_back_to("a", false));
  EXPECT_NE(transaction.modes().read_only, true);
}

}  // namespace
}  // namespace pgswitch::redshift
