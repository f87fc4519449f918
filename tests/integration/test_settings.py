"""Settings of clients that share one server: in failed, lost and nested transactions, in two encodings, and long ones."""
import psycopg
import pytest
from endpoint import failure, one
from faults import is_gone, resident_kb
from launch import eventually

pytestmark = pytest.mark.pgswitch


@pytest.fixture
def shared(start_proxy):
    """Everybody gets the same server, which must be made to match whenever it changes hands."""
    return start_proxy(pool_mode="transaction", default_pool_size=1)


def test_a_transaction_that_failed_behind_reset_can_be_left(shared):
    with shared.connect(options="-c search_path=private") as client:
        client.execute("BEGIN")
        assert one(client, "SELECT note FROM hidden") == "in the schema private"
        assert failure(client, "RESET search_path; SELECT 1/0").sqlstate == "22012"
        client.execute("ROLLBACK")
        assert one(client, "SELECT note FROM hidden") == "in the schema private"


def test_reset_in_a_transaction_goes_back_to_the_start_value_at_once(shared):
    with shared.connect(options="-c search_path=private -c work_mem=5MB") as client:
        client.execute("BEGIN")
        client.execute("SET search_path = public")
        client.execute("RESET ALL")
        client.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        assert one(client, "SELECT note FROM hidden") == "in the schema private"
        assert one(client, "SHOW work_mem") == "5MB"
        client.execute("COMMIT")
        assert one(client, "SELECT note FROM hidden") == "in the schema private"


# Without a backslash: libpq's options have their own use for it.
LISTS = ("private", "", '"$user",public', 'Private,"$user","public"', '"with""quotes","a,b"', "a_b,user,select")


@pytest.mark.parametrize("path", LISTS)
def test_a_search_path_of_the_start_is_what_it_is_without_a_pooler(shared, direct, path):
    paths = []
    for endpoint in (shared, direct):
        with endpoint.connect(options="-c search_path=" + path) as client:
            one(client, "SELECT 1")
            with shared.connect() as other:
                one(other, "SELECT 1")
            paths.append((one(client, "SELECT current_schemas(false)::text"), one(client, "SELECT to_regclass('hidden')::text")))
    assert paths[0] == paths[1]


def test_settings_are_replayed_in_the_encoding_they_were_made_in(shared):
    with shared.connect() as utf8, shared.connect(client_encoding="LATIN1") as latin:
        utf8.execute("SET my.x = 'é'")
        latin.execute("SET my.y = 'é'")
        for _ in range(2):
            assert one(utf8, "SELECT length(current_setting('my.x'))") == 1
            assert one(latin, "SELECT length(current_setting('my.y'))") == 1
            assert one(utf8, "SELECT current_setting('my.x')") == "é"
            assert one(latin, "SELECT current_setting('my.y')") == "é"


def test_set_local_of_a_reported_setting_ends_with_a_lost_transaction(shared, oltp):
    with shared.connect() as client:
        before = one(client, "SHOW TimeZone")
        client.execute("BEGIN")
        pid = one(client, "SELECT pg_backend_pid()")
        client.execute("SET LOCAL TimeZone = 'Asia/Tokyo'")
        oltp.sql(f"SELECT pg_terminate_backend({pid})")
        eventually(lambda: is_gone(pid), 10, "the server is gone")
        failure(client, "SELECT 1")
        client.execute("ROLLBACK")
        assert one(client, "SHOW TimeZone") == before
        assert client.info.parameter_status("TimeZone") == before


def test_a_custom_setting_too_long_to_be_parsed_follows_its_client(shared):
    with shared.connect() as client, shared.connect(options="-c my.x=other") as other:
        client.execute("SET my.x = '" + "z" * 70_000 + "'")
        assert one(other, "SHOW my.x") == "other"
        assert one(client, "SELECT length(current_setting('my.x'))") == 70_000


def test_savepoints_do_not_copy_what_is_set(shared):
    with shared.connect() as client:
        for i in range(50):
            client.execute(f"SET my.x{i} = '" + "z" * 60_000 + "'")
        client.execute("BEGIN")
        one(client, "SELECT 1")
        before = resident_kb(shared.pooler.pid)
        for i in range(40):
            client.execute("SAVEPOINT a")
            client.execute(f"SET my.n = '{i}'")
        assert resident_kb(shared.pooler.pid) - before < 5_000
        client.execute("ROLLBACK TO a")
        assert one(client, "SHOW my.n") == "38"
        client.execute("ROLLBACK")


@pytest.mark.parametrize("pool_mode", ("transaction", "session"))
def test_temp_buffers_are_refused_once_by_a_server_that_had_temporary_tables(start_proxy, pool_mode):
    proxy = start_proxy(pool_mode=pool_mode, default_pool_size=1)
    def buffers():
        with proxy.connect(options="-c temp_buffers=20MB") as client:
            return one(client, "SHOW temp_buffers")
    assert buffers() == "20MB"
    with proxy.connect() as other:
        other.execute("CREATE TEMP TABLE mine AS SELECT 1")
    try:
        assert buffers() == "20MB", "the server was another one"
    except psycopg.Error as error:
        assert "temp_buffers" in str(error)
    assert buffers() == "20MB"
