"""What PostgreSQL 15 can do, for SQLAlchemy's suite, which skips the tests of everything that it is not told of."""
from sqlalchemy.testing import exclusions
from sqlalchemy.testing.requirements import SuiteRequirements

OFFERED = """
table_ddl_if_exists index_ddl_if_exists table_value_constructor non_updating_cascade deferrable_fks boolean_col_expressions nullsordering
standalone_binds intersect except_ window_functions ctes ctes_with_update_delete ctes_on_dml tuple_in views schemas cross_schema_fk_reflection
foreign_key_constraint_name_reflection implicit_default_schema default_schema_name_switch server_side_cursors reflects_pk_names
reflect_tables_no_columns comment_reflection foreign_key_constraint_option_reflection_ondelete fk_constraint_option_reflection_ondelete_restrict
fk_constraint_option_reflection_ondelete_noaction foreign_key_constraint_option_reflection_onupdate
fk_constraint_option_reflection_onupdate_restrict has_temp_table temporary_views index_reflects_included_columns
indexes_with_expressions check_constraint_reflection unicode_ddl datetime_timezone time_timezone timestamp_microseconds
datetime_historic date_historic autocommit isolation_level json_type legacy_unconditional_json_extract precision_numerics_enotation_small
precision_numerics_enotation_large precision_numerics_many_significant_digits precision_numerics_retains_significant_digits infinity_floats
savepoints two_phase_transactions update_from delete_from mod_operator_as_percent_sign percent_schema_names order_by_label_with_expression
computed_columns computed_columns_stored computed_columns_default_persisted computed_columns_reflect_persisted supports_distinct_on
identity_columns identity_columns_standard regexp_match regexp_replace fetch_first fetch_ties fetch_no_order_by fetch_offset_with_options
fetch_expression timing_intensive memory_intensive
""".split()


class Requirements(SuiteRequirements):
    def get_isolation_levels(self, config):
        levels = ("READ COMMITTED", "READ UNCOMMITTED", "REPEATABLE READ", "SERIALIZABLE", "AUTOCOMMIT")
        return {"default": "READ COMMITTED", "supported": levels}


for name in OFFERED:
    setattr(Requirements, name, property(lambda self: exclusions.open()))
