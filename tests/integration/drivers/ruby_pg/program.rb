# Ruby pg for drivers/compare.py: exec, exec_params, prepared, single rows, pipelines, COPY, notifications, cancel.
require 'json'
require 'pg'

STATEMENTS = JSON.parse(File.read(ENV['STATEMENTS']))
ROUTED = ARGV.include?('routed')
FIELDS = PG::Result.constants.grep(/^PG_DIAG_/).sort - [:PG_DIAG_SEVERITY_NONLOCALIZED]

def connect(**more) = PG.connect(**more)

def error_of(result) = FIELDS.to_h { |field| [field, result.error_field(PG::Result.const_get(field))] }.compact

def status_of(result) = result.res_status(result.result_status)

def look_at(result)
  columns = (0...result.nfields).map do |i|
    [result.fname(i), result.ftype(i), result.fmod(i), result.fsize(i), result.ftable(i).positive?, result.ftablecol(i), result.fformat(i)]
  end
  { status: status_of(result), tag: result.cmd_status, rows: result.values, columns: columns }
end

def attempt(connection)
  seen = yield
  seen.is_a?(PG::Result) ? look_at(seen) : seen
rescue PG::Error => e
  e.result ? error_of(e.result) : e.message
end

# A statement on a table of the other cluster; without routing, one like it.
def elsewhere(connection)
  who = connection.exec("SELECT current_setting('cluster_name') FROM public.#{ROUTED ? 'sales' : 'customers'} LIMIT 1").getvalue(0, 0)
  raise "ran on #{who}" unless who == (ROUTED ? 'analytics' : 'oltp')
end

def scenario(name)
  connection = connect
  notices = []
  connection.set_notice_receiver { |result| notices << error_of(result) }
  connection.exec('TRUNCATE written RESTART IDENTITY')
  elsewhere(connection)
  seen = yield connection
  seen = [seen, notices, connection.transaction_status] unless seen == true
rescue PG::Error, RuntimeError => e
  seen = e.message
ensure
  connection&.close unless connection&.finished?
  puts JSON.generate(scenario: name, seen: seen)
end

def every_statement(connection)
  STATEMENTS.flat_map do |group, some|
    elsewhere(connection)
    some.map { |name, sql| ["#{group}, #{name}", attempt(connection) { yield sql, "#{group} #{name}" }, connection.transaction_status] }
  end
end

scenario('statements, exec') { |c| every_statement(c) { |sql| c.exec(sql) } }
scenario('statements, exec_params') { |c| every_statement(c) { |sql| c.exec_params(sql, []) } }
scenario('statements, prepared') do |c|
  every_statement(c) do |sql, name|
    c.prepare(name, sql)
    [look_at(c.describe_prepared(name)), look_at(c.exec_prepared(name)), attempt(c) { c.exec_prepared(name) }]
  end
end
scenario('statements, asynchronous') do |c|
  every_statement(c) do |sql|
    c.send_query(sql)
    results = []
    while (result = c.get_result)
      results << (result.error_message.empty? ? look_at(result) : error_of(result))
    end
    results
  end
end
scenario('binary results') { |c| c.exec_params('SELECT i2, i4, i8, f8, b, bytes, u, ia FROM every_type', [], 1).values.flatten.map { |v| v&.unpack1('H*') } }
scenario('parameters') do |c|
  [[1, 23], ['x', 25], [nil, 25], ['día', 0], ['2024-02-29', 1082], ["\x01\xff".b, 17]].map do |value, type|
    attempt(c) { c.exec_params('SELECT $1 AS a, pg_typeof($1)', [{ value: value, type: type, format: type == 17 ? 1 : 0 }]) }
  end
end
scenario('single rows') do |c|
  c.send_query('SELECT i FROM generate_series(1, 500) AS i; SELECT 1/(5 - i) FROM generate_series(1, 9) AS i')
  c.set_single_row_mode
  seen = []
  while (result = c.get_result)
    begin
      result.check
      seen << [status_of(result), result.ntuples]
    rescue PG::Error => e
      seen << error_of(e.result)
    end
    c.set_single_row_mode if seen.size == 501
  end
  seen
end
scenario('pipeline') do |c|
  c.enter_pipeline_mode
  20.times do |i|
    c.send_query_params('SELECT $1::int', [i])
    c.send_query_params('SELECT 1/($1::int - 3)', [i])
    c.send_prepare("p#{i}", 'SELECT $1::int + 1')
    c.send_query_prepared("p#{i}", [i])
    c.pipeline_sync
  end
  seen = []

  until seen.count('PGRES_PIPELINE_SYNC') == 20
    result = c.get_result
    seen << (result && (status_of(result) == 'PGRES_FATAL_ERROR' ? error_of(result) : status_of(result)))
    seen << result.values if result && status_of(result) == 'PGRES_TUPLES_OK'
  end
  c.exit_pipeline_mode
  elsewhere(c)
  seen
end
scenario('transactions') do |c|
  seen = []
  c.transaction { |t| t.exec("INSERT INTO written (what) VALUES ('kept')") }
  begin
    c.transaction { |t| t.exec("INSERT INTO written (what) VALUES ('lost')"); t.exec('SELECT 1/0') }
  rescue PG::Error => e
    seen << error_of(e.result)
  end
  ['BEGIN', 'SAVEPOINT a', 'SELECT 1/0', 'SELECT 1', 'ROLLBACK TO a', 'SELECT 2', 'COMMIT', 'ROLLBACK', 'SELECT what FROM written'].each do |sql|
    seen << attempt(c) { c.exec(sql) } << c.transaction_status
    elsewhere(c) if c.transaction_status == PG::PQTRANS_IDLE
  end
  seen
end
scenario('copy') do |c|
  seen = [["a\t1\n", "b\t2\n"], ["a\tone\n"], ["c\t-1\n"], Array.new(3000) { |i| "#{i}#{'x' * 300}\t#{i}\n" }].map do |rows|
    seen = attempt(c) { c.copy_data('COPY written (what, amount) FROM STDIN') { rows.each { |row| c.put_copy_data(row) } } }
    elsewhere(c)
    [seen, c.exec('SELECT count(*), sum(amount) FROM written').values]
  end
  begin
    c.copy_data('COPY written (what) FROM STDIN') { c.put_copy_data("given up\n"); raise 'given up' }
  rescue RuntimeError => e
    seen << e.message
  end
  size = 0
  c.copy_data('COPY (SELECT id, name FROM customers ORDER BY id) TO STDOUT') { while (row = c.get_copy_data) do size += row.size end }
  seen << size << attempt(c) { c.copy_data('COPY (SELECT 1/(5 - i) FROM generate_series(1, 9) AS i) TO STDOUT') { while c.get_copy_data do end } }
end
scenario('notifications') do |c|
  c.exec('LISTEN news')
  elsewhere(c)
  other = connect
  other.exec("NOTIFY news, 'one'; NOTIFY old, 'unheard'")
  other.exec("BEGIN; NOTIFY news, 'lost'; ROLLBACK")
  other.exec("NOTIFY news, 'last'")
  other.close
  heard = []
  c.wait_for_notify(10) { |channel, _, payload| heard << [channel, payload] } until heard.last&.last == 'last'
  heard
end
scenario('cancel') do |c|
  c.send_query('SELECT pg_sleep(60)')
  other = connect
  sleep 0.01 until other.exec("SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'").getvalue(0, 0) == '1'
  c.cancel
  [attempt(c) { c.get_last_result }, attempt(c) { c.exec('SELECT 1') }].tap { other.close }
end
scenario('large objects') do |c|
  oid = nil
  c.transaction do
    oid = c.lo_creat
    object = c.lo_open(oid, PG::INV_READ | PG::INV_WRITE)
    c.lo_write(object, 'x' * 10_000)
    c.lo_lseek(object, 5, PG::SEEK_SET)
    c.lo_write(object, 'five')
    c.lo_close(object)
  end
  elsewhere(c)
  c.transaction do
    object = c.lo_open(oid, PG::INV_READ)
    c.lo_lseek(object, 3, PG::SEEK_SET)
    c.lo_read(object, 8).tap { c.lo_unlink(oid) }
  end
end
scenario('settings') do
  c = connect(options: '-c DateStyle=German -c work_mem=3MB', application_name: 'mine', client_encoding: 'LATIN1')
  seen = %w[DateStyle TimeZone client_encoding application_name standard_conforming_strings].map { |name| c.parameter_status(name) }
  elsewhere(c)
  c.exec('SET DateStyle = ISO; SET work_mem = 777')
  c.exec('RESET ALL')
  seen << c.exec("SELECT '2024-02-29'::date, current_setting('work_mem'), 'día'").values.flatten.map { |value| value.b.unpack1('H*') }
  c.close
  seen
end
if ROUTED
  scenario('routed') do |c|
    tables = %w[customers sales events]
    seen = Array.new(30) { |i| c.exec_params("SELECT current_setting('cluster_name') FROM #{tables[i % 3]} WHERE id = $1", [i + 1]).getvalue(0, 0) }
    c.prepare('there', "SELECT current_setting('cluster_name') FROM sales WHERE id = $1")
    seen += Array.new(3) { |i| c.exec_prepared('there', [i + 1]).getvalue(0, 0) }
    c.transaction { seen << c.exec('SELECT count(*) FROM sales').getvalue(0, 0) << c.exec("SELECT current_setting('cluster_name')").getvalue(0, 0) }
    seen == %w[oltp analytics analytics] * 10 + %w[analytics] * 3 + %w[10000 analytics] || seen
  end
end
