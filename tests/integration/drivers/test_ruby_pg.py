"""Ruby's pg: libpq's own calls, asynchronous ones, pipelines, single rows, COPY, large objects."""
from programs import HERE, STATEMENTS


def test_ruby_pg_sees_the_same_through_the_proxy(proxy, comparison):
    comparison.check("ruby_pg", ["/usr/bin/ruby", HERE / "ruby_pg" / "program.rb"], proxy, env={"STATEMENTS": str(STATEMENTS)})
