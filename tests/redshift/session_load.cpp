#include "tests/redshift/session.hpp"

/// COPY ... FROM 's3://...' and UNLOAD.
namespace pgswitch::stand_in {

bool Session::run_load(const Prepared& prepared) {
  throw TextError{{.sqlstate = "0A000", .message = "LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)", .detail = {}, .hint = {}},
                  prepared.statement.begin};
}

}  // namespace pgswitch::stand_in
