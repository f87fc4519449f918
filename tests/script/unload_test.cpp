// COPY TO STDOUT from Redshift.
#include <gtest/gtest.h>

#include "load_messages.hpp"

namespace pgswitch::script {

TEST(redshift_copy_to, sends_the_rows_of_a_query) {
  Script(loading())
      .client(query("copy t (a, b) to stdout"))
      .expect_acquire()
      .expect_to_server(query("SELECT a, b FROM t"))
      .server(columns(), row({"1", "x\ty"}), row({std::nullopt, "\\"}), complete("SELECT"), ready('I'))
      .expect_to_client(copy_response('H'), copy_data("1\tx\\ty\n"), copy_data("\\N\t\\\\\n"), copy_done(), complete("COPY 2"), ready('I'))
      .expect_release();
}

TEST(redshift_copy_to, of_a_query_in_redshifts_spelling) {
  Script(loading())
      .client(query("copy (select '\\' as a, b from t) to stdout csv header"))
      .expect_acquire()
      .expect_to_server(query("select '\\\\' as a, b from t"))
      .server(columns(), row({"\\", "x,y"}), complete("SELECT"), ready('I'))
      .expect_to_client(copy_response('H'), copy_data("a,b\n"), copy_data("\\,\"x,y\"\n"), copy_done(), complete("COPY 1"), ready('I'))
      .expect_release();
}

TEST(redshift_copy_to, an_error_in_the_middle) {
  Script(loading())
      .client(query("copy t (a, b) to stdout"))
      .expect_acquire()
      .expect_to_server(query("SELECT a, b FROM t"))
      .server(columns(), row({"1", "x"}), error("22012", "division by zero"), ready('I'))
      .expect_to_client(copy_response('H'), copy_data("1\tx\n"), error("22012", "division by zero"), ready('I'))
      .expect_release();
}

TEST(redshift_copy_to, in_the_extended_protocol) {
  Script(loading())
      .client(parse("", "copy t (a, b) to stdout"), bind_to("", ""), describe_portal(""), execute(""), sync())
      .expect_acquire()
      .expect_to_server(query("SELECT a, b FROM t"))
      .server(columns(), row({"1", "x"}), complete("SELECT"), ready('I'))
      .expect_to_client(parse_complete(), bind_complete(), no_data(), copy_response('H'), copy_data("1\tx\n"), copy_done(),
                        complete("COPY 1"), ready('I'))
      .expect_release();
}

}  // namespace pgswitch::script
