-- Through pgswitch: a statement for the other cluster in between, whose answer is not printed.
\getenv routed ROUTED
\if :{?routed}
SELECT count(*) AS rows, current_setting('cluster_name') = 'analytics' AS there FROM sales \gset routed_
SELECT 1 / (:'routed_there')::boolean::int AS routed \gset
\endif
