# Perl's DBD::Pg for drivers/compare.py: statements prepared by the server or not, asynchronous queries, COPY, savepoints, catalogue calls.
use strict;
use warnings;
use DBI qw(:sql_types);
use DBD::Pg qw(:async :pg_types);
use JSON::PP;
use Time::HiRes qw(sleep);

my $json = JSON::PP->new->utf8->canonical->allow_nonref->allow_blessed;
my $routed = grep { $_ eq 'routed' } @ARGV;
open(my $file, '<:raw', $ENV{STATEMENTS}) or die "no statements: $!";
my $statements = JSON::PP->new->utf8->decode(do { local $/; <$file> });
my @notices;
local $SIG{__WARN__} = sub { push @notices, $_[0] =~ s/ at \S+ line \d+.*//sr };

sub connected {
    my %options = @_;
    return DBI->connect('dbi:Pg:', undef, undef, { RaiseError => 1, PrintError => 0, AutoCommit => 1, %options });
}

sub fields {
    my ($db) = @_;
    return { map { my $of = $_; $of => scalar eval { $db->pg_error_field($of) } } qw(severity sqlstate message_primary message_detail message_hint
        statement_position internal_position internal_query context schema_name table_name column_name datatype_name constraint_name
        source_file source_line source_function) };
}

sub attempt {
    my ($db, $body) = @_;
    my $seen = eval { $body->() };
    return $@ ? [$db->state, $@ =~ s/ at \S+ line \d+.*//sr, fields($db)] : $seen;
}

# JSON has no infinity, which a number may be.
sub texts {
    my ($value) = @_;
    return ref $value ? [map { texts($_) } @$value] : defined $value ? "$value" : undef;
}

sub look {
    my ($statement) = @_;
    my $rows = $statement->rows;
    return [$rows] unless $statement->{NUM_OF_FIELDS};
    return [$rows, map({ [@{ $statement->{$_} }] } qw(NAME TYPE PRECISION SCALE NULLABLE pg_type)), texts($statement->fetchall_arrayref)];
}

sub execute {
    my ($db, $sql, @values) = @_;
    my $statement = $db->prepare($sql);
    $statement->execute(@values);
    my $seen = look($statement);
    $statement->finish;
    return $seen;
}

# A statement on a table of the other cluster; without routing, one like it.
sub elsewhere {
    my ($db) = @_;
    my ($who) = $db->selectrow_array("SELECT current_setting('cluster_name') FROM public." . ($routed ? 'sales' : 'customers') . ' LIMIT 1');
    die "ran on $who\n" if $who ne ($routed ? 'analytics' : 'oltp');
}

sub scenario {
    my ($name, $body, %options) = @_;
    @notices = ();
    my $db = connected(%options);
    my $seen = eval {
        for my $step (sub { $db->do('TRUNCATE written RESTART IDENTITY') }, sub { elsewhere($db) }) {
            $step->();
            $db->commit unless $db->{AutoCommit};
        }
        $body->($db);
    };
    $seen = "died: $@" if $@;
    $seen = [$seen, [@notices], $db->ping] if ref $seen;
    print $json->encode({ scenario => $name, seen => ($seen // '') eq 'true' ? JSON::PP::true : $seen }), "\n";
    $db->rollback unless $db->{AutoCommit} || !$db->ping;
    $db->disconnect;
}

sub every_statement {
    my ($db, $times) = @_;
    my @seen;
    for my $group (sort keys %$statements) {
        elsewhere($db);
        $db->commit unless $db->{AutoCommit};
        for my $name (sort keys %{ $statements->{$group} }) {
            my $sql = $statements->{$group}{$name};
            for (1 .. $times) {
                push @seen, ["$group, $name", attempt($db, sub { execute($db, $sql) }), $db->ping];
                $db->rollback unless $db->{AutoCommit};
            }
        }
    }
    return \@seen;
}

for my $prepare (0, 1) {
    my %mode = (pg_server_prepare => $prepare);
    my $how = $prepare ? 'prepared' : 'not prepared';
    scenario("statements, $how", sub { every_statement($_[0], 1) }, %mode);
    scenario("statements in transactions, $how", sub { every_statement($_[0], 1) }, %mode, AutoCommit => 0);
    scenario("one statement again and again, $how", sub {
        my ($db) = @_;
        my $statement = $db->prepare('SELECT name, ?::text FROM customers WHERE id = ?');
        my @seen;
        for my $i (1 .. 12) {
            $statement->execute("x$i", $i);
            push @seen, $statement->fetchall_arrayref;
            elsewhere($db);
        }
        return \@seen;
    }, %mode, pg_switch_prepared => 2);
    scenario("parameters, $how", sub {
        my ($db) = @_;
        my $statement = $db->prepare('SELECT ?, ?, ?, ?, ?');
        $statement->bind_param(1, 42, SQL_INTEGER);
        $statement->bind_param(2, "\x00\xff\n", { pg_type => PG_BYTEA });
        $statement->bind_param(3, undef);
        $statement->bind_param(4, [1, 2, 3], { pg_type => PG_INT4ARRAY });
        $statement->bind_param(5, "d\x{ed}a \x{2603}");
        $statement->execute;
        return [look($statement), attempt($db, sub { execute($db, 'SELECT ?::int', 'abc') }), attempt($db, sub { execute($db, 'SELECT $1::int + $2', 1, 2) })];
    }, %mode);
    scenario("transactions and savepoints, $how", sub {
        my ($db) = @_;
        my @seen;
        for my $end (qw(rollback commit)) {
            $db->do('INSERT INTO written (what) VALUES (?)', undef, $end);
            $db->pg_savepoint('a');
            push @seen, attempt($db, sub { $db->do('SELECT 1/0') }), $db->ping;
            push @seen, attempt($db, sub { execute($db, 'SELECT 1') });
            $db->pg_rollback_to('a');
            $db->pg_release('a');
            push @seen, execute($db, 'SELECT what FROM written');
            $db->$end;
            elsewhere($db);
            $db->commit;
            push @seen, execute($db, 'SELECT what FROM written');
        }
        return \@seen;
    }, %mode, AutoCommit => 0);
    scenario("asynchronous queries, $how", sub {
        my ($db) = @_;
        my $statement = $db->prepare('SELECT pg_sleep(0.05), ?::int', { pg_async => PG_ASYNC });
        $statement->execute(7);
        my $ready = $db->pg_ready;
        my @seen = ($db->pg_result, $statement->fetchall_arrayref);
        $db->do('SELECT pg_sleep(60)', { pg_async => PG_ASYNC });
        push @seen, $db->pg_cancel, attempt($db, sub { execute($db, 'SELECT 1') });
        return \@seen;
    }, %mode);
}

scenario('copy', sub {
    my ($db) = @_;
    my @seen;
    for my $rows (["a\t1\n", "b\t2\n"], ["a\tone\n"], ["c\t-1\n"], [map { "$_" . 'x' x 300 . "\t$_\n" } 1 .. 3000]) {
        $db->do('COPY written (what, amount) FROM STDIN');
        push @seen, attempt($db, sub { $db->pg_putcopydata($_) for @$rows; $db->pg_putcopyend });
        elsewhere($db);
        push @seen, execute($db, 'SELECT count(*), sum(amount) FROM written');
    }
    $db->do('COPY (SELECT id, name FROM customers ORDER BY id) TO STDOUT');
    my ($size, $row) = (0, '');
    $size += length $row while $db->pg_getcopydata($row) >= 0;
    return [@seen, $size, execute($db, 'SELECT 1')];
});
scenario('large objects', sub {
    my ($db) = @_;
    my $oid = $db->pg_lo_creat($db->{pg_INV_WRITE});
    my $object = $db->pg_lo_open($oid, $db->{pg_INV_WRITE});
    my @seen = ($db->pg_lo_write($object, 'x' x 10_000, 10_000), $db->pg_lo_lseek($object, 5, 0), $db->pg_lo_write($object, 'five', 4));
    $db->pg_lo_close($object);
    $db->commit;
    elsewhere($db);
    $db->commit;
    $object = $db->pg_lo_open($oid, $db->{pg_INV_READ});
    $db->pg_lo_read($object, my $buffer, 10);
    push @seen, $buffer, $db->pg_lo_unlink($oid);
    $db->commit;
    return \@seen;
}, AutoCommit => 0);
scenario('notifications', sub {
    my ($db) = @_;
    $db->do('LISTEN news');
    elsewhere($db);
    my $other = connected();
    $other->do("NOTIFY news, 'one'");
    $other->do("NOTIFY old, 'unheard'");
    $other->do("NOTIFY news, 'last'");
    $other->disconnect;
    my @heard;
    while (!@heard || $heard[-1][1] ne 'last') {
        my $one = $db->pg_notifies;
        $one ? push @heard, [$one->[0], $one->[2]] : sleep 0.01;
    }
    return \@heard;
});
scenario('the catalogue', sub {
    my ($db) = @_;
    $db->do('CREATE TABLE child (a int PRIMARY KEY, b int REFERENCES customers, c varchar(7) UNIQUE DEFAULT 7)');
    my %seen = (
        tables => $db->table_info(undef, 'public', '%', 'TABLE'), columns => $db->column_info(undef, 'public', 'every_type', '%'),
        primary => $db->primary_key_info(undef, 'public', 'child'), foreign => $db->foreign_key_info(undef, 'public', 'customers', undef, 'public', 'child'),
        indexes => $db->statistics_info(undef, 'public', 'child', 0, 0), types => $db->type_info_all);
    for my $key (keys %seen) {
        $seen{$key} = $seen{$key}->fetchall_arrayref if ref $seen{$key} eq 'DBI::st';
    }
    $db->do('DROP TABLE child');
    return \%seen;
});
scenario('settings', sub {
    local $ENV{PGOPTIONS} = '-c DateStyle=German -c work_mem=3MB';
    local $ENV{PGAPPNAME} = 'mine';
    my $db = connected();
    elsewhere($db);
    $db->do("SET work_mem = '5MB'");
    $db->do('SET search_path = private');
    my @seen = (execute($db, 'SELECT note FROM hidden'), map { execute($db, "SHOW $_") } qw(DateStyle work_mem application_name));
    $db->do('DISCARD ALL');
    push @seen, map { execute($db, "SHOW $_") } qw(DateStyle work_mem search_path application_name);
    $db->disconnect;
    return \@seen;
});
scenario('routed', sub {
    my ($db) = @_;
    my @seen;
    for my $i (1 .. 30) {
        my $table = (qw(customers sales events))[$i % 3];
        push @seen, $db->selectrow_array("SELECT current_setting('cluster_name') FROM $table WHERE id = ?", undef, $i);
    }
    $db->begin_work;
    push @seen, $db->selectrow_array('SELECT count(*) FROM sales'), $db->selectrow_array("SELECT current_setting('cluster_name')");
    $db->commit;
    my $wanted = join ' ', (qw(analytics analytics oltp)) x 10, 10000, 'analytics';
    return "@seen" eq $wanted ? 'true' : \@seen;
}) if $routed;
